"""Decoding or scoring the lines of a file or a stream; the model is loaded once all else is checked."""

import contextlib
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from t2tlite.decoding.files import fields, line_file, processing
from t2tlite.decoding.files.journal import Journal
from t2tlite.errors import UserError
from t2tlite.plural import counted


@dataclasses.dataclass(frozen=True)
class LineJob:
    """The decoding or scoring of the lines of a source.

    Attributes:
      source: path of the lines; "-": standard input.
      flag: that named it.
      to: path of the outputs; None: standard output.
      problem: name of a problem of the run.
      scoring: whether lines are pairs to be scored; else they are inputs to be decoded.
      write_scores: see `line_decoder.LineDecoder`.
      identity: on what outputs depend besides the lines, in words.
      load: gives the `Predictor`.
    """

    source: str
    flag: str
    to: str | None
    problem: str
    scoring: bool
    write_scores: bool
    identity: dict[str, str]
    load: Callable[[], Any]

    def run(self) -> tuple[int, int]:
        """Runs the job.

        From a file to a file, lines are sorted by length, and a process that was killed goes on. Else they
        are answered as they come.

        Returns:
          How many lines there were, and how many of them are errors.

        Raises:
          UserError: the source can't be read, or the outputs can't be written.
        """
        regular = line_file.is_regular
        if self.to and self.source != "-" and regular(self.source) and regular(self.to):
            return self._file(self.to)
        return self._stream()

    def _stream(self) -> tuple[int, int]:
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(self._opened())
            write: Callable[[bytes], object] = _to_standard_output
            if self.to:
                write = stack.enter_context(line_file.atomic_file(self.to)).write
            predictor = self.load()
            chunks = line_file.read_chunks(source, _chunk(predictor))
            show = bool(self.to) or not sys.stdout.isatty()
            return processing.process_stream(chunks, self._answer(predictor), write, self.problem, show)

    def _opened(self) -> contextlib.AbstractContextManager[BinaryIO]:
        if self.source == "-":
            if sys.stdin is None:
                raise UserError(f"--{self.flag}=- needs a standard input; it is closed")
            return contextlib.nullcontext(sys.stdin.buffer)
        try:
            return open(self.source, "rb", buffering=0)
        except OSError as error:
            raise UserError(f"can't read --{self.flag}={self.source}: {error.strerror}") from None

    def _file(self, to: str) -> tuple[int, int]:
        with contextlib.ExitStack() as stack:
            lines = stack.enter_context(line_file.LineFile(self.source, self.flag))
            final = line_file.target(to)
            if final.exists() and final.samefile(self.source):
                raise UserError(f"--decode_to_file={to} is the input; give it another name")
            identity = {"input": f"{lines.digest[:12]} ({counted(len(lines), 'line')})", **self.identity}
            path = final.with_name(f"{final.name}.part")
            journal = stack.enter_context(Journal(path, identity, len(lines), to))
            stack.enter_context(_resumable(journal))
            predictor = self.load()
            feature = predictor.run.problems[self.problem].inputs
            sizes, stamps = fields.sizes_and_stamps(lines, feature, self._folder(), self.scoring)
            answer = self._answer(predictor, lines[0] if len(lines) else None)
            chunk = _chunk(predictor)
            processing.process_file(lines, sizes, stamps, journal, answer, chunk, self.problem, True)
            lines.check()
            errors = processing.assemble(journal, final, to)
            journal.remove()
            return len(lines), errors

    def _answer(self, predictor: Any, header: bytes | None = None) -> processing.LineFunction:
        from t2tlite.decoding.files.line_decoder import LineDecoder, LineScorer  # imports TensorFlow

        if self.scoring:
            return LineScorer(predictor, self.problem, self._folder(), header)
        return LineDecoder(predictor, self.problem, self._folder(), self.write_scores, header)

    def _folder(self) -> pathlib.Path:
        return pathlib.Path("." if self.source == "-" else self.source).parent


def _chunk(predictor: Any) -> int:
    """How many lines are answered at a time: full batches, and no long wait between what is written."""
    return max(4, 2 * predictor.at_a_time) * predictor.options.batch_size


def _to_standard_output(outputs: bytes) -> None:
    sys.stdout.buffer.write(outputs)
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def _resumable(journal: Journal) -> Iterator[None]:
    """Says what is there to go on with, and what is kept where the work ends early."""
    if journal.finished.any():
        _say(f"going on with the {counted(journal.finished.sum(), 'output')} of {journal.path}")
    try:
        yield
    except BaseException:
        if journal.finished.any():
            outputs = f"{counted(journal.finished.sum(), 'output is', 'outputs are')} kept in {journal.path}"
            _say(f"{outputs}; the same command goes on from there")
        else:
            journal.remove()
        raise


def _say(message: str) -> None:
    print(f"t2t-decode: {message}", file=sys.stderr, flush=True)
