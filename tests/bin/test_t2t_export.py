"""t2t-export: outputs as of t2t-decode, the table of sizes, what is said of mistakes, its document."""

import contextlib
import io
import json
import os
import pathlib
import re
import shlex

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite.bin import t2t_decode, t2t_export

DOCUMENT = (pathlib.Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
LINES = ["the red hat .", "", " the  dog \u2581 runs .", "a"]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(whole, tmp_path_factory):
    """A folder as the document has it: demo/run, a picture, and `exported`."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "demo").mkdir()
    (folder / "demo" / "run").symlink_to(whole)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / "picture.png")
    return folder


@pytest.fixture(scope="module")
def exported(place):
    """The folder that the document's first command writes, and what the command printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        argv = shlex.split(blocks("sh")[0].replace("beam_size=4,alpha=0.6", "beam_size=1"))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert t2t_export.main(argv[1:]) == 0
    return place / "exported", out.getvalue()


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported[0]))


def decoded(whole, folder, problem, lines, capsys):
    (folder / "in").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    argv = [f"--output_dir={whole}", f"--problem={problem}", f"--decode_from_file={folder / 'in'}"]
    assert t2t_decode.main([*argv, "--decode_hparams=beam_size=1"]) == 0
    return capsys.readouterr().out.splitlines()


def test_texts_are_those_of_t2t_decode(whole, loaded, tmp_path, capsys):
    outputs = loaded.signatures["wmt_ende"](inputs=tf.constant(LINES))["text"].numpy()
    lines = [" ".join(re.split("[\r\n]", text.decode())) for text in outputs]
    assert lines == decoded(whole, tmp_path, "wmt_ende", LINES, capsys)


def test_classes_are_those_of_t2t_decode(whole, place, loaded, tmp_path, capsys):
    picture = place / "picture.png"
    outputs = loaded.signatures["imagenet"](inputs=tf.constant([picture.read_bytes()]))
    [line] = decoded(whole, tmp_path, "imagenet", [str(picture)], capsys)
    label, _, probability = line.partition("\t")
    assert outputs["label"].numpy()[0, 0].decode() == label
    assert outputs["probability"].numpy()[0, 0] == pytest.approx(float(probability), rel=1e-4)


def test_what_is_printed(exported):
    path, out = exported
    lines = out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["spectral"][0] == "0" and rows["image"][0] != "0" and "commands" in rows
    content = json.loads((path / "assets" / "t2tlite.json").read_text())
    assert rows["image"][0] == f"{content['parameters']['image']:,}"
    assert content["checkpoint"] == "step-00000010"
    assert lines[-1] == "exported: wmt_ende, wmt_ende_score, imagenet"


def test_the_document_runs(place, loaded, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setattr(tf.saved_model, "load", {"exported": loaded}.__getitem__)  # again takes its time
    use, make = blocks("python")
    exec(compile(use, "export.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.endswith("not a PNG or JPEG file\n") and len(out.splitlines()) >= 4
    exec(compile(make, "export.md", "exec"), {})
    assert (place / "classes" / "saved_model.pb").is_file()
    assert capsys.readouterr().out.endswith("['imagenet']\n")


def test_the_documents_commands_are_understood():
    shell = "".join(blocks("sh")).replace("\\\n", " ")
    lines = [shlex.split(line) for line in shell.splitlines()]
    for argv in (argv for argv in lines if argv[0] == "t2t-export"):
        assert t2t_export.COMMAND.parse(argv[1:]).export_dir
    for _, line in t2t_export.COMMAND.examples:
        if line.startswith("t2t-export"):
            assert t2t_export.COMMAND.parse(shlex.split(line)[1:]).output_dir == "run"
        else:
            compile(line.replace("\n  ", "\n"), "help", "exec")


def test_requests_to_tensorflow_serving_are_json():
    requests = re.findall(r"-d '(\{.*\})'", DOCUMENT)
    assert len(requests) == 2
    for request in requests:
        body = json.loads(request.replace("""'"$(base64 -w0 picture.png)"'""", "AA=="))
        assert set(body) == {"signature_name", "instances"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--output_dir is missing"),
        (["--output_dir=RUN"], "--export_dir is missing"),
        (["--output_dir=/no", "--export_dir=NEW"], "/no holds no run"),
        (["--output_dir=RUN", "--export_dir=RUN"], "the folder RUN is not empty; give a new one as"),
        (["--output_dir=RUN", "--export_dir=RUN/run.json"], "RUN/run.json is no folder"),
        (
            ["--output_dir=RUN", "--export_dir=NEW", "--problems=wmt_ende,imagnet"],
            "has no problem `imagnet`; did you mean `imagenet`?",
        ),
        (
            ["--output_dir=RUN", "--export_dir=NEW", "--problems=,"],
            "--problems=, names none; the run has wsj",
        ),
        (
            ["--output_dir=RUN", "--export_dir=NEW", "--decode_hparams=beam=4"],
            "unknown decode hyperparameter `beam`",
        ),
        (["--output_dir=RUN", "--export_dir=NEW", "--checkpoint_path=RUN/x"], "RUN/x is no checkpoint"),
    ],
)
def test_mistakes_are_told_without_tensorflow(whole, tmp_path, mistake_in_a_process, flags, message):
    arguments = [flag.replace("RUN", str(whole)).replace("NEW", str(tmp_path / "new")) for flag in flags]
    err = mistake_in_a_process("t2t_export", *arguments).replace(str(whole), "RUN")
    assert err.startswith("t2t-export: error: ") and message in err
    assert not os.listdir(tmp_path)
