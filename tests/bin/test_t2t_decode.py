"""t2t-decode: files and pipes in, lines out, and what it says of mistakes."""

import copy
import io
import json
import shutil
import types

import numpy as np
import PIL.Image
import pytest

from t2tlite import registry
from t2tlite.api import decoding
from t2tlite.bin import t2t_decode
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.run import Run

from ..models import tiny

CLASSES = tuple(f"class {i}" for i in range(7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run that has a checkpoint, of a model that was never trained."""
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    problems = {problem.name: problem for problem in registry.problems("wmt_ende,imagenet")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8,), num_encoder_layers=1, num_decoder_layers=1, moe="none")
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

    def run_command(*arguments):
        status = t2t_decode.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_command


QUICK = "--decode_hparams=decode_length=5,beam_size=2"


@pytest.fixture(scope="module")
def loaded():
    """The predictors that were loaded so far, by checkpoint."""
    return {}


@pytest.fixture
def load_once(loaded, monkeypatch):
    """Makes the command load and compile what it needs only once for several tests; options are its own."""
    load = decoding.load

    def once(output_dir, checkpoint, options, many):
        if checkpoint not in loaded:
            loaded[checkpoint] = load(output_dir, checkpoint, options, many)
        predictor = copy.copy(loaded[checkpoint])
        predictor.options = options
        return predictor

    monkeypatch.setattr(decoding, "load", once)


@pytest.fixture
def piped_in(monkeypatch):
    """A function that puts bytes into the standard input."""
    return lambda content: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def newest(loaded):
    return next(one for checkpoint, one in loaded.items() if checkpoint.name == "step-00000002")


def test_a_file_to_standard_output_and_to_a_file(folder, tmp_path, call, piped_in, load_once):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes("the red circle\n\nein größeres \u2028 Quadrat\n\xff\n".encode("latin-1", "ignore"))
    flags = [f"--output_dir={folder}", "--problem=wmt_ende", QUICK]
    status, out, err = call(*flags, f"--decode_from_file={source}")
    lines = out.split("\n")
    assert status == 0, err
    assert len(lines) == 5 and lines[4] == ""
    assert lines[0] and not lines[1]
    assert lines[2] == "# error: not UTF-8 at byte 7 of the line"
    assert "wmt_ende: 4 in " in err
    assert err.endswith("t2t-decode: 2 of 4 lines could not be decoded, see `# error:`\n")
    to_file = [f"--decode_from_file={source}", f"--decode_to_file={target}"]
    status, quiet, err = call(*flags, *to_file)
    assert status == 0 and quiet == "" and "wmt_ende: 4 in " in err and "2 of 4 lines" in err
    assert target.read_text() == out
    for more in ([], ["--decode_from_file=-"], [f"--decode_to_file={target}"]):
        piped_in(source.read_bytes())
        target.unlink(missing_ok=True)
        status, printed, _ = call(*flags, *more)
        assert status == 0 and (printed or target.read_text()) == out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_several_outputs_and_scores(folder, tmp_path, call, load_once, loaded):
    (tmp_path / "in").write_text("the red circle\n")
    flags = [f"--output_dir={folder}", "--problem=wmt_ende", f"--decode_from_file={tmp_path}/in"]
    _, out, _ = call(*flags, QUICK + ",return_beams=True", "--write_scores")
    options = DecodeOptions(decode_length=5, beam_size=2, return_beams=True)
    [expected] = newest(loaded).predict("wmt_ende", ["the red circle"], options=options)
    fields = out.removesuffix("\n").split("\t")
    assert len(expected.beams) == 2
    assert [fields[0], fields[2]] == [one.text.replace("\t", " ") for one in expected.beams]
    assert [float(x) for x in fields[1::2]] == pytest.approx([b.score for b in expected.beams], abs=1e-4)
    _, out, _ = call(*flags, QUICK + ",return_beams=True")
    assert out.removesuffix("\n").split("\t") == [fields[0], fields[2]]


def test_scores_of_pairs(folder, tmp_path, call, piped_in, load_once, loaded):
    lines = b"the red circle\tein Kreis\nthe\nb\t\xff\nb\tc\na blue square\tein Quadrat\n"
    (tmp_path / "pairs").write_bytes(lines)
    flags = [f"--output_dir={folder}", "--problem=wmt_ende"]
    status, out, err = call(*flags, f"--score_file={tmp_path}/pairs", f"--decode_to_file={tmp_path}/out")
    assert status == 0 and out == ""
    assert err.endswith("t2t-decode: 2 of 5 lines could not be scored, see `# error:`\n")
    scored = (tmp_path / "out").read_text().split("\n")
    assert scored[1] == "# error: expected an input, a tab and a target; found 0 tabs" and scored[5] == ""
    assert scored[2] == "# error: not UTF-8 at byte 1 of the line"
    inputs, targets = ["the red circle", "b", "a blue square"], ["ein Kreis", "c", "ein Quadrat"]
    scores = newest(loaded).score("wmt_ende", inputs, targets)
    numbers = [float(scored[i]) for i in (0, 3, 4)]
    assert numbers == pytest.approx([score.log_probability for score in scores], abs=1e-4)
    assert len(set(numbers)) == 3 and max(numbers) < 0
    piped_in(lines)
    assert call(*flags, "--score_file=-")[1].split("\n") == scored


def test_classes(folder, tmp_path, call, load_once, loaded):
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
    [same] = newest(loaded).predict("imagenet", [tmp_path / "a.png"])
    assert first == f"{same.text}\t{same.probabilities[0][1]:.6f}" and len(same.probabilities) == 5


def test_checkpoints(folder, tmp_path, call, load_once):
    """The newest, unless one is given, or a folder of them."""
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "in").write_text("a.png\n")
    flags = [f"--output_dir={folder}", "--problem=imagenet", f"--decode_from_file={tmp_path}/in"]
    best = tmp_path / "best" / "imagenet"
    shutil.copytree(folder / CHECKPOINTS / "step-00000001", best / "step-00000001")
    outputs = [
        call(*flags, *(f"--checkpoint_path={path}" for path in paths))[1]
        for paths in ([], [best], *([f"{folder}/checkpoints/step-0000000{i}"] for i in (1, 2)))
    ]
    assert outputs[0] == outputs[3] != outputs[1] == outputs[2] != ""


def test_a_pipe(folder, tmp_path, monkeypatch, call, load_once):
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(tmp_path / "a.png")
    lines = f"the red circle\n:problem imagenet\n{tmp_path}/a.png\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    status, out, err = call(f"--output_dir={folder}", "--decode_interactive", QUICK)
    text, *classes, end = out.split("\n")
    assert status == 0 and text and end == "" and err == ""
    assert len(classes) == 5 and all(line.startswith("class ") and line.endswith("%") for line in classes)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--output_dir is missing"),
        (["--output_dir=RUN"], "--problem is missing; RUN was trained on wmt_ende, imagenet"),
        (
            ["--output_dir=RUN", "--decode_from_file=IN", "--decode_interactive"],
            "give either --decode_from_file or --decode_interactive, not both",
        ),
        (["--output_dir=RUN", "--decode_from_file=IN", "--score_file=IN"], "or --score_file, not both"),
        (["--output_dir=RUN", "--score_file=IN", "--write_scores"], "--score_file writes scores alone"),
        (
            ["--output_dir=RUN", "--decode_interactive", "--write_scores"],
            "--write_scores needs --decode_from",
        ),
        (
            ["--output_dir=RUN", "--problem=imagenet", "--score_file=/no"],
            "can't read --score_file=/no: No such",
        ),
        (["--output_dir=RUN", "--problem=imagenet>wmt_end", "--score_file=IN"], "did you mean `wmt_ende`"),
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
        (
            ["--output_dir=RUN", "--problem=wmt_ende", "--decode_from_file=IN", "--decode_to_file=IN"],
            "is the input; give it another name",
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

    def error_of():
        status, out, err = call(f"--output_dir={broken}", "--problem=wmt_ende", "--decode_interactive")
        assert status == 2 and out == "" and err.count("\n") == 1
        return err

    broken.mkdir()
    assert "holds no run" in error_of()
    shutil.copytree(folder, broken, dirs_exist_ok=True)
    state = broken / CHECKPOINTS / "step-00000002" / "state.index"
    state.write_bytes(state.read_bytes()[:50])
    assert "is broken: " in error_of()
    (broken / "vocabulary.model").write_bytes(b"damaged")
    assert "is not a vocabulary" in error_of()
    (broken / "vocabulary.model").unlink()
    assert "can't read the vocabulary" in error_of()
    shutil.rmtree(broken / CHECKPOINTS)
    assert "holds no checkpoint yet" in error_of()
    description = json.loads((broken / "run.json").read_text())
    for damage in ({"problems": 5}, {"problems": []}, {"hparams": {}}):
        (broken / "run.json").write_text(json.dumps({**description, **damage}))
        error_of()
    (broken / "run.json").write_text("{")
    assert "run.json can't be read" in error_of()


def test_mistakes_are_told_without_tensorflow(folder, tmp_path, mistake_in_a_process):
    """Also that of a checkpoint, and of what another command left unfinished."""
    run = f"--output_dir={folder}"
    assert "`x`" in mistake_in_a_process("t2t_decode", run, "--problem=x", "--decode_interactive")
    message = mistake_in_a_process("t2t_decode", run, "--decode_interactive", "--checkpoint_path=/no")
    assert "/no is no checkpoint" in message
    (tmp_path / "in").write_text("a\nb\n")
    (tmp_path / "out.part").write_bytes(b't2t-decode journal 1 {"input": "other"}\n0\t0\t00000000\ta\n')
    files = [f"--decode_from_file={tmp_path}/in", f"--decode_to_file={tmp_path}/out"]
    message = mistake_in_a_process("t2t_decode", run, "--problem=wmt_ende", *files)
    assert (
        "out.part keeps 1 output of an unfinished decoding with other settings (input other, now " in message
    )


def test_nothing_to_decode(folder, call, monkeypatch):
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    status, out, err = call(f"--output_dir={folder}")
    assert status == 2 and "nothing to decode: give --decode_from_file=FILE, --score_file=FILE or" in err
    monkeypatch.setattr("sys.stdin", None)
    assert call(f"--output_dir={folder}")[0] == 2
    status, _, err = call(f"--output_dir={folder}", "--problem=wmt_ende", "--decode_from_file=-")
    assert status == 2 and "--decode_from_file=- needs a standard input; it is closed" in err
