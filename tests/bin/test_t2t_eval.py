"""t2t-eval: tables and files of figures, for any checkpoint, and what it says of mistakes."""

import itertools
import json
import pathlib
import types

import pytest

from t2tlite import problem, registry
from t2tlite.api.evaluation import Evaluation
from t2tlite.bin import t2t_eval
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.preparing import generate
from t2tlite.decoding.evaluate import evaluate_split
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.training import launch
from t2tlite.training.evaluate import Evaluator

from ..models import tiny

NAMES = ("wmt_ende", "imagenet")
HPARAMS = tiny.HPARAMS.replace(
    vocabulary_size=600,
    batch_tokens=64,
    batch_images=4,
    length_bounds=(32,),
    num_encoder_layers=1,
    num_decoder_layers=1,
    moe="none",
)


@pytest.fixture(scope="module")
def folder(sample_data, tmp_path_factory):
    """The folder of a run with two checkpoints, of a model that was never trained."""
    folder = tmp_path_factory.mktemp("t2t_eval") / "run"
    run = launch.make_run(folder, ",".join(NAMES), HPARAMS, sample_data, "sample")
    nothing = types.SimpleNamespace(variables=[])
    for step in (1, 2):
        model = tiny.randomise(run.make_model(), seed=step)
        checkpoint.save(folder / CHECKPOINTS, step, model, nothing, {}, {}, keep=5)
    return folder


@pytest.fixture
def call(capsys):
    """A function of the arguments: exit status, standard output, standard error."""

    def run_command(*arguments):
        status = t2t_eval.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_command


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_all_of_a_run(folder, tmp_path, call, eager):
    """Tables and file have the figures of the Python objects, teacher-forced apart from decoded."""
    output = tmp_path / "scores.jsonl"
    status, out, err = call(
        f"--output_dir={folder}", "--eval_steps=1", "--limit=3", f"--output_file={output}"
    )
    assert status == 0
    lines = lines_of(output)
    assert [(line["problem"], line["mode"]) for line in lines] == [
        (name, mode) for mode in ("teacher_forced", "decoded") for name in NAMES
    ]
    path = folder / CHECKPOINTS / "step-00000002"
    assert all(line.pop("checkpoint") == str(path) and line.pop("split") == "test" for line in lines)
    predictor = Predictor.load(folder, path)
    with eager():
        evaluator = Evaluator(predictor.run, predictor.model)
        for line in lines[:2]:
            figures = evaluator.evaluate(line["problem"], "test", 1)
            assert line == {"problem": line["problem"], "mode": "teacher_forced"} | {
                name: pytest.approx(value, rel=1e-5) for name, value in figures.items()
            }
            cells = f"{figures['log_perplexity']:.4f}", f"{100 * figures['accuracy_top5']:.2f}%"
            [row] = [row for row in out.split("Decoded:")[0].splitlines() if line["problem"] in row]
            assert all(cell in row for cell in cells)
    bleu, top = lines[2:]
    assert 0 <= bleu["bleu"] <= 100 and bleu["examples"] == 3 and bleu["errors"] == 0
    assert bleu["signatures"]["bleu"].startswith("nrefs:1|")
    expected = evaluate_split(predictor, "imagenet", "test", 3).metrics
    assert top == {"problem": "imagenet", "mode": "decoded", **expected} | {
        "examples": 3,
        "errors": 0,
        "decoding": "beam search of 4, alpha 0.6",
        "signatures": {},
    }
    first, second = out.split("Decoded: step-00000002, test split, the first 3 examples")
    assert "Teacher-forced: step-00000002, test split, the first 1 batch" in first
    assert second.startswith("; texts by beam search of 4, alpha 0.6\n")
    assert not any(name in first for name in ("bleu", "top1"))
    assert not any(name in second for name in ("accuracy", "perplexity"))
    assert "wmt_ende bleu: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2." in second
    assert "wmt_ende test, teacher-forced: 1 in" in err and "wmt_ende test, decoded: 3 in" in err


