"""t2t-decode: files and pipes in, lines out, and what it says of mistakes."""

import io
import json
import shutil
import types

import numpy as np
import PIL.Image
import pytest

import t2tlite
from t2tlite import registry
from t2tlite.bin import t2t_decode
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.run import CHECKPOINTS, Run
from t2tlite.training import checkpoint

from ..models import tiny

CLASSES = tuple(f"class {i}" for i in range(7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run that has a checkpoint, of a model that was never trained."""
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    problems = {problem.name: problem for problem in registry.problems("wmt_ende,imagenet")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8,))
    folder = tmp_path_factory.mktemp("t2t_decode") / "run"
    vocabulary = Vocabulary.train(texts, 285)
    run = Run(folder, hparams, problems, {"imagenet": CLASSES}, vocabulary, str(folder / "data"), "sample")
    run.save()
    nothing = types.SimpleNamespace(variables=[])
    for step in (1, 2):
        model = tiny.randomise(run.make_model(), seed=step)
        checkpoint.save(folder / CHECKPOINTS, step, model, nothing, {}, {}, keep=5)
    return folder


@pytest.fixture
def call(capsys):
    """A function of the arguments: exit status, standard output, standard error."""

    def made(*arguments):
        status = t2t_decode.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return made


def test_a_file_to_standard_output_and_to_a_file(folder, tmp_path, call):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes("the red circle\n\nein größeres \u2028 Quadrat\n\xff\n".encode("latin-1", "ignore"))
    flags = [f"--output_dir={folder}", "--problem=wmt_ende", f"--decode_from_file={source}"]
    status, out, err = call(*flags)
    lines = out.split("\n")
    assert status == 0 and len(lines) == 5 and lines[4] == ""
    assert lines[0] and not lines[1]
    assert lines[2] == "# error: not UTF-8 at byte 7 of the line"
    assert "wmt_ende: 4 in " in err
    assert err.endswith("t2t-decode: 2 of 4 lines could not be decoded, see `# error:`\n")
    status, quiet, _ = call(*flags, f"--decode_to_file={target}", "--decode_hparams=batch_size=1")
    assert status == 0 and quiet == ""
    assert target.read_text() == out
    _, short, _ = call(*flags, "--decode_hparams=decode_length=1")
    assert 0 < len(short.split("\n")[0]) < len(lines[0])


def test_classes(folder, tmp_path, call):
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "list").write_text("a.png\nb.png\n")
    status, out, err = call(
        f"--output_dir={folder}", "--problem=imagenet", f"--decode_from_file={tmp_path}/list"
    )
    first, second, end = out.split("\n")
    name, probability = first.split("\t")
    assert status == 0 and end == "" and name in CLASSES and 1 / 7 < float(probability) <= 1
    assert second == "# error: can't read b.png: No such file or directory"
    assert "1 of 2 lines could not be decoded" in err
    [same] = t2tlite.load(folder).predict("imagenet", [tmp_path / "a.png"])
    assert first == f"{same.text}\t{same.probabilities[0][1]:.6f}" and len(same.probabilities) == 5


def test_checkpoints(folder, tmp_path, call):
    """The newest, unless one is given."""
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "in").write_text("a.png\n")
    flags = [f"--output_dir={folder}", "--problem=imagenet", f"--decode_from_file={tmp_path}/in"]
    outputs = [
        call(*flags, *more)[1]
        for more in ([], *([f"--checkpoint_path={folder}/checkpoints/step-0000000{i}"] for i in (1, 2)))
    ]
    assert outputs[0] == outputs[2] != outputs[1]


def test_a_pipe(folder, tmp_path, monkeypatch, call):
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(tmp_path / "a.png")
    lines = f"the red circle\n:problem imagenet\n{tmp_path}/a.png\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    status, out, err = call(f"--output_dir={folder}", "--decode_interactive")
    text, *classes, end = out.split("\n")
    assert status == 0 and text and end == "" and err == ""
    assert len(classes) == 5 and all(line.startswith("class ") and line.endswith("%") for line in classes)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--output_dir is missing"),
        (["--output_dir=RUN"], "give either --decode_from_file=FILE or --decode_interactive"),
        (["--output_dir=RUN", "--decode_from_file=IN", "--decode_interactive"], "give either"),
        (["--output_dir=RUN", "--decode_interactive", "--decode_to_file=x"], "needs --decode_from_file"),
        (
            ["--output_dir=RUN", "--decode_from_file=IN"],
            "--problem is missing; RUN was trained on wmt_ende, imagenet",
        ),
        (["--output_dir=RUN", "--problem=wmt_end", "--decode_interactive"], "did you mean `wmt_ende`"),
        (
            ["--output_dir=RUN", "--problem=wsj_speech", "--decode_interactive"],
            "RUN has no problem `wsj_speech`",
        ),
        (
            ["--output_dir=RUN", "--problem=imagenet", "--decode_from_file=/no"],
            "can't read --decode_from_file=/no",
        ),
        (
            ["--output_dir=RUN", "--problem=wmt_ende", "--decode_from_file=IN", "--decode_to_file=/no/x"],
            "can't write --decode_to_file=/no/x: No such file",
        ),
        (["--output_dir=/no", "--decode_interactive"], "/no holds no run"),
        (
            ["--output_dir=RUN", "--decode_interactive", "--decode_hparams=beam=4"],
            "unknown decode hyperparameter",
        ),
        (["--output_dir=RUN", "--decode_interactive", "--checkpoint_path=/no"], "/no is no checkpoint"),
        (["--output_dir=RUN", "--decode_form_file=IN"], "did you mean `--decode_from_file`"),
    ],
)
def test_mistakes(folder, tmp_path, call, flags, message):
    (tmp_path / "IN").write_text("the red circle\n")
    places = {"RUN": str(folder), "IN": str(tmp_path / "IN")}
    for name, place in places.items():
        flags = [flag.replace(f"={name}", f"={place}") for flag in flags]
    status, out, err = call(*flags)
    assert status == 2 and out == ""
    assert err.startswith("t2t-decode: error: ") and err.count("\n") == 1
    assert message in err.replace(str(folder), "RUN")


def test_broken_runs(folder, tmp_path, call):
    """An empty folder, no checkpoint, and files that were damaged: a line, whatever it is."""
    broken = tmp_path / "run"

    def said():
        status, out, err = call(f"--output_dir={broken}", "--problem=wmt_ende", "--decode_interactive")
        assert status == 2 and out == "" and err.count("\n") == 1
        return err

    broken.mkdir()
    assert "holds no run" in said()
    shutil.copytree(folder, broken, dirs_exist_ok=True)
    state = broken / CHECKPOINTS / "step-00000002" / "state.index"
    state.write_bytes(state.read_bytes()[:50])
    assert "is broken: " in said()
    shutil.rmtree(broken / CHECKPOINTS)
    assert "holds no checkpoint yet" in said()
    (broken / "vocabulary.model").write_bytes(b"damaged")
    assert "is not a vocabulary" in said()
    (broken / "vocabulary.model").unlink()
    assert "can't read the vocabulary" in said()
    description = json.loads((broken / "run.json").read_text())
    for damage in ({"problems": 5}, {"problems": []}, {"hparams": {}}):
        (broken / "run.json").write_text(json.dumps({**description, **damage}))
        said()
    (broken / "run.json").write_text("{")
    assert "run.json can't be read" in said()


def test_mistakes_are_told_without_tensorflow(folder, mistake_in_a_process):
    said = mistake_in_a_process("t2t_decode", f"--output_dir={folder}", "--problem=x", "--decode_interactive")
    assert "`x`" in said
