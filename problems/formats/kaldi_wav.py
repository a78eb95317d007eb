"""The values of Kaldi's wav.scp: paths, and commands of one stage that would write a sound to a pipe.

Commands are never run: the one sound file that they name is found and read by ourselves.
"""

import dataclasses
import errno
import os
import pathlib
import re
import shlex
from collections.abc import Iterable

_ARCHIVE = re.compile(r"\.ark:\d+$")
_OPERATORS = set("|<>;&()")
# Of each program, the options without a value and those with one that leave the sound what it is.
_OPTIONS = {
    "sph2pipe": ({"-p"}, {"-f", "-c"}),
    "flac": (
        {"-c", "-d", "-s", "-cd", "-dc", "-cds", "-dcs", "-sdc", "-scd", "--decode", "--stdout", "--silent"},
        set(),
    ),
    "cat": (set(), set()),
    "ffmpeg": (
        {"-nostdin", "-hide_banner", "-vn", "-y", "-xerror"},
        {"-i", "-f", "-ar", "-ac", "-acodec", "-codec:a", "-c:a", "-v", "-loglevel", "-threads"},
    ),
    "sox": ({"-q", "-S", "-G", "-D", "-L", "-B", "-V0", "-V1"}, {"-t", "-r", "-b", "-c", "-e"}),
}
_PIPE = {"-", "pipe:", "pipe:1", "/dev/stdout"}


@dataclasses.dataclass(frozen=True)
class Recording:
    """The sound file that a value names, and which of its channels (from 1 on; None: all)."""

    path: str
    channel: int | None = None


def recording(value: str, folders: Iterable[str | os.PathLike]) -> Recording:
    """The sound file that a value of wav.scp stands for.

    Args:
      value: what stands after the recording's name.
      folders: where a relative path is looked for, in this order.

    Raises:
      FileNotFoundError: none of the folders has the file.
      ValueError: the value is neither a path nor a command that is understood; the text says what it is.
    """
    source = _of_command(value[:-1]) if value.endswith("|") else _of_path(value)
    path = next((at for folder in folders if os.path.isfile(at := os.path.join(folder, source.path))), None)
    if path is None:
        raise FileNotFoundError(errno.ENOENT, "no such file", source.path)
    return dataclasses.replace(source, path=path)


def _of_path(value):
    if _ARCHIVE.search(value):
        raise ValueError("wav.scp points into an archive (.ark), which is not read; expected sound files")
    if not value:
        raise ValueError("wav.scp names no sound file here; expected `recording path`")
    return Recording(value)


def _of_command(command):
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        program, *arguments = list(lexer)
    except ValueError:
        raise ValueError("the command in wav.scp has an open quotation mark, or is empty") from None
    if any(set(argument) <= _OPERATORS for argument in arguments if argument):
        raise ValueError("the command in wav.scp has several stages or redirections; expected one without")
    name = pathlib.PurePath(program).name
    if name not in _OPTIONS:
        raise ValueError(f"the command in wav.scp is not one of those read: {', '.join(_OPTIONS)}")
    files, options = _parsed(name, arguments)
    return _named(name, files, options)


def _parsed(program, arguments):
    """The arguments that are no options, and the options with their values."""
    flags, valued = _OPTIONS[program]
    files, options = [], {}
    arguments = iter(arguments)
    for argument in arguments:
        if argument in valued:
            options.setdefault(argument, next(arguments, ""))
        elif argument not in flags:
            if argument.startswith("-") and argument not in _PIPE:
                raise ValueError(f"the command in wav.scp has an option that is not known here: {argument}")
            files.append(argument)
    return files, options


def _named(program, files, options):
    channel = options.get("-c") if program == "sph2pipe" else None
    if program == "ffmpeg":
        files = [options.get("-i", ""), *files]
    elif program == "sox" and files[2:3] == ["remix"] and len(files) == 4:
        channel, files = files[3], files[:2]
    elif program == "sox" and files[2:3] == ["rate"] and len(files) == 4:
        files = files[:2]
    expected = 2 if program in ("ffmpeg", "sox") else 1
    if len(files) != expected or not files[0] or files[0] in _PIPE or not set(files[1:]) <= _PIPE:
        raise ValueError(f"the command in wav.scp is not one call of {program} from one file to a pipe")
    if channel is not None and not channel.isdecimal():
        raise ValueError("the command in wav.scp asks for a channel that is no number from 1 on")
    return Recording(files[0], channel and int(channel))
