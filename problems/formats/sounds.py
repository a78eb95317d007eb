"""Utterances: stretches of sound files with what is said in them, as examples for training."""

import dataclasses
import os
from collections.abc import Iterable, Iterator

from t2tlite.data.media import audio, sound_files
from t2tlite.problem import Broken
from t2tlite.problems.formats import sphere


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What to read of a sound file.

    Attributes:
      text: what is said.
      where: which utterance this is, for messages; None: the sound file.
      start, stop: seconds; None is the end of the sound.
      channel: from 1 on; None: the mean of all.
    """

    text: str
    where: str | None = None
    start: float = 0.0
    stop: float | None = None
    channel: int | None = None


def examples(path: str | os.PathLike, utterances: Iterable[Utterance]) -> Iterator[dict | Broken]:
    """Reads utterances of one sound file, which is opened once and never held in memory as a whole.

    Args:
      path: the sound file.
      utterances: what to read of it, in this order.

    Yields:
      `{"inputs": float32 [samples] at 16 kHz, "targets": text}`, or what is wrong with it. Clipped sound
      counts as broken here, since a model shall not learn it.
    """
    utterances = list(utterances)
    try:
        with sound_files.Sound(path, sphere.open_content) as sound:
            for utterance in utterances:
                yield _example(sound, utterance, os.fspath(path))
    except (sound_files.Fault, OSError) as error:
        yield from [Broken(_reason(error), os.fspath(path))] * len(utterances)


def _example(sound, utterance, path):
    try:
        samples = sound.stretch(utterance.start, utterance.stop, utterance.channel)
        if audio.clipped(samples, sound.loudest):
            raise sound_files.Fault("is clipped: more than 1% of it is as loud as its format can say")
    except (sound_files.Fault, OSError) as error:
        return Broken(_reason(error), utterance.where or path)
    return {"inputs": audio.convert(samples, sound.rate), "targets": utterance.text}


def _reason(error) -> str:
    if isinstance(error, OSError):
        return f"the sound can't be read: {error.strerror}"
    return f"the sound {error}"
