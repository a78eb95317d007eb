"""The commands with problems of a user's folder that have named inputs, or no targets."""

import json
import sys

import pytest

from t2tlite.bin import t2t_decode, t2t_eval, t2t_show, t2t_train

from .runs import SMALL, flags, metrics_lines

CODE = '''
import io

import keras
import numpy as np
from PIL import Image

from t2tlite import problem, registry
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.modality import Representation
from t2tlite.model import Output
from t2tlite.objectives.likelihood import Likelihood
from t2tlite.shared_hparams import HIDDEN_SIZE

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def picture(colour):
    made = io.BytesIO()
    Image.new("RGB", (32, 32), COLOURS[colour]).save(made, "PNG")
    return made.getvalue()


class Colours(problem.Problem):
    """Questions about the colour of a picture."""

    inputs = {"picture": problem.Image(), "question": problem.Text(), "hint": problem.Text(optional=True)}

    def examples(self, split, source, source_dir=None):
        for number in range(12):
            colour, asked = (list(COLOURS)[i % 3] for i in (number, number // 3))
            inputs = {"picture": picture(colour), "question": f"is it {asked}"}
            if number % 2:
                inputs["hint"] = "look at it"
            yield {"inputs": inputs, "targets": "yes" if colour == asked else "no"}


@registry.register_problem
class ColourClass(Colours):
    targets = problem.Label()

    def labels(self, source, source_dir=None):
        return "no", "yes"


@registry.register_problem
class ColourText(Colours):
    command = "to_answer"
    metrics = ("wer",)


@registry.register_problem
class Alone(problem.Problem):
    """Texts and nothing else."""

    targets, objective = None, "rebuild"

    def examples(self, split, source, source_dir=None):
        for number in range(12):
            yield {"inputs": f"the text with the number {number}"}


@registry.register_objective("rebuild")
class Rebuild(Likelihood):
    """Every subword is predicted from the encoded text, which holds it."""

    reads_targets = False

    def count(self, features):
        return super().count(_with_targets(features))

    def loss(self, output, features):
        return super().loss(output, _with_targets(features))

    def sums(self, output, features):
        return super().sums(output, _with_targets(features))


def _with_targets(features):
    return {**features, "targets": features["inputs"]}


@registry.register_model("rebuilding")
class Rebuilding(keras.Model):
    """An encoder between an embedding and a softmax."""

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter("encoder", str, "encoder of the inputs", default="multimodel", names="encoder"),
    )

    def __init__(self, hparams, size):
        super().__init__(name="rebuilding", autocast=False)
        self.hparams = hparams
        self.net = registry.get("modality", "language").from_hparams(hparams, size=size, name="net")
        self.encoder = registry.get("encoder", hparams.encoder).from_hparams(hparams, name="encoder")

    @classmethod
    def from_problems(cls, problems, hparams, vocabulary, labels):
        return cls(hparams, vocabulary.size)

    def build(self, input_shape=None):
        self.net.build(None)
        self.encoder.build((None, None, self.hparams.hidden_size))
        self.built = True

    def computation(self, problem):
        return problem

    def problem_variables(self, problem):
        return []

    def call(self, features, problem, training=False, values=None):
        x, mask, _ = self.net.bottom(features, "inputs", training=training)
        x, statistics = self.encoder(x, padding_mask=mask, training=training)
        return Output(self.net.top(Representation(x)), {"encoder": statistics})
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory, registered_here_only):
    """The user's folder; what it registers is gone when these tests are done."""
    folder = tmp_path_factory.mktemp("usr")
    (folder / "asking_colours.py").write_text(CODE)
    with registered_here_only("asking_colours"):
        yield folder


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory, eager):
    """Two updates of a picture with a question to a class and to a text, after a dry run of both."""
    folder_of_run = tmp_path_factory.mktemp("run") / "run"
    more = {"t2t_usr_dir": folder, "dry_run": True, "eval_steps": 0}
    hparams = SMALL.replace("vocabulary_size=600", "vocabulary_size=300")
    with eager():
        assert (
            t2t_train.main(
                flags(folder_of_run, folder_of_run / "data", "colour_class,colour_text", 2, hparams, **more)
            )
            == 0
        )
    return folder_of_run


def test_training(run):
    lines = metrics_lines(run)
    assert {line["problem"] for line in lines} >= {"colour_class", "colour_text"}
    assert {line["split"] for line in lines if line["problem"] == "colour_text"} >= {"validation"}
    description = json.loads((run / "data" / "colour_class" / "manifest.json").read_text())
    assert description["features"]["inputs.hint"] == "text (optional)"


def test_evaluation(run, eagerly, tmp_path):
    path = tmp_path / "scores.jsonl"
    arguments = [f"--output_dir={run}", "--limit=4", f"--output_file={path}"]
    assert t2t_eval.main([*arguments, "--decode_hparams=beam_size=1,decode_length=3"]) == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["problem"], line["mode"]) for line in lines] == [
        ("colour_class", "teacher_forced"),
        ("colour_text", "teacher_forced"),
        ("colour_text", "decoded"),
    ]
    assert lines[2]["errors"] == 0 and "wer" in lines[2]


@pytest.fixture(scope="module")
def media(folder, run):
    """A folder with a picture, and a table of questions about it."""
    module = sys.modules["asking_colours"]
    (folder / "red.png").write_bytes(module.picture("red"))
    (folder / "table.tsv").write_text("picture\tquestion\nred.png\tis it red\nnone.png\ta\n")
    return folder


def test_a_table_is_decoded(run, media, eagerly, tmp_path, capsys):
    arguments = [f"--output_dir={run}", "--problem=colour_class", f"--decode_to_file={tmp_path / 'out'}"]
    assert t2t_decode.main([*arguments, f"--decode_from_file={media / 'table.tsv'}"]) == 0, (
        capsys.readouterr()
    )
    header, answer, error = (tmp_path / "out").read_text().splitlines()
    assert header == "targets" and answer.split("\t")[0] in ("yes", "no")
    assert error.startswith("# error: can't read none.png")


def test_a_table_with_a_wrong_header_is_refused(run, media, capsys):
    (media / "wrong.tsv").write_text("picture\nred.png\n")
    arguments = [f"--output_dir={run}", "--problem=colour_class"]
    assert t2t_decode.main([*arguments, f"--decode_from_file={media / 'wrong.tsv'}"]) == 2
    assert "the first line must name the fields" in capsys.readouterr().err


SHOW = ["--problem=colour_text", "--output=yes", "--json"]


def test_what_it_looks_at(run, media, eagerly, capsys):
    arguments = [f"--input=picture={media / 'red.png'}", "--input=question=is it = red"]
    assert t2t_show.main([f"--output_dir={run}", *SHOW, *arguments]) == 0
    inputs = json.loads(capsys.readouterr().out)["inputs"]
    assert inputs["parts"]["hint"]["count"] == 0
    assert inputs["units"][0] == "picture: 0, 0" and inputs["units"][-1] == "question: </s>"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["why"], "--input=why names no input; expected NAME=..., NAME of picture, question, hint"),
        (["question=why"], "the input `picture` is missing"),
        (["question=why", "picture=none.png"], "there is no file --input=picture=none.png; problem"),
        (["questoin=why"], "there is no input `questoin`; did you mean `question`"),
    ],
)
def test_what_can_not_be_shown(run, capsys, values, message):
    assert t2t_show.main([f"--output_dir={run}", *SHOW, *(f"--input={one}" for one in values)]) == 2
    assert message in capsys.readouterr().err


def test_a_model_and_an_objective_that_need_no_targets(folder, tmp_path, eagerly, capsys):
    """Data, dry run, updates, evaluation; and one line where there is nothing to decode."""
    output_dir = tmp_path / "run"
    hparams = (
        "model=rebuilding,hidden_size=16,filter_size=8,num_encoder_layers=1,moe_num_experts=4,moe_k=2,"
        "vocabulary_size=300,batch_tokens=64"
    )
    more = {"t2t_usr_dir": folder, "dry_run": True, "eval_steps": 0, "decode_eval_frequency": 1}
    assert t2t_train.main(flags(output_dir, output_dir / "data", "alone", 2, hparams, **more)) == 0
    trained = [
        line for line in metrics_lines(output_dir) if line["split"] == "train" and line["problem"] == "alone"
    ]
    assert [line["step"] for line in trained] == [1, 2] and all(line["loss"] > 0 for line in trained)
    assert any(
        line["split"] == "validation" and "log_perplexity" in line for line in metrics_lines(output_dir)
    )
    capsys.readouterr()
    (tmp_path / "in").write_text("a\n")
    assert t2t_decode.main([f"--output_dir={output_dir}", f"--decode_from_file={tmp_path / 'in'}"]) == 2
    err = capsys.readouterr().err
    assert err == "t2t-decode: error: problem `alone` has no targets, so there is nothing to decode\n"
    assert t2t_show.main([f"--output_dir={output_dir}", "--input=a", "--json"]) == 2
    assert "there is nothing to decode" in capsys.readouterr().err


def test_another_model_says_that_it_needs_targets(folder, tmp_path, capsys):
    output_dir = tmp_path / "run"
    assert t2t_train.main(flags(output_dir, output_dir / "data", "alone", 1, SMALL, t2t_usr_dir=folder)) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert (
        "problem `alone` has no targets, so this `model` gives no logits of it, as its objective" in message
    )
