"""Session: decoding what a person types, or what is piped in, a line at a time."""

import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO

from t2tlite.decoding.files import as_line
from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

_COMMAND = re.compile(r":([a-z]+)(?:\s+(.*))?")  # `:-)` is text
_COMMANDS = {
    "problem": ":problem NAME   go on with another problem of the run",
    "help": ":help           show this",
    "quit": ":quit           end; so does the end of the input (Ctrl-D)",
}
_INPUT = {"text": "a line of text", "image": "the path of a picture", "audio": "the path of a sound file"}


class Session:
    """Reads lines, writes outputs to `output`, and what is said to a person to `messages`.

    Args:
      predictor: for the run.
      problem: name of the problem to start with.
      person: whether somebody is sitting there, who wants a prompt; else lines come from a file or a pipe.
    """

    def __init__(
        self,
        predictor: Predictor,
        problem: str,
        person: bool,
        output: TextIO | None = None,
        messages: TextIO | None = None,
    ):
        predictor.check(problem)
        self.problem = problem
        self._predictor = predictor
        self._person = person
        self._output = output or sys.stdout
        self._messages = messages or sys.stderr

    def run(self, lines: Iterator[str]) -> None:
        """Answers each line until they end, or one is `:quit`."""
        if self._person:
            self._say(f"{self._hint()}; :help shows the commands")
        for line in lines:
            line = line.rstrip("\r\n")
            command = _COMMAND.fullmatch(line.strip())
            try:
                if command and self._do(command[1], (command[2] or "").strip()):
                    return
                if not command and (line.strip() or not self._person):
                    self._answer(line)
            except UserError as error:
                self._say(f"error: {error}")

    def prompt(self) -> str:
        return f"{self.problem}> "

    def _do(self, command: str, argument: str) -> bool:
        """Does what a command says; True for the end."""
        if command == "problem":
            names = ", ".join(self._predictor.problems)
            if not argument:
                raise UserError(f":problem needs a name; there is {names}")
            self._predictor.check(argument)
            self.problem = argument
            if self._person:
                self._say(self._hint())
        elif command == "help":
            self._say(f"{self._hint()}; problems: {', '.join(self._predictor.problems)}")
            self._say("\n".join(_COMMANDS.values()))
        elif command != "quit":
            raise UserError(
                f"unknown command `:{command}`{did_you_mean(command, _COMMANDS)} (:help lists them)"
            )
        return command == "quit"

    def _answer(self, line: str) -> None:
        text = self._predictor.run.problems[self.problem].inputs.kind == "text"
        value = line if text else os.path.expanduser(line.strip())
        [prediction] = self._predictor.predict(self.problem, [value])
        print(
            table(prediction) if prediction.probabilities else as_line(prediction),
            file=self._output,
            flush=True,
        )

    def _hint(self) -> str:
        problem = self._predictor.run.problems[self.problem]
        return f"{self.problem}: {_INPUT[problem.inputs.kind]} to {problem.targets.kind}"

    def _say(self, message: str) -> None:
        print(message, file=self._messages, flush=True)


def table(prediction: Prediction) -> str:
    """The likeliest classes with their probabilities, a line each."""
    width = max(len(name) for name, _ in prediction.probabilities)
    return "\n".join(f"{name:{width}}  {100 * p:5.1f}%" for name, p in prediction.probabilities)


def typed(session: Session) -> Iterator[str]:
    """Lines that a person types at a prompt, with editing and history where there is readline."""
    try:
        import readline  # noqa: F401  gives `input` its history
    except ImportError:
        pass
    while True:
        try:
            yield input(session.prompt())
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)  # gives the line up, as a shell does


def piped(stream) -> Iterator[str]:
    """Lines of a binary stream. Bytes that are not UTF-8 stay visible to the check of the text."""
    for line in stream:
        yield line.decode("utf-8", errors="surrogateescape")
