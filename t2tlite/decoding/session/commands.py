"""The commands of a session: `:problem NAME`, `:set beam_size=8`, and so on. Needs no TensorFlow."""

import dataclasses
from collections.abc import Callable
from typing import Any

from t2tlite.decoding.options import DecodeOptions, parse_changes
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

# A session is `Any` here, since session.py needs these commands.


@dataclasses.dataclass(frozen=True)
class SessionCommand:
    """A command.

    Attributes:
      usage: how it is written.
      help: what it does.
      do: called with the session and what stands behind the name.
    """

    usage: str
    help: str
    do: Callable[[Any, str], None]


def do(session: Any, name: str, argument: str) -> None:
    """Does what a command says.

    Raises:
      UserError: there is no such command, or it doesn't understand the argument.
    """
    if name not in COMMANDS:
        raise UserError(f"unknown command `:{name}`{did_you_mean(name, COMMANDS)} (:help lists them)")
    COMMANDS[name].do(session, argument)


def _problem(session: Any, argument: str) -> None:
    if not argument:
        raise UserError(f":problem needs a name; there is {', '.join(session.predictor.problems)}")
    session.switch_to(argument)
    session.inform(str(session.topic))


def _zero_shot(session: Any, argument: str) -> None:
    names = argument.split()
    if len(names) != 2:
        raise UserError(
            f":zeroshot needs two names, whose inputs and whose outputs; there is"
            f" {', '.join(session.predictor.problems)}"
        )
    session.switch_to_zero_shot(*names)
    session.inform(f"{session.topic}; the model was never trained for this")


def _set(session: Any, argument: str) -> None:
    changes = ",".join(argument.replace(",", " ").split())
    session.options = session.options.replace(**parse_changes(changes))
    (session.inform if changes else session.say)(_settings(session.options))


def _nbest(session: Any, argument: str) -> None:
    try:
        count = int(argument)
    except ValueError:
        raise UserError(f":nbest needs a number, such as 5; received `{argument}`") from None
    name = "num_samples" if session.options.temperature else "beam_size"
    if count == 1:
        session.options = session.options.replace(return_beams=False)
    else:
        session.options = session.options.replace(**{name: count, "return_beams": True})


def _reset(session: Any, argument: str) -> None:
    session.options = session.predictor.options
    session.inform(_settings(session.options))


def _help(session: Any, argument: str) -> None:
    session.say(f"{session.topic}; problems: {', '.join(session.predictor.problems)}")
    width = max(len(command.usage) for command in COMMANDS.values())
    session.say("\n".join(f"{command.usage:{width}}   {command.help}" for command in COMMANDS.values()))
    session.say("Tab completes commands, names and paths; Ctrl-C gives up a decoding, Ctrl-D ends.")


def _quit(session: Any, argument: str) -> None:
    session.ended = True


def _settings(options: DecodeOptions) -> str:
    return " ".join(f"{name}={value}" for name, value in dataclasses.asdict(options).items())


COMMANDS = {
    "problem": SessionCommand(":problem NAME", "go on with another problem of the run", _problem),
    "set": SessionCommand(":set NAME=VALUE ...", "decode with other settings; alone: shows them", _set),
    "reset": SessionCommand(":reset", "the settings of the start", _reset),
    "nbest": SessionCommand(":nbest N", "show N outputs and their probabilities; 1: the best alone", _nbest),
    "zeroshot": SessionCommand(
        ":zeroshot INPUTS_OF OUTPUTS_OF",
        "give the inputs of one problem, get the outputs of another",
        _zero_shot,
    ),
    "help": SessionCommand(":help", "show this", _help),
    "quit": SessionCommand(":quit", "end; so do q and the end of the input", _quit),
}
