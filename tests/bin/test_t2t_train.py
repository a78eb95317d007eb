"""t2t-train: what a run writes, and what it says of mistakes."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from t2tlite import hparam, registry
from t2tlite.bin import t2t_train
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.run import Run
from t2tlite.training import trainer

from .runs import EIGHT, SMALL, checkpoints, flags, metrics_lines, train

TRAIN = {"loss", "expert_loss", "gradient_norm", "targets", "dropped", "dropped_share"} | {
    "updates",
    "share",
    "share_asked",
    "learning_rate",
}
EVALUATION = {"loss", "log_perplexity", "accuracy", "accuracy_top5", "sequence_accuracy"} | {
    "targets",
    "sequences",
}


def test_metrics(whole):
    lines = metrics_lines(whole)
    assert len({(line["step"], line["problem"], line["split"]) for line in lines}) == len(lines)
    of_training = [line for line in lines if line["split"] == "train"]
    turns = [(line["step"], line["problem"]) for line in of_training]
    assert turns == list(enumerate(EIGHT + EIGHT[:2], start=1))
    of_validation = [(line["step"], line["problem"]) for line in lines if line["split"] == "validation"]
    assert of_validation == [(10, name) for name in EIGHT]
    assert [line["step"] for line in lines] == sorted(line["step"] for line in lines)
    for line in lines:
        assert set(line) == {"step", "problem", "split"} | (TRAIN if line["split"] == "train" else EVALUATION)
        assert 0 < line["loss"] < 30 and line["targets"] >= 1


def test_intervals(short):
    """There is a line at each interval, and at the end."""
    expected = [(2, "train"), (2, "validation"), (3, "train"), (3, "validation")]
    assert [(line["step"], line["split"]) for line in metrics_lines(short)] == expected
    assert [line["updates"] for line in metrics_lines(short) if line["split"] == "train"] == [2, 1]


def test_the_folder_describes_itself(whole, sample_data):
    assert checkpoints(whole) == ["step-00000009", "step-00000010"]
    assert {path.name for path in whole.iterdir()} == {
        "run.json",
        "expert_load.json",
        "vocabulary.model",
        "operative.gin",
        "checkpoints",
        "metrics.jsonl",
        "tensorboard",
    }
    assert {path.parent.name for path in whole.glob("tensorboard/*/events*")} == {"train", "validation"}
    run = Run.load(whole)
    assert list(run.problems) == EIGHT and set(run.labels) == {"imagenet"}
    assert (run.data_dir, run.source, run.seed) == (str(sample_data), "sample", 0)
    assert run.hparams == hparam.get("multimodel_tiny", SMALL)
    assert run.hparams == hparam.get("multimodel_base", gin_files=[whole / "operative.gin"])
    vocabulary = Vocabulary.load(whole / "vocabulary.model")
    assert json.loads((whole / "run.json").read_text())["vocabulary"] == vocabulary.fingerprint
    assert run.restore_model().variables


def test_sample_data_is_generated_where_it_is_missing(tmp_path, eagerly, monkeypatch, capsys):
    from t2tlite.problems.sample_world import corpora

    monkeypatch.setitem(corpora.COUNTS, "parsing", {"train": 9, "validation": 2, "test": 2})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})  # no other process, which counts anew
    arguments = flags(tmp_path / "run", "", "wsj_parsing", 1)
    assert t2t_train.main([flag for flag in arguments if flag != "--data_dir="]) == 0
    manifest = json.loads((tmp_path / "run" / "data" / "wsj_parsing" / "manifest.json").read_text())
    assert manifest["source"] == "sample" and manifest["splits"]["train"]["examples"] == 9
    assert len(metrics_lines(tmp_path / "run")) == 2


def test_a_users_files_are_prepared_if_asked_for(tmp_path, eagerly, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})  # other processes take a while to start
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.en").write_text("the cat sleeps .\na dog runs .\nthe red house .\n" * 5)
        (tmp_path / f"{split}.de").write_text("die Katze schläft .\nein Hund rennt .\ndas rote Haus .\n" * 5)
    more = {"source": "files", "source_dir": tmp_path, "generate_data": "true"}
    hparams = SMALL.replace("vocabulary_size=600", "vocabulary_size=320")
    run = tmp_path / "run"
    assert train(run, tmp_path / "data", "wmt_ende,wmt_deen", 2, hparams=hparams, **more) == 0
    assert [line["problem"] for line in metrics_lines(run)[:2]] == ["wmt_ende", "wmt_deen"]


def error(capsys, arguments):
    """What the command says of a mistake: it must be one line, and the exit status 2."""
    capsys.readouterr()
    status = t2t_train.main(arguments)
    out, err = capsys.readouterr()
    assert status == 2 and out == "", err
    assert err.startswith("t2t-train: error: ") and err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": "wmt_edne"}, "unknown problem `wmt_edne`; did you mean `wmt_ende`"),
        ({"problems": "wmt_ende,wmt_ende"}, "problem `wmt_ende` is given more than once"),
        ({"problems": ","}, "no problem given"),
        ({"fraction": "wmt_edne:0.1"}, "`wmt_edne` is not one of the problems; did you mean `wmt_ende`"),
        ({"fraction": "wmt_ende:2"}, "above 0 and at most 1"),
        ({"problems": ""}, "--problems is empty"),
        ({"hparams_set": "multimodel_tyni"}, "did you mean `multimodel_tiny`"),
        ({"hparams": "hiden=16"}, "unknown hyperparameter `hiden`; did you mean `hidden_size`"),
        ({"hparams": "hidden_size=much"}, "hidden_size"),
        ({"hparams": "hidden_size=-16"}, "hidden_size must be positive"),
        ({"hparams": "hidden_size=18,num_heads=4"}, "hidden_size must be a multiple of num_heads"),
        ({"hparams": "hidden_size"}, "expected name=value"),
        ({"gin_bindings": "HParams.hiden=16"}, "hiden"),
        ({"gin_file": "/no/such.gin"}, "/no/such.gin"),
        ({"hparam": "hidden_size=16"}, "unknown flag --hparam; did you mean `--hparams`"),
        ({"train_steps": "many"}, "--train_steps=many is not a value of it; expected an integer, 1 or more"),
        ({"train_steps": 0}, "--train_steps=0"),
        ({"save_checkpoints_steps": 0}, "--save_checkpoints_steps=0"),
        ({"keep_checkpoint_max": 0}, "--keep_checkpoint_max=0"),
        ({"log_steps": 0}, "--log_steps=0"),
        ({"seed": -1}, "--seed=-1"),
        ({"seed": 2**31}, "--seed must be less than"),
        ({"freeze": "encodr"}, "freeze=encodr matches no variable of the model; did you mean `encoder`"),
        ({"freeze": "*"}, "leaves nothing to train"),
        ({"hparams": SMALL + ",stages=@5"}, "the first stage begins at @0"),
        ({"warm_start_map": "a:b"}, "--warm_start_map needs --warm_start_from"),
        ({"warm_start_from": "EMPTY", "warm_start_map": "a"}, "`a` renames nothing; expected OLD:NEW"),
        ({"source": "internet"}, "problem `wmt_ende` has no source `internet`; expected one of"),
        ({"source": "files", "data_dir": "EMPTY"}, "t2t-datagen --problems=wmt_ende --source=files"),
        ({"source": "files"}, "holds data of source `sample`, and `files` is asked for"),
        ({"t2t_usr_dir": "/no/dir"}, "/no/dir"),
        ({"output_dir": "FILE"}, "FILE"),
        ({"data_dir": "FILE"}, "FILE"),
        ({"hparams": SMALL + ",mixing=wmt_end:1"}, "did you mean `wmt_ende`"),
        ({"hparams": SMALL + ",optimizer=sgd"}, "hparam `optimizer` must be one of adam"),
        ({"hparams": SMALL + ",length_bounds=1"}, "are too long: raise the hyperparameter max_length=1"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_mistakes(sample_data, tmp_path, capsys, changes, message):
    (tmp_path / "FILE").touch()
    (tmp_path / "EMPTY").mkdir()
    places = {name: tmp_path / name for name in ("FILE", "EMPTY")}
    changes = {name: places.get(value, value) for name, value in changes.items()}
    assert message in error(capsys, flags(tmp_path / "run", sample_data, "wmt_ende", 1) + as_flags(changes))


def as_flags(changes):
    return [f"--{name}={value}" for name, value in changes.items()]


@pytest.mark.parametrize("name", ["problems", "output_dir"])
def test_flags_that_are_missing(sample_data, tmp_path, capsys, name):
    arguments = flags(tmp_path / "run", sample_data, "wmt_ende", 1)
    rest = [argument for argument in arguments if not argument.startswith(f"--{name}=")]
    assert f"--{name} is missing" in error(capsys, rest)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hparams": SMALL + ",learning_rate=0.1"}, "learning_rate=0.001, and 0.1 is asked for"),
        ({"problems": "wmt_deen"}, "holds a run with problems=['wmt_ende'], and ['wmt_deen'] is asked for"),
        ({"problems": "wmt_ende,imagenet"}, "['wmt_ende', 'imagenet'] is asked for"),
        ({"seed": 1}, "holds a run with seed=0, and 1 is asked for"),
        (
            {"freeze": "encoder"},
            "freeze=[], and ['encoder'] is asked for (1 hyperparameter differs); give it as",
        ),
    ],
)
def test_a_run_goes_on_only_as_what_it_was(short, sample_data, capsys, changes, message):
    before = {path.name: path.read_bytes() for path in short.iterdir() if path.is_file()}
    assert message in error(capsys, flags(short, sample_data, "wmt_ende", 5) + as_flags(changes))
    assert before == {path.name: path.read_bytes() for path in short.iterdir() if path.is_file()}


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"problems": 5}', "\0\xff"])
def test_a_broken_run_json(short, sample_data, tmp_path, capsys, content):
    folder = shutil.copytree(short, tmp_path / "run")
    (folder / "run.json").write_bytes(content.encode("latin-1"))
    assert str(folder) in error(capsys, flags(folder, sample_data, "wmt_ende", 5))


def test_a_broken_checkpoint_and_vocabulary(short, sample_data, tmp_path, capsys):
    folder = shutil.copytree(short, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "step-00000002")
    state = folder / "checkpoints" / "step-00000003" / "state.data-00000-of-00001"
    state.write_bytes(state.read_bytes()[:-100])
    assert "step-00000003 is broken: " in error(capsys, flags(folder, sample_data, "wmt_ende", 5))
    (folder / "vocabulary.model").write_bytes(b"damaged")
    assert "is not a vocabulary" in error(capsys, flags(folder, sample_data, "wmt_ende", 5))


def test_a_run_without_a_checkpoint_may_be_mended(sample_data, tmp_path, eagerly, capsys):
    """What is wrong can show late, when the folder is there already."""
    folder = tmp_path / "run"
    error(capsys, flags(folder, sample_data, "wmt_ende", 1, hparams=SMALL + ",optimizer=sgd"))
    assert (folder / "run.json").exists()
    assert train(folder, sample_data, "wmt_deen", 1) == 0


def test_a_loss_that_is_not_finite_stops_the_run(sample_data, tmp_path, eagerly, capsys):
    status = train(tmp_path / "run", sample_data, "wmt_ende", 9, hparams=SMALL + ",learning_rate=1e36")
    last = capsys.readouterr().err.splitlines()[-1]
    assert status == 2 and "the loss of `wmt_ende` at step 1 is " in last and "learning_rate" in last
    assert "(gradient norm inf)" in last or "(gradient norm nan)" in last
    assert checkpoints(tmp_path / "run") == []


@pytest.fixture
def nothing_registered():
    """Takes what a user's folder registers and imports back out."""
    default = registry.get.__self__
    default.names("problem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "_entries", dict(default._entries))
        patch.setattr(default, "_things", dict(default._things))
        patch.setattr(sys, "path", list(sys.path))
        yield


TWICE = """
from t2tlite import problem, registry

@registry.register_problem("twice")
class One(problem.Problem): pass

@registry.register_problem("twice")
class Two(problem.Problem): pass
"""


@pytest.mark.parametrize(
    ("code", "messages"),
    [
        ("def f(:\n  pass\n", ("train_usr.py:1", "invalid syntax")),
        (TWICE, ("problem `twice` is registered twice", "train_usr.py:4", "train_usr.py:7")),
        ("import no_such_module\n", ("no_such_module", "train_usr.py")),
    ],
    ids=["syntax", "twice", "import"],
)
def test_a_users_folder_with_mistakes(sample_data, tmp_path, capsys, nothing_registered, code, messages):
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "train_usr.py").write_text(code)
    arguments = flags(tmp_path / "run", sample_data, "wmt_ende", 1, t2t_usr_dir=tmp_path / "usr")
    err = error(capsys, arguments)
    assert all(message in err for message in messages), err


