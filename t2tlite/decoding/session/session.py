"""Session: decoding what a person types, or what is piped in, a line at a time."""

import dataclasses
import math
import pathlib
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from t2tlite.decoding.files import fields
from t2tlite.decoding.files.line_decoder import explained_memory_errors, format_line
from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.decoding.session.commands import do
from t2tlite.decoding.session.interruptible import interruptible
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature

_COMMAND = re.compile(r":([a-z]+)(?:\s+(.*))?")  # `:-)` is text
_LATE = 1.0  # seconds after which a first answer is explained


@dataclasses.dataclass(frozen=True)
class Topic:
    """What a session is about at the moment.

    Attributes:
      name: of a problem, or of a zero-shot one.
      reads, writes: its input and its output.
    """

    name: str
    reads: Feature
    writes: Feature

    def __str__(self) -> str:
        return f"{self.name}: {self.reads.asked_for} to {self.writes.kind}"


class Session:
    """Reads lines, writes outputs to `output`, and what is said to a person to `messages`.

    Args:
      predictor: for the run.
      problem: name of the problem to start with.
      interactive: whether a person types, who gets a prompt and may interrupt; else lines come from a file
        or a pipe.

    Attributes:
      predictor: for the run.
      topic: what lines are decoded for.
      options: how they are decoded.
      expects: what the next line is: the problem's input, or the next of its named inputs.
      ended: whether it was asked to end.
    """

    def __init__(
        self,
        predictor: Predictor,
        problem: str,
        interactive: bool,
        output: TextIO | None = None,
        messages: TextIO | None = None,
    ) -> None:
        self.predictor = predictor
        self.options = predictor.options
        self.ended = False
        self._typed: dict[str, str] = {}  # of named inputs, those that have been typed
        self.switch_to(problem)
        self._interactive = interactive
        self._output = output or sys.stdout
        self._messages = messages or sys.stderr
        self._answered: set[tuple] = set()

    def run(self, lines: Iterator[str]) -> None:
        """Answers each line until they end, or one says so."""
        if self._interactive:
            self.say(f"{self.topic}; :help shows the commands")
        for line in lines:
            try:
                self._handle(line.rstrip("\r\n"))
            except UserError as error:
                self.say(f"error: {error}")
            except KeyboardInterrupt:
                if not self._interactive:
                    raise
                self.say("given up")
            if self.ended:
                return

    def prompt(self) -> str:
        return " ".join(filter(None, (self.topic.name, self._next()[0]))) + "> "

    @property
    def expects(self) -> Feature:
        return self._next()[1]

    def _next(self) -> tuple[str, Feature]:
        """The name of the input that is typed next, "" for an only one, and the input."""
        parts = self.topic.reads.parts
        return parts[len(self._typed)] if parts else ("", self.topic.reads)

    def switch_to(self, problem: str) -> None:
        """Goes on with a problem, or with a zero-shot one.

        Raises:
          UserError: the run has none of this name.
        """
        self.predictor.check(problem)
        definition = self.predictor.run.problems[problem]
        self.topic = Topic(problem, definition.inputs, definition.targets)
        self._typed = {}

    def switch_to_zero_shot(self, inputs_of: str, outputs_of: str) -> None:
        """Goes on with the inputs of one problem and the outputs of another.

        Raises:
          UserError: there is no such problem, or they don't fit together.
        """
        self.switch_to(self.predictor.zero_shot(inputs_of, outputs_of))

    def inform(self, message: str) -> None:
        """Says what only a person wants to know."""
        if self._interactive:
            self.say(message)

    def say(self, message: str) -> None:
        print(_printable(message), file=self._messages, flush=True)

    def _handle(self, line: str) -> None:
        command = _COMMAND.fullmatch(line.strip())
        if command:
            do(self, command[1], (command[2] or "").strip())
        elif self._interactive and line.strip() == "q":  # ends sessions of Tensor2Tensor
            self.ended = True
        elif line.strip() or not self._interactive or self.expects.optional:
            self._read(line)

    def _read(self, line: str) -> None:
        """Takes an input; named ones, a line each, are answered when all are there."""
        name, feature = self._next()
        value = _path(line.strip()) if feature.is_file else line
        if not name:
            self._answer(value)
            return
        self._typed[name] = value
        if len(self._typed) == len(self.topic.reads.parts):
            values, self._typed = self._typed, {}
            self._answer(values)

    def _answer(self, value: Any) -> None:
        def predict() -> list[Prediction]:
            with explained_memory_errors(self.options):
                return self.predictor.predict(self.topic.name, [value], options=self.options)

        [prediction] = interruptible(predict, _LATE, self._explain) if self._interactive else predict()
        self._answered.add((self.topic, self.options))
        text = shown(prediction, self.options.return_beams)
        print(_printable(text) if self._interactive else _encodable(text), file=self._output, flush=True)

    def _explain(self) -> None:
        if (self.topic, self.options) not in self._answered:
            self.say(f"(the first answer for {self.topic.name} takes longer: it compiles)")


def shown(prediction: Prediction, beams: bool) -> str:
    """A prediction as a session shows it: classes with probabilities, or the output, or all outputs."""
    if prediction.probabilities:
        return table(prediction)
    if not beams or not prediction.beams:
        return format_line(prediction)
    rows = (
        (probability(beam.log_probability), format_line(Prediction(beam.text))) for beam in prediction.beams
    )
    return "\n".join(f"{likely:>7}  {text}" for likely, text in rows)


def probability(log_probability: float) -> str:
    """The probability of which this is the logarithm, as a percentage; very small ones as powers of ten."""
    if log_probability < -7:
        return f"10^{log_probability / math.log(10):.1f}"
    return f"{100 * math.exp(log_probability):.1f}%"


def table(prediction: Prediction) -> str:
    """The likeliest classes with their probabilities, a line each."""
    width = max(len(name) for name, _ in prediction.probabilities)
    return "\n".join(f"{name:{width}}  {100 * p:5.1f}%" for name, p in prediction.probabilities)


def read_piped(stream: BinaryIO) -> Iterator[str]:
    """Lines of a binary stream. Bytes that are not UTF-8 stay visible to the check of the text."""
    for line in stream:
        yield line.decode("utf-8", errors="surrogateescape")


def _path(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":  # as terminals paste what is dropped
        name = name[1:-1]
    return fields.path(name, pathlib.Path())


def _encodable(text: str) -> str:
    """Text that can be written as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable(text: str) -> str:
    """Text whose control characters can't do anything to a terminal."""
    return "".join(
        repr(c)[1:-1] if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in _encodable(text)
    )
