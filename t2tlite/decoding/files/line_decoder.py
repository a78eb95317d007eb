"""Answering the lines of a file with a model: an output or a log-probability for each line."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from t2tlite.decoding.files import fields
from t2tlite.decoding.files.processing import ERROR, one_line
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.errors import UserError


class _LineProcessor:
    """An output for each line; what can't be answered gives `# error: ` and the reason.

    Args:
      predictor: whose options hold.
      problem: name of a problem of the run.
      folder: where paths are looked for before the working directory.
      header: for named inputs, the first line of the file; None: it comes first among the lines. Its output
        is the name of what is written.

    Raises:
      UserError: the run has no such problem, or the header is wrong.
    """

    pairs = False  # whether lines have targets
    heading = "targets"

    def __init__(
        self, predictor: Predictor, problem: str, folder: pathlib.Path, header: bytes | None = None
    ) -> None:
        predictor.check(problem)
        self._predictor = predictor
        self._problem = problem
        feature = predictor.run.problems[problem].inputs
        self._fields = fields.Fields(feature, folder, self.pairs)
        self._has_header = not self._fields.begun
        if self._has_header and header is not None:
            self._fields.begin(header)

    def __call__(self, numbers: Sequence[int], lines: Sequence[bytes]) -> list[str]:
        """An output for each line.

        Args:
          numbers: of the lines in the file, on which samples depend.

        Raises:
          UserError: the memory does not suffice, or the header is wrong.
        """
        read, outputs = {}, {}
        for number, line in zip(numbers, lines, strict=True):
            if self._has_header and number == 0:
                self._fields.begin(line)
                outputs[number] = self.heading
                continue
            if self._has_header and not line.strip():
                outputs[number] = ""
                continue
            try:
                read[number] = self._fields.read(line)
            except UserError as error:
                outputs[number] = _error(error)
        with explained_memory_errors(self._predictor.options):
            outputs.update(zip(read, self._answers(read), strict=True))
        return [outputs[number] for number in numbers]

    def _answers(self, read: dict[int, tuple[Any, str | None]]) -> list[str]:
        """Outputs for the inputs and targets that were read, by the lines' numbers."""
        raise NotImplementedError


class LineDecoder(_LineProcessor):
    """What the model writes for each line.

    Text is read as UTF-8, a sentence a line; an empty line gives an empty line. For images and audio a line
    is the path of a file. Named inputs are fields with tabs between them, and the first line has their names.

    Args:
      predictor, problem, folder, header: as for all lines.
      scores: texts are written with their scores, see `format_line`.
    """

    def __init__(
        self,
        predictor: Predictor,
        problem: str,
        folder: pathlib.Path,
        scores: bool = False,
        header: bytes | None = None,
    ) -> None:
        super().__init__(predictor, problem, folder, header)
        self._scores = scores

    def _answers(self, read: dict[int, tuple[Any, str | None]]) -> list[str]:
        best = not self._predictor.options.return_beams
        inputs = [one for one, _ in read.values()]
        predictions = self._predictor.predict(self._problem, inputs, True, rows=read)
        return [format_line(prediction, best, self._scores) for prediction in predictions]


class LineScorer(_LineProcessor):
    """The log-probability in nats of the target for each line, which is an input, a tab, and a target.

    With named inputs, one of the fields is `targets`.
    """

    pairs = True
    heading = "log_probability"

    def _answers(self, read: dict[int, tuple[Any, str | None]]) -> list[str]:
        inputs, targets = [one for one, _ in read.values()], [one or "" for _, one in read.values()]
        scores = self._predictor.score(self._problem, inputs, targets, keep_errors=True)
        return [_error(score.error) if score.error else f"{score.log_probability:.6f}" for score in scores]


def format_line(prediction: Prediction, best: bool = True, scores: bool = False) -> str:
    """A prediction as one line of a file.

    Args:
      best: the best output alone; else all of them, best first, with tabs between them.
      scores: a text has a tab and its score behind it; a class always has its probability.
    """
    if prediction.error:
        return _error(prediction.error)
    if prediction.probabilities:
        ranked = prediction.probabilities[:1] if best else prediction.probabilities
        return "\t".join(f"{_field(name)}\t{probability:.6f}" for name, probability in ranked)
    if best and not scores:
        return one_line(prediction.text)
    beams = prediction.beams[:1] if best else prediction.beams
    fields = ([_field(beam.text), f"{beam.score:.6f}"][: 1 + scores] for beam in beams)
    return "\t".join("\t".join(one) for one in fields)


def _field(text: str) -> str:
    return one_line(text).replace("\t", " ")


def _error(reason: object) -> str:
    return ERROR + one_line(str(reason))


@contextlib.contextmanager
def explained_memory_errors(options: DecodeOptions) -> Iterator[None]:
    """Says what to do where a device's memory does not suffice."""
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise UserError(
            f"the memory does not suffice for batch_size={options.batch_size} with {options.outputs} outputs"
            " each; give smaller --decode_hparams"
        ) from None
