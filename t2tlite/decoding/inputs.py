"""Inputs: what a person gives (a sentence, the path of a picture or a sound) to what the model reads."""

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data import audio, images, records
from t2tlite.errors import UserError
from t2tlite.ids import EOS

_LONGEST = 16  # times the last bound of training; longer inputs are refused


class TextInputs:
    """Sentences, as ids.

    Attributes:
      spec: of the features of a batch.
      bounds: lengths to which batches are padded; the last is the longest in training.
    """

    spec = {"inputs": tf.TensorSpec([None, None], tf.int32)}

    def __init__(self, vocabulary, hparams):
        self.bounds = hparams.text_bounds()
        self._vocabulary = vocabulary

    def read(self, value: Any) -> np.ndarray:
        """A `str` to int32 `[length]`.

        Raises:
          UserError: it is not one, or is far longer than any in training.
        """
        if not isinstance(value, str):
            raise UserError(f"expected a str, received {value!r:.60}")
        ids = np.array([*self._vocabulary.encode(value), EOS], np.int32)
        _check_length(len(ids), self.bounds, f"subword units: {value[:40]!r}...")
        return ids

    def batch(self, examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {"inputs": _padded(examples, self.bounds)}


class ImageInputs:
    """Pictures of any size, as squares of the size that the model was trained on; see `TextInputs`."""

    spec = {"inputs": tf.TensorSpec([None, None, None, 3], tf.float32)}

    def __init__(self, vocabulary, hparams):
        size = hparams.image_size
        self.bounds = (size,)
        self._decode = tf.function(
            lambda encoded: images.decode(encoded[None], size, None)[0],
            input_signature=[tf.TensorSpec([], tf.string)],
            autograph=False,
        )

    def read(self, value: Any) -> np.ndarray:
        """A path, the bytes of a file, or an array, to float32 `[size, size, 3]` in [0, 1].

        An array is uint8, or float in [0, 1], `[height, width]` or `[height, width, 1, 3 or 4]`.

        Raises:
          UserError: it is no picture that can be read.
        """
        what = "the picture" if isinstance(value, bytes | np.ndarray) else value
        try:
            encoded = _from_array(value) if isinstance(value, np.ndarray) else _content(value)
            return self._decode(_as_rgb(encoded)).numpy()
        except OSError as error:
            reason = error.strerror or "not a picture, or a damaged one"
            raise UserError(f"can't read {what}: {reason}") from None
        except tf.errors.InvalidArgumentError:
            raise UserError(f"can't read {what}: a damaged picture") from None

    def batch(self, examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {"inputs": np.stack(examples)}


class AudioInputs:
    """Sounds, as waveforms at 16 kHz; see `TextInputs`."""

    spec = {
        "inputs": tf.TensorSpec([None, None], tf.float32),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def __init__(self, vocabulary, hparams):
        self.bounds = tuple(round(bound * audio.SAMPLE_RATE) for bound in hparams.seconds_bounds)

    def read(self, value: Any) -> np.ndarray:
        """A path, the bytes of a file, or float samples at 16 kHz `[samples]`, to float32 `[samples]`.

        Raises:
          UserError: it is no sound that can be read, or is far longer than any in training.
        """
        if isinstance(value, np.ndarray):
            if value.ndim != 1 or value.dtype.kind != "f" or not value.size or not np.isfinite(value).all():
                raise UserError(
                    f"expected float samples [samples] at {audio.SAMPLE_RATE} Hz;"
                    f" received {value.dtype} of shape {value.shape}"
                )
            samples = value.astype(np.float32).clip(-1, 1)
        else:
            samples = audio.read(value if isinstance(value, bytes) else _path(value))
        _check_length(len(samples), self.bounds, f"samples at {audio.SAMPLE_RATE} Hz")
        return np.round(samples * records.PCM) / np.float32(records.PCM)  # as prepared data has it

    def batch(self, examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        lengths = np.array([len(samples) for samples in examples], np.int32)
        return {"inputs": _padded(examples, self.bounds), "inputs_length": lengths}


BY_KIND = {"text": TextInputs, "image": ImageInputs, "audio": AudioInputs}


def _padded(rows, bounds) -> np.ndarray:
    """`[rows, width]`, as wide as the first bound that holds them all, or else as the longest."""
    longest = max(len(row) for row in rows)
    width = next((bound for bound in bounds if longest <= bound), longest)
    padded = np.zeros((len(rows), width), rows[0].dtype)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def _check_length(length, bounds, what):
    if length > _LONGEST * bounds[-1]:
        raise UserError(
            f"an input of {length} {what} is too long; the model was trained on at most {bounds[-1]}, and at"
            f" most {_LONGEST} times as much is read"
        )


def _path(value) -> str:
    if not isinstance(value, str | os.PathLike):
        raise UserError(f"expected a path, the bytes of a file, or an array; received {value!r:.60}")
    return os.fspath(value)


def _content(value) -> bytes:
    if isinstance(value, bytes):
        return value
    with open(_path(value), "rb") as file:
        return file.read()


def _from_array(pixels: np.ndarray) -> bytes:
    import PIL.Image

    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype.kind == "f" and pixels.size and 0 <= pixels.min() and pixels.max() <= 1:
        pixels = np.round(255 * pixels).astype(np.uint8)
    known = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4))
    if pixels.dtype != np.uint8 or not known or not pixels.size:
        raise UserError(
            f"expected pixels [height, width, 3], uint8 or in [0, 1]; received {pixels.dtype} of shape"
            f" {pixels.shape}"
        )
    return _png(PIL.Image.fromarray(pixels))


def _as_rgb(encoded: bytes) -> bytes:
    """The picture as the pipeline can decode it; what is a PNG or JPEG already stays as it is."""
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(encoded)) as image:
            if image.format in ("PNG", "JPEG") and image.mode not in ("CMYK", "YCCK"):
                return encoded
            return _png(image)
    except (PIL.Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise UserError(f"can't read the picture: {error}") from None


def _png(image) -> bytes:
    made = io.BytesIO()
    image.convert("RGB").save(made, "PNG")
    return made.getvalue()
