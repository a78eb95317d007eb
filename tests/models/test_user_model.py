"""A user's model that is no encoder-decoder, through the commands: trained, resumed, evaluated, decoded."""

import json
import pathlib

import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.bin import t2t_decode, t2t_eval, t2t_export, t2t_show, t2t_train
from t2tlite.errors import UserError
from t2tlite.export import keras_model
from t2tlite.model import Decodable, Embeddable, Trainable
from t2tlite.run import Run

FOLDER = pathlib.Path(__file__).parent / "usr_bag"
BOTH = "colour_of_sentence,sentence_reversed"
SETTINGS = "model=bag_of_words,hidden_size=16,vocabulary_size=300,batch_tokens=256,learning_rate=0.02"


@pytest.fixture(scope="module", autouse=True)
def registrations(registered_here_only):
    """Takes what the folder registers and imports back out, so that no other test sees it."""
    with registered_here_only("bag_of_words"):
        yield


def train(folder, steps, data_dir, **more):
    flag_values = {
        "t2t_usr_dir": FOLDER,
        "problems": BOTH,
        "source": "sample",
        "hparams_set": "multimodel_tiny",
        "hparams": f"{SETTINGS},learning_rate_schedule=constant,learning_rate_warmup_steps=0",
        "data_dir": data_dir,
        "output_dir": folder,
        "train_steps": steps,
        "log_steps": 1,
        "local_eval_frequency": 0,
        "eval_steps": 2,
        "dry_run": False,  # it has tests of its own
        **more,
    }
    return t2t_train.main([f"--{name}={value}" for name, value in flag_values.items()])


def metrics_lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory, eager):
    folder = tmp_path_factory.mktemp("run") / "run"
    with eager():
        assert train(folder, 80, data_dir) == 0
    return folder


def test_it_learns_without_figures_of_experts(run):
    lines = metrics_lines(run)
    [colour] = [n for n in lines if n["split"] == "validation" and n["problem"] == "colour_of_sentence"]
    [text] = [n for n in lines if n["split"] == "validation" and n["problem"] == "sentence_reversed"]
    assert colour["accuracy"] > 0.95 and "log_perplexity" not in colour
    assert text["log_perplexity"] < 4.5  # that of all 300 units alike is 5.7
    names = {name for line in lines for name in line}
    assert not names & {"expert_loss", "dropped", "dropped_share"}
    assert not (run / "expert_load.json").exists()


def test_it_goes_on_exactly(run, data_dir, tmp_path, eagerly):
    assert train(tmp_path / "stopped", 3, data_dir) == 0
    assert train(tmp_path / "stopped", 6, data_dir) == 0
    whole, stopped = (
        [line for line in metrics_lines(folder) if line["split"] == "train" and line["step"] <= 6]
        for folder in (run, tmp_path / "stopped")
    )
    assert whole == stopped and len(whole) == 6


def test_it_is_evaluated_and_what_it_cannot_decode_is_left_out(run, tmp_path, capsys, eagerly):
    file = tmp_path / "scores.jsonl"
    assert t2t_eval.main([f"--output_dir={run}", "--limit=20", f"--output_file={file}"]) == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(n["problem"], n["mode"]) for n in lines] == [
        ("colour_of_sentence", "teacher_forced"),
        ("sentence_reversed", "teacher_forced"),
        ("colour_of_sentence", "decoded"),
    ]
    assert lines[2]["top1"] > 90
    assert "can't decode problem `sentence_reversed`" in capsys.readouterr().err


def test_classes_are_decoded(run, tmp_path, eagerly):
    file = tmp_path / "in"
    file.write_text("the blue map here\na red lamp inside\n")
    flags = ["--problem=colour_of_sentence", f"--decode_from_file={file}", f"--decode_to_file={tmp_path}/out"]
    assert t2t_decode.main([f"--output_dir={run}", *flags]) == 0
    first = [line.split("\t")[0].split()[0] for line in (tmp_path / "out").read_text().splitlines()]
    assert first == ["blue", "red"]


def test_what_it_cannot_do_is_said_in_one_line(run, tmp_path, capsys):
    file = tmp_path / "in"
    file.write_text("the blue map here\n")
    where = [f"--output_dir={run}", "--problem=sentence_reversed"]
    decode = [f"--decode_from_file={file}", f"--decode_to_file={tmp_path}/out"]
    show = ["--input=the blue map", "--what=experts", "--json", f"--output_dir={run}"]
    no_text = "can't decode problem `sentence_reversed`: it is no `Decodable`"
    for command, flags, message in (
        (t2t_decode, [*where, *decode], no_text),
        (t2t_decode, [*where, f"--score_file={file}"], no_text),
        (t2t_export, [f"--output_dir={run}", f"--export_dir={tmp_path}/export"], no_text),
        (t2t_show, [*show, "--problem=colour_of_sentence"], "shows nothing of its inside"),
        (t2t_show, [*show, "--problem=sentence_reversed>colour_of_sentence"], "can't read as"),
    ):
        assert command.main(flags) == 2
        line = capsys.readouterr().err.strip()
        assert message in line and "\n" not in line and "bag_of_words" in line


def test_a_decoded_evaluation_is_refused_before_the_first_update(data_dir, tmp_path, capsys):
    assert train(tmp_path / "run", 2, data_dir, decode_eval_frequency=1) == 2
    assert "can't decode problem `sentence_reversed`" in capsys.readouterr().err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_it_has_no_encoder_to_choose(data_dir, tmp_path, capsys):
    assert train(tmp_path / "run", 2, data_dir, hparams=f"{SETTINGS},encoder=lstm") == 2
    assert "`encoder` has no effect: it is of the model `multimodel`, which is" in capsys.readouterr().err


def test_a_class_is_exported(run, tmp_path):
    flags = [f"--output_dir={run}", "--problems=colour_of_sentence", f"--export_dir={tmp_path}/export"]
    assert t2t_export.main(flags) == 0
    exported = tf.saved_model.load(f"{tmp_path}/export").signatures["colour_of_sentence"]
    outputs = exported(inputs=tf.constant(["the green pan there", "a red lamp inside"]))
    assert [row[0].decode() for row in outputs["label"].numpy()] == ["green", "red"]


def test_it_is_no_keras_model_of_one_problem(run):
    with pytest.raises(UserError, match="only a MultiModel is made a Keras model of one problem"):
        keras_model.keras_model(run, "colour_of_sentence")


def test_its_contracts(run):
    model = Run.load(run).restore_model()
    contracts = [isinstance(model, contract) for contract in (Trainable, Embeddable, Decodable)]
    assert contracts == [True, False, False]


def test_a_model_that_lacks_a_method_is_refused(run, monkeypatch):
    cls = registry.get("model", "bag_of_words")
    monkeypatch.delattr(cls, "computation")
    with pytest.raises(UserError, match="`bag_of_words` can't be trained: it has no computation; see"):
        Run.load(run).make_model()
    monkeypatch.delattr(cls, "from_problems")
    with pytest.raises(UserError, match="it has no .*from_problems"):
        Run.load(run).make_model()
