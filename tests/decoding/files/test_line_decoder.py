"""Answering the lines of a file with a model: one line out for each line in."""

import os
import pathlib
import types

import numpy as np
import PIL.Image
import pytest
import soundfile
import tensorflow as tf

from t2tlite import registry
from t2tlite.decoding.files import fields
from t2tlite.decoding.files.line_decoder import LineDecoder, LineScorer, format_line
from t2tlite.decoding.files.line_file import LineFile
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Hypothesis, Prediction, Predictor
from t2tlite.errors import UserError

from .test_processing import nasty_lines

BEAMS = (Hypothesis("a\tb", -0.5, -0.25), Hypothesis("c\nd", -1.0, -0.75))


class Scored:
    """A predictor whose score of a pair is known: minus the number of letters."""

    options = DecodeOptions()

    def __init__(self, kind="text"):
        problem = types.SimpleNamespace(inputs=registry.get("feature", kind)())
        self.run = types.SimpleNamespace(problems={"p": problem})

    def check(self, problem):
        assert problem == "p"

    def score(self, problem, inputs, targets, keep_errors):
        assert keep_errors
        return [
            types.SimpleNamespace(log_probability=-float(len(one + two)), error="bad" if two == "!" else "")
            for one, two in zip(inputs, targets, strict=True)
        ]


@pytest.fixture(scope="module")
def predictor(predictor):
    """The predictor of all tests, with few and short outputs, which compile once."""
    return Predictor(predictor.run, predictor.model, DecodeOptions(beam_size=2, decode_length=6))


def decoded(predictor, problem, lines, folder="."):
    return LineDecoder(predictor, problem, pathlib.Path(folder))(range(len(lines)), lines)


def test_text(predictor):
    lines = [b"the red circle", b"", b"not \xff UTF-8", "\u2028ß".encode(), b"the red circle", b" \t "]
    outputs = decoded(predictor, "translation", lines)
    [expected] = predictor.predict("translation", ["the red circle"])
    assert outputs[0] == outputs[4] == format_line(expected) != ""
    assert outputs[1] == outputs[5] == ""
    assert outputs[2] == "# error: not UTF-8 at byte 5 of the line"
    assert not outputs[3].startswith("#")


def test_nasty_lines(predictor):
    """Each alone and all together: the same line, and never more than one."""
    lines = [line for line in nasty_lines(60) if len(line) < 200]
    together = decoded(predictor, "translation", lines)
    assert all("\n" not in line and "\r" not in line for line in together)
    for line, output in zip(lines, together, strict=True):
        try:
            line.decode()
        except UnicodeDecodeError:
            assert output.startswith("# error: not UTF-8")
        else:
            assert bool(output) == bool(line.decode().strip()) and not output.startswith("#")
    assert decoded(predictor, "translation", lines[:9]) == together[:9]


def test_far_too_long(predictor):
    [refused, fine] = decoded(predictor, "translation", ["ein größeres Quadrat ".encode() * 500, b"a"])
    assert refused.startswith("# error: an input of ") and "is too long" in refused
    assert fine and not fine.startswith("#")


def test_paths(predictor, tmp_path, monkeypatch):
    """Relative to the file's folder first, then to the working directory."""
    lists, cwd = tmp_path / "lists", tmp_path / "cwd"
    for folder, value in ((lists, 30), (cwd, 200)):
        folder.mkdir()
        for name in ("both.png", f"{folder.name}.png"):
            PIL.Image.fromarray(np.full([40, 40, 3], value, np.uint8)).save(folder / name)
    os.rename(cwd / "cwd.png", os.fsencode(cwd) + b"/\xff.png")
    monkeypatch.chdir(cwd)
    os.mkfifo("pipe")
    pathlib.Path("text.png").write_text("no picture")
    lines = [b"both.png", b"lists.png", b" \xff.png ", b"", str(cwd / "both.png").encode()]
    broken = [b"none.png", b".", b"pipe", b"/dev/zero", b"a\0b", b"x" * 300, b"text.png"]
    outputs = decoded(predictor, "pictures", lines + broken, "../lists")
    classes = predictor.predict("pictures", [lists / "both.png", cwd / "both.png"])
    dark, bright = (f"{c.text}\t{c.probabilities[0][1]:.6f}" for c in classes)
    assert dark != bright
    assert outputs[:5] == [dark, dark, bright, "", bright]
    assert outputs[5:] == [
        "# error: can't read none.png: No such file or directory",
        "# error: can't read .: a directory, not a file",
        "# error: can't read pipe: a device, not a file",
        "# error: can't read /dev/zero: a device, not a file",
        "# error: can't read 'a\\x00b': no path has such a character",
        f"# error: can't read {'x' * 300}: File name too long",
        "# error: can't read text.png: not a picture, or a damaged one",
    ]