def test_mistakes_are_told_without_tensorflow(tmp_path, mistake_in_a_process):
    message = mistake_in_a_process("t2t_train", "--problems=wmt_edne", f"--output_dir={tmp_path}")
    assert "did you mean `wmt_ende`" in message


def test_a_plan_for_devices_that_are_not_there(sample_data, tmp_path, capsys):
    arguments = flags(tmp_path / "run", sample_data, "wmt_ende", 1, shard="experts", plan="2x0.1")
    assert t2t_train.main(arguments) == 0
    out = capsys.readouterr().out
    assert "memory on each of 2 replicas (--shard=experts)" in out and "of 0.10 GB on each" in out
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
    assert "--plan is DEVICESxGB, such as 8x80" in error(capsys, [*arguments, "--plan=2by80"])


def test_a_damaged_shard_is_named(sample_data, tmp_path, capsys):
    shutil.copytree(sample_data, tmp_path / "data")
    [path] = (tmp_path / "data" / "wmt_ende").glob("train-*.tfrecord")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    message = error(capsys, flags(tmp_path / "run", tmp_path / "data", "wmt_ende", 1))
    assert f"{path} is damaged" in message


def test_what_is_too_long_is_told(sample_data, tmp_path, capsys, eagerly):
    assert train(tmp_path / "run", sample_data, "wmt_ende", 1, max_length=20) == 0
    [message] = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert re.fullmatch(
        r"wmt_ende: \d+ of 40 examples \(\d+.\d%\) are too long and left out; --max_length .*", message
    )
    hparams = Run.load(tmp_path / "run").hparams
    assert hparams.max_length == 20 and hparams.length_bounds == hparam.get("multimodel_tiny").length_bounds


