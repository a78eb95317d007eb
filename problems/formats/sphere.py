"""NIST SPHERE files: their header, and their shorten compression undone by the programs that know it."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from t2tlite.data.media import sound_files

_MAGIC = b"NIST_1A\n"
_START = 16  # bytes of the first two lines: the magic word and the header's size
_LARGEST = 1 << 20  # bytes; real headers have 1024
_PLAIN = {"pcm": 2, "ulaw": 1, "mu-law": 1, "alaw": 1}  # bytes a sample, unless the header says otherwise


@dataclasses.dataclass(frozen=True)
class Header:
    """The header of a SPHERE file.

    Source: NIST SPeech HEader REsources (SPHERE) 2.6, header format.

    Attributes:
      size: bytes before the first sample.
      fields: text by name, e.g. `{"sample_rate": "16000"}`.
    """

    size: int
    fields: dict[str, str]

    @property
    def shortened(self) -> bool:
        """Whether the samples are compressed with shorten."""
        return "shorten" in self.fields.get("sample_coding", "")

    @property
    def samples(self) -> int | None:
        """Samples of each channel, where the header says it."""
        count = self.fields.get("sample_count", "")
        return int(count) if count.isdecimal() else None

    @property
    def file_bytes(self) -> int | None:
        """How large the whole file ought to be, or None where that can't be told."""
        plain = _PLAIN.get(self.fields.get("sample_coding", "pcm").lower())
        if plain is None or self.samples is None:
            return None
        width = int(self.fields.get("sample_n_bytes", plain))
        return self.size + self.samples * width * int(self.fields.get("channel_count", 1))


def open_content(source: sound_files.Source, opened: contextlib.ExitStack) -> sound_files.Content:
    """Opens SPHERE files, and others as `sound_files.open_content` does; a `sound_files.Opener`.

    Raises:
      Fault: the header is damaged, the file is cut off, or compressed and no program can undo it.
    """
    file = sound_files.open_binary(source, opened)
    header = read_header(file)
    if header is None:
        return sound_files.open_content(source, opened)
    if header.shortened:
        return sound_files.Content(opened.enter_context(expanded(source)), header.samples)
    sound_files.check_size(file, header.file_bytes)
    return sound_files.Content(file, header.samples)


def read_header(file: BinaryIO) -> Header | None:
    """Reads the header at the start of a file; None where the file is no SPHERE file.

    Raises:
      Fault: it starts like one, but goes on like none.
    """
    file.seek(0)
    start = file.read(_START)
    if not start.startswith(_MAGIC):
        return None
    try:
        size = int(start[len(_MAGIC) :])
        lines = (start + file.read(min(size, _LARGEST) - _START)).decode("latin-1").split("\n")[2:]
        fields = dict(
            _field(line) for line in lines[: lines.index("end_head")] if line.strip()[:1] not in ("", ";")
        )
        header = Header(size, fields)
        header.file_bytes  # noqa: B018 - numbers that are none show here
        return header
    except (ValueError, IndexError):
        raise sound_files.Fault("has a damaged SPHERE header") from None


def _field(line: str) -> tuple[str, str]:
    name, kind, value = line.split(" ", 2)
    return name, value[: int(kind[2:])] if kind.startswith("-s") else value.strip()


@contextlib.contextmanager
def expanded(source: str | os.PathLike | bytes) -> Iterator[BinaryIO]:
    """Undoes shorten compression with `sph2pipe` or `ffmpeg`, whichever is on PATH.

    The result lies in a temporary file, not in memory: recordings can last for hours.

    Args:
      source: path of a SPHERE file, or its content.

    Yields:
      A WAV file.

    Raises:
      Fault: neither program is on PATH, or it failed.
    """
    with contextlib.ExitStack() as opened:
        if isinstance(source, bytes):
            named = opened.enter_context(tempfile.NamedTemporaryFile(suffix=".sph"))
            named.write(source)
            named.flush()
            source = named.name
        wav = opened.enter_context(tempfile.TemporaryFile())
        command = _command(os.path.abspath(source))
        completed = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=wav, stderr=subprocess.PIPE)
        if completed.returncode:
            program = os.path.basename(command[0])
            raise sound_files.Fault(f"is compressed with shorten, and {program} can't undo it")
        wav.seek(0)
        yield wav


def _command(path: str) -> list[str]:
    if program := shutil.which("sph2pipe"):
        return [program, "-p", "-f", "wav", path]
    if program := shutil.which("ffmpeg"):
        return [program, "-nostdin", "-v", "error", "-i", f"file:{path}", "-f", "wav", "-"]
    raise sound_files.Fault(
        "is compressed with shorten, and neither `sph2pipe` nor `ffmpeg` is on PATH to undo it; install one"
    )
