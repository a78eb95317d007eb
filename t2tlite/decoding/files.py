"""Decoding a file: one line in, one line out, in the same order."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from t2tlite.data.progress import track
from t2tlite.decoding.predictor import Prediction, Predictor


def decode_lines(
    predictor: Predictor,
    problem: str,
    lines: Sequence[bytes],
    folder: str | os.PathLike,
    write: Callable[[str], Any],
    progress: bool = True,
) -> int:
    """Decodes lines, and gives one line for each.

    An empty line gives an empty line. Text is read as UTF-8, a sentence a line. For images and audio each
    line is a path, relative to the folder or to the working directory. A class is written as its
    name, a tab, and its probability; a line that can't be decoded as `# error: ` and the reason.

    Args:
      problem: name of a problem of the run.
      lines: of a file, see `line_files.read_lines`.
      folder: where the file is.
      write: called with each line, its newline included.
      progress: shown on stderr.

    Returns:
      How many lines could not be decoded.

    Raises:
      UserError: the run has no such problem.
    """
    predictor.check(problem)
    is_text = predictor.run.problems[problem].inputs.kind == "text"
    as_value = _as_text if is_text else lambda line: _as_path(line, pathlib.Path(folder))
    broken: dict[int, str] = {}

    def values():
        for number, line in enumerate(lines):
            try:
                yield as_value(line)
            except UnicodeDecodeError as error:
                broken[number] = f"not UTF-8 at byte {error.start + 1} of the line"
                yield ""

    predictions = predictor.stream(problem, values(), keep_errors=True)
    errors = 0
    for number, prediction in enumerate(track(predictions, problem, len(lines), progress)):
        reason = broken.get(number) or prediction.error
        errors += bool(reason)
        write((f"# error: {_one_line(reason)}" if reason else as_line(prediction)) + "\n")
    return errors


def as_line(prediction: Prediction) -> str:
    """A prediction as one line of a file."""
    if prediction.probabilities:
        return f"{prediction.text}\t{prediction.probabilities[0][1]:.6f}"
    return _one_line(prediction.text)


def _as_text(line: bytes) -> str:
    return line.decode("utf-8")


def _as_path(line: bytes, folder: pathlib.Path) -> str:
    name = os.path.expanduser(os.fsdecode(line.strip()))
    beside = folder / name
    return str(beside) if name and beside.exists() else name


def _one_line(text: str) -> str:
    return " ".join(text.replace("\r", "\n").split("\n"))