def test_problems_of_different_objectives(capsys):
    """Each has its own figures, and a dash where it has none."""
    figures = {"loss": 0.25, "accuracy": 0.5, "targets": 8.0, "sequences": 4.0}
    other = {"loss": 2.0, "log_perplexity": 1.5, "recall_at_1": 0.125}
    figures_by_problem = {"mine": figures, "yours": other}
    path = pathlib.Path("step-00000001")
    Evaluation(path, "test", figures_by_problem, {}, DecodeOptions()).teacher_forced_table().show()
    out = capsys.readouterr().out
    rows = {
        line.replace("│", " ").split()[0]: line.replace("│", " ").split() for line in out.splitlines()[3:-1]
    }
    assert rows["mine"] == ["mine", "0.2500", "50.00%", "8", "-", "-"]
    assert rows["yours"] == ["yours", "2.0000", "-", "-", "1.5000", "0.1250"]
    assert "recall at 1" in out


def test_one_kind_of_one_problem(folder, call, eagerly):
    """On the other split, for two checkpoints."""
    flags = [f"--output_dir={folder}", "--problems=imagenet", "--split=validation", "--nodecoded"]
    status, out, _ = call(*flags)
    assert status == 0 and "Decoded" not in out and "wmt_ende" not in out
    assert "validation split, whole" in out and f" {6} " in out
    older = folder / CHECKPOINTS / "step-00000001"
    _, other, _ = call(*flags, f"--checkpoint_path={older}")
    assert "step-00000001" in other and out.splitlines()[4] != other.splitlines()[4]


def test_other_data(folder, sample_data, tmp_path, call, eagerly):
    """--data_dir goes before the run's own; the problems of a run that has moved can be evaluated."""
    (tmp_path / "moved").symlink_to(sample_data)
    flags = [f"--output_dir={folder}", "--problems=imagenet", "--nodecoded"]
    same = call(*flags, f"--data_dir={tmp_path}/moved")[1]
    assert same == call(*flags)[1]
    status, out, err = call(*flags, f"--data_dir={tmp_path}/none")
    assert status == 2 and out == "" and err.count("\n") == 1
    assert "no prepared data for `imagenet`" in err


def test_only_decoded(folder, call):
    status, out, _ = call(f"--output_dir={folder}", "--problems=imagenet", "--noteacher_forced")
    assert status == 0 and "Teacher-forced" not in out and "top5" in out
    assert "test split, whole" in out


class PicturedGerman(problem.Problem):
    """What is in a picture, in German."""

    inputs = problem.Image(flip=True)
    targets = problem.Text()
    command = "to_german"
    metrics = ("bleu",)
    zero_shot = "imagenet>wmt_ende"

    def examples(self, split, source):
        for example in itertools.islice(registry.get_problem("imagenet").examples(split, source), 3):
            yield {"inputs": example["inputs"], "targets": ["ein Bild", f"ein {example['targets']}"]}


@pytest.fixture
def pictured_german(sample_data, tmp_path, registered_here_only):
    """The folder of the prepared data of a problem that the run has not trained."""
    (tmp_path / "data").mkdir()
    for path in pathlib.Path(sample_data).iterdir():
        (tmp_path / "data" / path.name).symlink_to(path)
    with registered_here_only():
        registry.register_problem(PicturedGerman)
        made = [registry.get_problem("pictured_german")]
        generate.generate(made, tmp_path / "data", "sample", progress=False, processes=1)
        yield tmp_path / "data"


@pytest.mark.parametrize("name", ["pictured_german", "imagenet>wmt_ende"])
def test_what_was_not_trained_is_evaluated_by_crossing(folder, pictured_german, tmp_path, call, eager, name):
    """By the references of the registered problem, with its metrics; teacher-forced, too."""
    flags = [f"--output_dir={folder}", f"--data_dir={pictured_german}", f"--output_file={tmp_path / 'x'}"]
    with eager():
        status, out, err = call(*flags, f"--problems=imagenet,{name}", "--limit=2")
    assert status == 0, err
    assert "pictured_german was not trained; it is evaluated as imagenet>wmt_ende" in err
    lines = {(line["problem"], line["mode"]): line for line in lines_of(tmp_path / "x")}
    assert lines["pictured_german", "teacher_forced"]["sequences"] == 3
    found = lines["pictured_german", "decoded"]
    assert found["signatures"]["bleu"].startswith("nrefs:2|")
    predictor = Predictor.load(folder)
    examples = list(itertools.islice(registry.get_problem("pictured_german").examples("test", "sample"), 2))
    outputs = predictor.predict("imagenet>wmt_ende", [example["inputs"] for example in examples])
    references = [example["targets"] for example in examples]
    bleu = registry.get("metric", "bleu")
    assert found["bleu"] == pytest.approx(bleu([[one.text] for one in outputs], references))


