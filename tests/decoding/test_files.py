"""Decoding the lines of a file: one line out for each line in."""

import io

import numpy as np
import PIL.Image
import pytest
import soundfile

from t2tlite.decoding.files import as_line, decode_lines
from t2tlite.decoding.line_files import read_lines, whole_file
from t2tlite.decoding.predictor import Prediction
from t2tlite.errors import UserError


def decoded(predictor, problem, lines, folder="."):
    output = io.StringIO()
    errors = decode_lines(predictor, problem, lines, folder, output.write, progress=False)
    return output.getvalue().split("\n")[:-1], errors


def test_text(predictor):
    lines = [b"the red circle", b"", b"not \xff UTF-8", "\u2028ß".encode(), b"the red circle"]
    found, errors = decoded(predictor, "translation", lines)
    [expected] = predictor.predict("translation", ["the red circle"])
    assert len(found) == 5 and errors == 1
    assert found[0] == found[4] == as_line(expected) != ""
    assert found[1] == ""
    assert found[2] == "# error: not UTF-8 at byte 5 of the line"
    assert not found[3].startswith("#")


def test_paths(predictor, tmp_path, monkeypatch):
    """Relative to the file's folder first, then to the working directory."""
    lists, cwd = tmp_path / "lists", tmp_path / "cwd"
    for folder, value in ((lists, 30), (cwd, 200)):
        folder.mkdir()
        for name in ("both.png", f"{folder.name}.png"):
            PIL.Image.fromarray(np.full([40, 40, 3], value, np.uint8)).save(folder / name)
    monkeypatch.chdir(cwd)
    lines = [b"both.png", b"lists.png", b" cwd.png ", b"", b"none.png", str(cwd / "both.png").encode(), b"."]
    found, errors = decoded(predictor, "pictures", lines, "../lists")
    assert errors == 2 and found[3] == ""
    assert found[4] == "# error: can't read none.png: No such file or directory"
    assert found[6].startswith("# error: can't read") and "directory" in found[6]
    classes = predictor.predict("pictures", [lists / "both.png", cwd / "both.png"])
    dark, bright = (f"{c.text}\t{c.probabilities[0][1]:.6f}" for c in classes)
    assert dark != bright
    assert [found[0], found[1], found[2], found[5]] == [dark, dark, bright, bright]


def test_sounds(predictor, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(3000) / 9), 8000)
    (tmp_path / "b.wav").write_bytes(b"nothing")
    found, errors = decoded(predictor, "spoken", [b"a.wav", b"b.wav"], tmp_path)
    assert errors == 1
    assert found[0] == as_line(predictor.predict("spoken", [tmp_path / "a.wav"])[0])
    assert found[1].startswith("# error: ") and "b.wav is no sound" in found[1]


def test_an_output_is_one_line():
    assert as_line(Prediction("a\nb\r\nc\td")) == "a b  c\td"


def test_read_lines(tmp_path):
    file = tmp_path / "in"
    for content, lines in [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\nb\n", [b"a", b"b"]),
        (b"\xef\xbb\xbfa\r\n\r\n\nb", [b"a", b"", b"", b"b"]),
        ("a\u2028b\x0bc\n".encode(), ["a\u2028b\x0bc".encode()]),
    ]:
        file.write_bytes(content)
        assert read_lines(str(file)) == lines
    with pytest.raises(UserError, match="can't read --decode_from_file=/nowhere: No such file"):
        read_lines("/nowhere")
    with pytest.raises(UserError, match="Is a directory"):
        read_lines(str(tmp_path))


def test_whole_file(tmp_path):
    final = tmp_path / "out"
    final.write_text("before")
    with pytest.raises(ZeroDivisionError), whole_file(str(final)) as file:
        file.write("half")
        raise ZeroDivisionError
    assert final.read_text() == "before" and list(tmp_path.iterdir()) == [final]
    with whole_file(str(final)) as file:
        file.write("ä\n")
        assert final.read_text() == "before"
    assert final.read_bytes() == "ä\n".encode() and list(tmp_path.iterdir()) == [final]
    for path, message in [(tmp_path / "no" / "out", "No such file"), (tmp_path, "is a folder")]:
        with pytest.raises(UserError, match=message), whole_file(str(path)):
            pass