def test_sounds(predictor, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(3000) / 9), 8000)
    (tmp_path / "b.wav").write_bytes(b"nothing")
    outputs = decoded(predictor, "spoken", [b"a.wav", b"b.wav"], tmp_path)
    assert outputs[0] == format_line(predictor.predict("spoken", [tmp_path / "a.wav"])[0])
    assert outputs[1].startswith("# error: ") and "b.wav is no sound" in outputs[1]


def test_sizes_and_stamps(tmp_path):
    """Sounds are sorted by their size, text by its length; a stamp is another when a file is."""
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "in").write_bytes(b"a\tx\nnone\tyyyyy\n")

    def measured(kind, pairs=True):
        with LineFile(str(tmp_path / "in"), "f") as lines:
            feature = registry.get("feature", kind)()
            sizes, stamps = fields.sizes_and_stamps(lines, feature, tmp_path, pairs)
        return sizes.tolist(), stamps.tolist()

    assert measured("text") == ([4, 11], [0, 0])
    sizes, [stamp, none] = measured("audio")
    assert sizes == [5, 0] and stamp > 0 == none
    assert measured("image") == ([0, 0], [stamp, 0])
    assert measured("audio", pairs=False) == ([0, 0], [0, 0])
    os.utime(tmp_path / "a", ns=(5, 5))
    assert measured("audio")[1][0] not in (0, stamp)


def test_pairs():
    lines = [b"ab\tcde", b"\t", b"ab", b"", b"a\tb\tc", b"a\t\xff", b"\xff\ta", b"a\t!", "\u2028\tß".encode()]
    assert LineScorer(Scored(), "p", pathlib.Path())(range(len(lines)), lines) == [
        "-5.000000",
        "-0.000000",
        "# error: expected an input, a tab and a target; found 0 tabs",
        "# error: expected an input, a tab and a target; found 0 tabs",
        "# error: expected an input, a tab and a target; found 2 tabs",
        "# error: not UTF-8 at byte 1 of the line",
        "# error: not UTF-8 at byte 1 of the line",
        "# error: bad",
        "-2.000000",
    ]


def test_pairs_of_paths(tmp_path):
    (tmp_path / "a").write_text("")
    scorer = LineScorer(Scored("image"), "p", tmp_path)
    [scored, broken, empty] = scorer([0, 1, 2], [b"a\tdog", b"b\tdog", b" \tdog"])
    assert empty == "# error: expected the path of a file before the tab; found nothing"
    assert scored == f"-{len(str(tmp_path / 'a')) + 3}.000000"
    assert broken == "# error: can't read b: No such file or directory"


def test_as_line():
    """An output is one line, and where there are several fields, a tab only stands between them."""
    assert format_line(Prediction("a\nb\r\nc\td")) == "a b  c\td"
    text = Prediction("a\tb", -0.5, beams=BEAMS)
    assert format_line(text) == "a\tb"
    assert format_line(text, scores=True) == "a b\t-0.250000"
    assert format_line(text, best=False) == "a b\tc d"
    assert format_line(text, best=False, scores=True) == "a b\t-0.250000\tc d\t-0.750000"
    classes = Prediction("dog", 0, (("dog", 0.75), ("a\tcat", 0.25)))
    assert format_line(classes) == format_line(classes, scores=True) == "dog\t0.750000"
    assert format_line(classes, best=False) == "dog\t0.750000\ta cat\t0.250000"
    for best in (True, False):
        assert format_line(Prediction(""), best, True) == ""
        assert format_line(Prediction("", error="no\nway"), best, True) == "# error: no way"


def test_the_options_say_what_is_written(predictor, monkeypatch):
    prediction, calls = Prediction("a\tb", -0.5, beams=BEAMS), []

    def predict(problem, inputs, keep_errors, rows):
        calls.append((problem, list(inputs), keep_errors, list(rows)))
        return [prediction]

    monkeypatch.setattr(predictor, "predict", predict)
    assert decoded(predictor, "translation", [b"x"]) == ["a\tb"]
    monkeypatch.setattr(predictor, "options", predictor.options.replace(return_beams=True))
    decoder = LineDecoder(predictor, "translation", pathlib.Path(), scores=True)
    assert decoder([3, 9], [b"\xff", b"y"])[1] == "a b\t-0.250000\tc d\t-0.750000"
    assert calls == [("translation", ["x"], True, [0]), ("translation", ["y"], True, [9])]


def test_too_little_memory(predictor, monkeypatch):
    def fail(*args, **more):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr(predictor, "predict", fail)
    with pytest.raises(
        UserError, match="does not suffice for batch_size=32 .* give smaller --decode_hparams"
    ):
        decoded(predictor, "translation", [b"x"])


def test_the_problem_must_be_known(predictor):
    for kind in (LineDecoder, LineScorer):
        with pytest.raises(UserError, match="has no problem `x`"):
            kind(predictor, "x", pathlib.Path())