def test_what_crossing_needs(folder, pictured_german, call):
    def error(name, data_dir=pictured_german):
        status, out, err = call(f"--output_dir={folder}", f"--data_dir={data_dir}", f"--problems={name}")
        assert status == 2 and out == "" and err.count("\n") == 1
        return err

    assert "no references are known of `wmt_ende>imagenet`" in error("wmt_ende>imagenet")
    assert "has no problem `imagenett`; did you mean `imagenet`" in error("imagenett>wmt_ende")
    assert "has not trained `wsj_speech_de`, nor `wsj_speech`" in error("wsj_speech_de")
    assert "no prepared data for `pictured_german`" in error("pictured_german", "/none")
    other = type("Other", (PicturedGerman,), {"__doc__": "Another."})
    registry.register_problem("other")(other)
    found = error("imagenet>wmt_ende")
    assert "several problems have references of `imagenet>wmt_ende`; give one of" in found


def test_what_could_not_be_decoded_is_told(folder, call, monkeypatch):
    def broken(self, problem, example):
        raise UserError("can't be read")

    monkeypatch.setattr(Predictor, "model_input", broken)
    status, out, err = call(
        f"--output_dir={folder}", "--problems=imagenet", "--noteacher_forced", "--limit=2"
    )
    assert status == 0 and "0.00" in out
    assert (
        "2 of 2 inputs of imagenet could not be decoded and count as wrong, the first since: can't be" in err
    )


def test_a_problem_without_metrics_of_outputs(folder, call, monkeypatch):
    monkeypatch.setattr(registry.get("problem", "imagenet"), "metrics", ("accuracy",))
    status, out, err = call(f"--output_dir={folder}", "--problems=imagenet", "--noteacher_forced")
    assert status == 0 and "`imagenet` lists no metric of decoded outputs; it is not decoded" in err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--output_dir is missing"),
        (["--output_dir=/no"], "/no holds no run"),
        (["--output_dir=RUN", "--problems=wmt_end"], "did you mean `wmt_ende`"),
        (["--output_dir=RUN", "--problems=imagenet,wsj_speech"], "RUN has no problem `wsj_speech`"),
        (["--output_dir=RUN", "--split=tset"], "expected one of validation, test"),
        (["--output_dir=RUN", "--noteacher_forced", "--nodecoded"], "leave nothing to evaluate"),
        (["--output_dir=RUN", "--limit=-1"], "expected an integer, 0 or more"),
        (["--output_dir=RUN", "--decode_hparams=beams=4"], "unknown decode hyperparameter `beams`"),
        (["--output_dir=RUN", "--output_file=/no/x"], "can't write --output_file=/no/x: the folder is not"),
        (["--output_dir=RUN", "--output_file=RUN"], "is a folder; expected the name of a file"),
        (["--output_dir=RUN", "--checkpoint_path=/no"], "/no is no checkpoint"),
        (["--output_dir=RUN", "--eval_step=4"], "did you mean `--eval_steps`"),
    ],
)
def test_mistakes(folder, call, flags, message):
    flags = [flag.replace("=RUN", f"={folder}") for flag in flags]
    status, out, err = call(*flags)
    assert status == 2 and out == ""
    assert err.startswith("t2t-eval: error: ") and err.count("\n") == 1
    assert message in err.replace(str(folder), "RUN")


def test_a_run_without_a_checkpoint(folder, tmp_path, call):
    for name in ("run.json", "vocabulary.model"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    status, _, err = call(f"--output_dir={tmp_path}")
    assert status == 2 and "holds no checkpoint yet" in err


def test_mistakes_are_told_without_tensorflow(folder, mistake_in_a_process):
    assert "`x`" in mistake_in_a_process("t2t_eval", f"--output_dir={folder}", "--problems=x")