def test_bounds_follow_the_data_unless_they_are_given(tmp_path, eagerly, monkeypatch, capsys):
    """Of 100 pairs, 14 are longer than the last bound of the set."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})  # other processes take a while to start
    for split, pairs in {"train": [(3, 4)] * 86 + [(60, 60)] * 14, "dev": [(3, 4)], "test": [(3, 4)]}.items():
        for side, language in enumerate(("en", "de")):
            lines = (" ".join(f"w{i % 7}" for i in range(numbers[side])) for numbers in pairs)
            (tmp_path / f"{split}.{language}").write_text("\n".join(lines) + "\n")
    small = SMALL.replace("vocabulary_size=600", "vocabulary_size=280").replace("tokens=64", "tokens=200")
    more = {"source": "files", "source_dir": tmp_path, "generate_data": "true", "save_checkpoints_steps": 2}

    def run(name, steps, hparams=small, **changes):
        status = train(
            tmp_path / name, tmp_path / "data", "wmt_ende", steps, hparams=hparams, **more | changes
        )
        assert status == 0
        err = capsys.readouterr().err
        return Run.load(tmp_path / name).hparams, [line for line in err.splitlines() if "%" in line]

    begun, lines = run("run", 1)
    tiny = hparam.get("multimodel_tiny").length_bounds
    assert begun.length_bounds[:-1] == tiny and begun.length_bounds[-1] > tiny[-1]
    assert lines[0].startswith("length_bounds: added 1") and "14.0% of wmt_ende" in lines[0]
    assert not any("left out" in line for line in lines)
    assert run("run", 2)[0] == begun
    assert [line["step"] for line in metrics_lines(tmp_path / "run") if line["split"] == "train"] == [1, 2]
    monkeypatch.setattr(trainer.Trainer, "train", lambda self: None)
    with_bounds = small + f",length_bounds={';'.join(map(str, tiny))}"
    run_hparams, lines = run("given", 1, hparams=with_bounds)
    assert run_hparams.length_bounds == tiny
    assert lines == [
        "wmt_ende: 14 of 100 examples (14.0%) are too long and left out; "
        "--max_length or --hparams=length_bounds= changes that"
    ]


@pytest.mark.parametrize(
    "flags", [[], ["--eval_early_stopping_metric=wmt_ende/loss", "--local_eval_frequency=10"]], ids=str
)
def test_tensorflow_is_first_imported_where_its_notes_are_kept_off_stderr(tmp_path, flags):
    program = """if True:
        import os, sys
        from t2tlite import quiet
        def stop(*args, **kwargs):
            print("tensorflow" in sys.modules, flush=True)
            os._exit(0)
        quiet.start_tensorflow = stop
        from t2tlite.bin import t2t_train
        t2t_train.main(sys.argv[1:])
    """
    flags = ["--problems=wmt_ende", f"--output_dir={tmp_path}/run", "--train_steps=1", *flags]
    completed = subprocess.run([sys.executable, "-P", "-c", program, *flags], capture_output=True, text=True)
    assert completed.stdout == "False\n", completed.stderr
