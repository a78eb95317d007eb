"""A pair of texts from a user's folder, learned by contrast through the commands."""

import dataclasses
import json

import numpy as np
import pytest

from t2tlite.bin import t2t_decode, t2t_eval, t2t_export, t2t_train
from t2tlite.errors import UserError
from t2tlite.export import keras_model
from t2tlite.run import Run
from t2tlite.training.evaluate import Evaluator

from ..rewind import killed_after
from .runs import flags, metrics_lines

CODE = '''
"""English and German words that mean the same."""

from t2tlite import problem, registry

WORDS = {"red": "rot", "green": "blau", "cup": "Tasse", "book": "Buch", "key": "Tuer", "map": "Karte"}


@registry.register_problem
class WordPairs(problem.Problem):
    inputs = {"english": problem.Text(), "german": problem.Text()}
    targets, objective = None, "contrastive"
    sources = ("sample",)

    def examples(self, split, source, source_dir=None):
        for one, other in WORDS.items():
            for more, weiter in WORDS.items():
                yield {"inputs": {"english": f"{one} {more}", "german": f"{other} {weiter}"}}
'''
SMALL = (
    "encoder=transformer,moe=none,hidden_size=16,num_heads=2,filter_size=16,num_encoder_layers=1,"
    "vocabulary_size=320,batch_tokens=64,length_bounds=8,learning_rate_schedule=constant,"
    "learning_rate_warmup_steps=0,learning_rate=0.02"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, registered_here_only):
    """The user's folder; what it registers is gone when these tests are done."""
    folder = tmp_path_factory.mktemp("usr")
    (folder / "word_pairs.py").write_text(CODE)
    with registered_here_only("word_pairs"):
        yield folder


@pytest.fixture(scope="module")
def train(folder, tmp_path_factory, eager):
    """A function of a name and how many updates: the run's folder."""
    base = tmp_path_factory.mktemp("contrastive")
    data = base / "data"

    def trained(name, steps, hparams=SMALL, status=0, **more):
        output_dir = base / name
        more = {"t2t_usr_dir": folder, "eval_steps": 0, **more}
        with eager():
            assert t2t_train.main(flags(output_dir, data, "word_pairs", steps, hparams, **more)) == status
        return output_dir

    return trained


@pytest.fixture(scope="module")
def run(train):
    return train("run", 30, dry_run=True)


def test_it_learns_which_words_belong_together(run):
    lines = metrics_lines(run)
    trained = [line for line in lines if line["split"] == "train"]
    assert [line["step"] for line in trained] == list(range(1, 31))
    assert trained[-1]["loss"] < 0.5 * trained[0]["loss"]
    [validation] = [line for line in lines if line["split"] == "validation"]
    assert validation["candidates"] == validation["sequences"] == 36  # of the whole split, not of a batch
    assert (
        0.5 < validation["recall_at_1"] <= validation["recall_at_5"] <= 1
        and validation["reverse_recall_at_1"] > 0.5
    )
    best = run / "checkpoints" / "best" / "word_pairs"
    assert [path.name for path in best.iterdir()] == ["step-00000030"]


def test_recall_does_not_depend_on_the_batches_of_an_evaluation(run, eagerly):
    """But the loss does, which compares within them."""
    new_run = Run.load(run)
    model, evaluations = new_run.restore_model(), []
    for size in (64, 256):
        other = dataclasses.replace(new_run, hparams=new_run.hparams.replace(batch_tokens=size))
        evaluations.append(Evaluator(other, model).evaluate("word_pairs", "test"))
    one, other = evaluations
    assert one.pop("loss") < other.pop("loss")
    assert one == pytest.approx(other)


def test_evaluation(run, eagerly, tmp_path, capsys):
    path = tmp_path / "scores.jsonl"
    assert t2t_eval.main([f"--output_dir={run}", f"--output_file={path}"]) == 0
    [line] = [json.loads(line) for line in path.read_text().splitlines()]
    assert line["mode"] == "teacher_forced" and line["candidates"] == 36 and line["mean_recall"] > 0.5
    assert "lists no metric of decoded outputs" in capsys.readouterr().err


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_resumes_exactly(train, accumulate):
    hparams = f"{SMALL},accumulate={accumulate},dropout=0.1"
    whole = train(f"whole{accumulate}", 4, hparams)
    killed_after(3, whole, whole.with_name(f"killed{accumulate}"))
    parted = train(f"killed{accumulate}", 4, hparams)
    losses = [
        [line["loss"] for line in metrics_lines(one) if line["split"] == "train"] for one in (whole, parted)
    ]
    assert losses[0] == losses[1] and len(losses[0]) == 4
    one, other = (Run.load(folder).restore_model() for folder in (whole, parted))
    for variable, again in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(variable, again, err_msg=variable.path)


@pytest.mark.parametrize(
    ("command", "more"),
    [(t2t_export, ["--export_dir={}/export"]), (t2t_decode, ["--decode_from_file={}/in"])],
)
def test_nothing_is_written_for_it(run, tmp_path, capsys, command, more):
    (tmp_path / "in").write_text("english\tgerman\na\tb\n")
    assert command.main([f"--output_dir={run}", *(one.format(tmp_path) for one in more)]) == 2
    err = capsys.readouterr().err
    assert "`word_pairs` has no targets, so there is nothing to decode" in err and err.count("\n") == 1


def test_it_is_no_keras_model_of_one_problem(run):
    with pytest.raises(UserError, match="`word_pairs` has no targets, so it is no Keras model of one"):
        keras_model.keras_model(run)


def test_a_wrong_loss_is_refused(train, capsys):
    train("refused", 1, f"{SMALL},contrastive_loss=nce", status=2)
    assert "contrastive_loss must be one of info_nce, sum_of_violations, hardest" in capsys.readouterr().err
