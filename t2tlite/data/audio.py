"""Sound files to what the audio nets read: one channel at 16 kHz."""

import io
import os

import numpy as np

from t2tlite.errors import UserError

SAMPLE_RATE = 16000  # Hz


def read(source: str | os.PathLike | bytes) -> np.ndarray:
    """Reads a sound file: WAV, FLAC, Ogg, MP3, NIST SPHERE with PCM, and what else libsndfile knows.

    Args:
      source: path of a file, or its content.

    Returns:
      float32 `[samples]` in [-1, 1], one channel at 16 kHz.

    Raises:
      UserError: the file is missing, empty, or no sound that can be read.
    """
    import soundfile

    what = "the sound" if isinstance(source, bytes) else os.fspath(source)
    try:
        content = source if isinstance(source, bytes) else _content(source)
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except OSError as error:
        raise UserError(f"can't read {what}: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        if b"shorten" in content[:1024]:
            raise UserError(
                f"{what} is compressed with shorten; convert it first, e.g. with sph2pipe"
            ) from None
        raise UserError(f"{what} is no sound that can be read: {error.error_string.strip()}") from None
    if not len(samples):
        raise UserError(f"{what} has no samples")
    return convert(samples, rate)


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


def _content(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()
