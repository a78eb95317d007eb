"""t2t-sweep: from flags to the table, by real trainings, and mistakes."""

import json

from t2tlite.bin import t2t_sweep
from t2tlite.study import processes

from .test_t2t_experiment import SMALL, in_this_process


def test_a_sweep(sample_data, eagerly, tmp_path, monkeypatch, capsys):
    """Two trials, the better of which goes on as if it had not stopped in between."""
    monkeypatch.setattr(processes.Processes, "run", in_this_process)
    argv = ["--problems=wmt_ende", "--source=sample", f"--data_dir={sample_data}", f"--hparams={SMALL}"]
    argv += ["--hparams_set=multimodel_tiny", "--search=learning_rate=0.001..0.01:log", "--trials=2"]
    argv += ["--train_steps=2", "--halving=2", f"--output_dir={tmp_path}"]
    assert t2t_sweep.main([*argv, "--list"]) == 0
    assert capsys.readouterr().out.count("t2t-train --problems=wmt_ende") == 2 and not list(
        tmp_path.iterdir()
    )
    assert t2t_sweep.main(argv) == 0
    out, err = capsys.readouterr()
    assert "round 2 of 2: 1 trial, to step 2" in err and out.split("----")[-1].split()[-1] is not None
    rungs = {path.parent.name: path for path in tmp_path.glob("trials/*/rung-00000002.json")}
    [(best, path)] = rungs.items()
    firsts = {
        folder.name: json.loads((folder / "rung-00000001.json").read_text())["value"]
        for folder in (tmp_path / "trials").glob("trial-*")
    }
    assert len(firsts) == 2 and best == min(firsts, key=firsts.get)
    lines = map(json.loads, (tmp_path / "trials" / best / "metrics.jsonl").read_text().splitlines())
    figures = [line["log_perplexity"] for line in lines if line["split"] == "validation"]
    assert figures == [firsts[best], json.loads(path.read_text())["value"]]
    assert t2t_sweep.main([*argv[:-1], f"--output_dir={tmp_path}", "--seed=3"]) == 2
    assert "holds a sweep with seed=0, and 3 is asked for" in capsys.readouterr().err


def test_mistakes_are_told_without_tensorflow(mistake_in_a_process, tmp_path):
    message = mistake_in_a_process(
        "t2t_sweep", "--problems=wmt_edne", "--search=a=1|2", f"--output_dir={tmp_path}"
    )
    assert "did you mean `wmt_ende`" in message
