"""What the commands share: flags, help, errors a user can mend in one line, exit statuses.

    COMMAND = cli.Command(
        "t2t-train",
        "Trains one model on one or many problems.",
        examples=[("all eight, on the embedded corpora", "t2t-train --problems=all --source=sample ...")],
    )
    COMMAND.group("What to train")
    COMMAND.string("problems", None, "names separated by commas, or all", required=True)
    COMMAND.integer("train_steps", 1000, "how many updates", at_least=1)

    def train(flags):
        quiet.start_tensorflow()  # only now: help and mistyped names need not wait for it
        from t2tlite.training import trainer
        ...

    def main(argv=None) -> int:
        return COMMAND.main(train, argv)

    if __name__ == "__main__":
        sys.exit(main())

`main` returns the exit status instead of exiting, so that a test or a notebook can call it.
"""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence

from absl import flags as absl_flags

from t2tlite import command_flags, command_help, quiet, registry, registry_help
from t2tlite.command_flags import Flag
from t2tlite.errors import UserError
from t2tlite.version import __version__

Body = Callable[[absl_flags.FlagValues], int | None]

SUCCESS, INTERNAL, MENDABLE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
# Of the system's errors, those that say something about the user's disk and not about this program.
_USERS_DISK = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
}


class Command:
    """A command: its purpose, its flags in groups, and how it is run.

    Args:
      name: what the user types.
      purpose: what it does, in a sentence or a short paragraph.
      examples: pairs of what an example is for, and its command line.
    """

    def __init__(self, name: str, purpose: str, examples: Sequence[tuple[str, str]] = ()) -> None:
        self.name = name
        self.purpose = purpose
        self.examples = tuple(examples)
        self._groups: list[tuple[str, list[Flag]]] = []

    def group(self, title: str) -> None:
        """Opens a group: the flags defined next stand under this title in the help."""
        self._groups.append((title, []))

    def string(
        self,
        name: str,
        default: str | None,
        help: str,
        *,
        required: bool = False,
        may_be_empty: bool = False,
    ) -> None:
        self._add(Flag(name, default, help, required=required, may_be_empty=may_be_empty))

    def word(self, name: str, help: str) -> None:
        """What is given without a name, as the first word; required."""
        self._add(Flag(name, None, help, required=True, positional=True))

    def strings(self, name: str, help: str, *, required: bool = False) -> None:
        """A flag that may be repeated; its value is a list of str, empty by default."""
        self._add(Flag(name, [], help, absl_flags.DEFINE_multi_string, required=required))

    def choice(
        self, name: str, default: str | None, values: Iterable[str], help: str, *, required: bool = False
    ) -> None:
        """One of several words."""
        self._add(Flag(name, default, help, absl_flags.DEFINE_enum, {"enum_values": list(values)}, required))

    def integer(
        self,
        name: str,
        default: int | None,
        help: str,
        *,
        at_least: int | None = None,
        required: bool = False,
    ) -> None:
        self._add(Flag(name, default, help, absl_flags.DEFINE_integer, {"lower_bound": at_least}, required))

    def number(
        self,
        name: str,
        default: float | None,
        help: str,
        *,
        at_least: float | None = None,
        required: bool = False,
    ) -> None:
        self._add(Flag(name, default, help, absl_flags.DEFINE_float, {"lower_bound": at_least}, required))

    def boolean(self, name: str, default: bool, help: str) -> None:
        """`--name` and `--noname`."""
        self._add(Flag(name, default, help, absl_flags.DEFINE_boolean))

    def groups(self) -> list[tuple[str, list[Flag]]]:
        """(title, flags) in the order of the help, with the flags that every command has."""
        multiple = absl_flags.DEFINE_multi_string
        usr_dir = Flag("t2t_usr_dir", [], "a folder with your own problems, modalities, sets", multiple)
        listing = "list what is registered, or with =KIND or =NAME that kind or entry, and exit"
        title = "Your own code, and what there is"
        return [*self._groups, (title, [usr_dir, Flag("registry_help", None, listing)])]

    def flags(self) -> list[Flag]:
        return [flag for _, group in self.groups() for flag in group]

    def parse(self, argv: Sequence[str]) -> absl_flags.FlagValues:
        """Reads the arguments, without the program's name; does not ask for the required ones.

        Raises:
          UserError: a flag is unknown, ill-typed, empty or without value, or an argument is no flag.
        """
        return command_flags.parse(self.name, self.flags(), argv)

    def main(self, body: Body, argv: Sequence[str] | None = None) -> int:
        """Runs `body(flags)` and returns the exit status: 0, 2 for what the user can mend, 1 for our fault.

        Args:
          body: the work; it starts TensorFlow itself. May return a status.
          argv: the arguments without the program's name; None for those of this process.
        """
        try:
            status = self._run(body, sys.argv[1:] if argv is None else list(argv))
            sys.stdout.flush()
            return status
        except UserError as error:
            return self._say(f"error: {' '.join(str(error).split())}", MENDABLE)
        except KeyboardInterrupt:
            return self._say("interrupted", INTERRUPTED)
        except SystemExit as error:  # SIGTERM
            return self._say("terminated", error.code if isinstance(error.code, int) else INTERNAL)
        except BrokenPipeError:
            # The reader (`| head`) has gone; what Python flushes at its exit has to go somewhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _USERS_DISK:
                return self._say(f"error: {error}", MENDABLE)
            traceback.print_exc()
            return self._say(f"internal error: {type(error).__name__}; the traceback is above", INTERNAL)

    def _run(self, body: Body, argv: Sequence[str]) -> int:
        if any(word in ("--help", "-help", "-h", "--helpfull") for word in argv):
            print(command_help.text(self))
            return SUCCESS
        if "--version" in argv:
            print(f"{self.name} (t2tlite) {__version__}")
            return SUCCESS
        flags = self.parse(argv)
        if flags.t2t_usr_dir:
            with quiet.without_notes():  # the user's modules may import TensorFlow
                for folder in flags.t2t_usr_dir:
                    registry.import_usr_dir(folder)
        if flags.registry_help is not None:
            print(registry_help.text(flags.registry_help))
            return SUCCESS
        for flag in self.flags():
            if flag.required and getattr(flags, flag.name) in (None, []):
                shown = flag.name.upper() if flag.positional else f"--{flag.name}"
                raise UserError(f"{shown} is missing ({flag.help}); {self.name} --help shows examples")
        return body(flags) or SUCCESS

    def _add(self, flag: Flag) -> None:
        if not self._groups:
            self.group("Flags")
        self._groups[-1][1].append(flag)

    def _say(self, message: str, status: int) -> int:
        print(f"{self.name}: {message}", file=sys.stderr)
        return status
