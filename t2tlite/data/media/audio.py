"""Sound files to what the audio nets read: one channel at 16 kHz."""

import os

import numpy as np

from t2tlite.data.media import sound_files
from t2tlite.errors import UserError

SAMPLE_RATE = 16000  # Hz
_CLIPPED_RUN = 3  # samples
_CLIPPED_SHARE = 0.01


def read(source: sound_files.Source, opener: sound_files.Opener = sound_files.open_content) -> np.ndarray:
    """Reads a sound file: WAV, FLAC, Ogg, MP3, and what else libsndfile knows.

    Args:
      source: path of a file, or its content.
      opener: of formats beside those of libsndfile.

    Returns:
      float32 `[samples]` in [-1, 1], one channel at 16 kHz.

    Raises:
      UserError: the file is missing, empty, cut off, or no sound that can be read.
    """
    what = "the sound" if isinstance(source, bytes) else os.fspath(source)
    try:
        with sound_files.Sound(source, opener) as sound:
            return convert(sound.stretch(), sound.rate)
    except OSError as error:
        raise UserError(f"can't read {what}: {error.strerror}") from None
    except sound_files.Fault as fault:
        raise UserError(f"{what} {fault}") from None


def convert(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mixes to one channel and resamples to 16 kHz.

    Args:
      samples: float `[samples]` or `[samples, channels]` in [-1, 1].
      rate: samples a second.

    Returns:
      float32 `[samples]`.
    """
    mono = np.asarray(samples, np.float32)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if rate != SAMPLE_RATE:
        import soxr

        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.clip(mono, -1.0, 1.0)


def clipped(samples: np.ndarray, loudest: float = 32767 / 32768) -> bool:
    """Whether a recording was louder than what it was recorded with could take.

    So it is where more than 1% of its samples lie in runs of three or more at the same end of the range. A
    loud recording touches the ends with single samples; only a wave that was cut off stays there.

    Args:
      samples: float `[samples]` or `[samples, channels]` as recorded: resampling hides the runs.
      loudest: the largest sample that the recording could have.
    """
    columns = np.asarray(samples, np.float32).reshape(len(samples), -1)
    enough = _CLIPPED_SHARE * columns.size
    high, low = columns >= loudest, columns <= -loudest
    if np.count_nonzero(high) + np.count_nonzero(low) <= enough:
        return False  # nearly always, and the runs take longer to find
    return _in_runs(high) + _in_runs(low) > enough


def _in_runs(mask: np.ndarray) -> int:
    """How many of the true values `[samples, channels]` lie in runs of `_CLIPPED_RUN` or more."""
    if len(mask) < _CLIPPED_RUN:
        return 0
    windows = np.lib.stride_tricks.sliding_window_view(mask, _CLIPPED_RUN, axis=0)
    runs = np.logical_and.reduce(windows, axis=-1)
    in_run = np.zeros_like(mask)
    for offset in range(_CLIPPED_RUN):
        in_run[offset : offset + len(runs)] |= runs
    return int(in_run.sum())
