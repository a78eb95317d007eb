"""Sound files, opened to read a stretch of one channel, with what is wrong with them found."""

import contextlib
import dataclasses
import io
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

if TYPE_CHECKING:
    import soundfile

OVERSHOOT = 0.5  # seconds that a stretch may go on after the end: times are rounded; Kaldi allows the same
_STREAMED = 0x7FFFF000  # sizes from here on are what programs write to a pipe, whose end they don't know
_ENDLESS = 1 << 62
# The largest sample of what has fewer than 16 bits; of all else it is that of 16.
_LOUDEST = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128, "ULAW": 32124 / 32768, "ALAW": 32256 / 32768}


class Fault(Exception):
    """What is wrong with a sound, in words that go on after "the sound", the same for all of its kind."""


Source = str | os.PathLike | bytes  # path of a file, or its content


@dataclasses.dataclass(frozen=True)
class Content:
    """What libsndfile reads of a sound.

    Attributes:
      file: at its start.
      samples: how many each channel has, where that is known from elsewhere than this file.
    """

    file: BinaryIO
    samples: int | None = None


# Opens a source, with all that has to be closed again in the stack; raises a `Fault` where it is cut off.
Opener = Callable[[Source, contextlib.ExitStack], Content]


def open_content(source: Source, opened: contextlib.ExitStack) -> Content:
    """The `Opener` of what libsndfile knows: WAV, FLAC, Ogg, MP3 and so on."""
    file = open_binary(source, opened)
    check_size(file, _wav_bytes(file))
    return Content(file)


def open_binary(source: Source, opened: contextlib.ExitStack) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else opened.enter_context(open(source, "rb"))


def check_size(file: BinaryIO, promised: int | None) -> None:
    """Raises a `Fault` where a file has fewer bytes than its header promised; leaves it at its start."""
    if promised is not None and promised > file.seek(0, os.SEEK_END):
        raise Fault("is cut off")
    file.seek(0)


class Sound:
    """A sound file that is open; use it in a `with`.

    Only the stretches that are asked for are held in memory.

    Args:
      source: path of a file, or its content.
      opener: of formats beside those of libsndfile.

    Attributes:
      frames: number of samples of each channel.
      rate: samples a second.
      channels: number of channels.
      loudest: the largest sample that the file's encoding has, at most 1.

    Raises:
      Fault: it is no sound that can be read, or is cut off: its header promises more than there is.
      OSError: there is no such file, or no permission to read it.
    """

    def __init__(self, source: Source, opener: Opener = open_content) -> None:
        with contextlib.ExitStack() as opened:
            content = opener(source, opened)
            self._file = opened.enter_context(_decoder(content.file))
            self.frames = self._file.frames
            if content.samples is not None:
                if self.frames < content.samples:
                    raise Fault("is cut off")
                self.frames = content.samples  # libsndfile takes all that follows for samples
            if self.frames > _ENDLESS:
                raise Fault("does not say how long it is; write it to a file again, not to a pipe")
            self.rate, self.channels = self._file.samplerate, self._file.channels
            self.loudest = _LOUDEST.get(self._file.subtype, 32767 / 32768)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def stretch(
        self, start: float = 0.0, stop: float | None = None, channel: int | None = None
    ) -> np.ndarray:
        """Reads from `start` to `stop`.

        Args:
          start, stop: seconds; None is the end of the sound.
          channel: which one, from 1 on; None: all.

        Returns:
          float32 `[samples, channels]` in [-1, 1], with one channel where `channel` is given.

        Raises:
          Fault: the stretch is empty or not within the sound, there is no such channel, or the samples can't
            be decoded.
        """
        import soundfile

        first, last = self._samples(start, stop)
        if channel is not None and not 1 <= channel <= self.channels:
            raise Fault("has no such channel")
        try:
            self._file.seek(first)
            samples = self._file.read(last - first, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            raise Fault("is cut off or damaged") from None
        if len(samples) < last - first and self._file.format != "MP3":  # whose length is an estimate
            raise Fault("is cut off")
        return samples if channel is None else samples[:, channel - 1 : channel]

    def _samples(self, start: float, stop: float | None) -> tuple[int, int]:
        if not self.frames:
            raise Fault("has no samples")
        length = self.frames / self.rate
        if not 0 <= start < length or (stop is not None and not start < stop <= length + OVERSHOOT):
            raise Fault("does not hold the stretch from its start to its end")
        first = round(start * self.rate)
        last = self.frames if stop is None else min(self.frames, round(stop * self.rate))
        if last <= first:
            raise Fault("has no samples")
        return first, last


def _decoder(file: BinaryIO) -> "soundfile.SoundFile":
    import soundfile

    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise Fault(f"is no sound that can be read: {error.error_string.strip()}") from None


def _wav_bytes(file: BinaryIO) -> int | None:
    """Where the samples of a WAV file end by what its header says; None where that can't be told."""
    file.seek(0)
    if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
        return None
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            return None if size >= _STREAMED else file.tell() + size
        file.seek(size + size % 2, os.SEEK_CUR)
    return None
