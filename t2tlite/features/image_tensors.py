"""Pictures as tensors: pixels in batches, in decoding, and in the graph of an export."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data.media import images
from t2tlite.errors import UserError
from t2tlite.features import encoding, inputs, raw
from t2tlite.features.codec import Codec, Reading
from t2tlite.features.guard import guarded
from t2tlite.hparam import HParams


class ImageCodec(Codec):
    """Encoded images to pixels; see `Image.codec`.

    Args:
      flip: whether training mirrors half of the images.
      recolour: whether it changes their colors by `image_jitter`.
    """

    def __init__(self, reading: Reading, flip: bool, recolour: bool) -> None:
        super().__init__(reading)
        self._flip = flip
        self._jitter = reading.hparams.image_jitter if recolour else 0.0
        # A caption is of the whole picture; what is left of it mostly has the class.
        self._crops = reading.to_class

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        seeds = None
        if self.reading.training and (self._crops or self._flip or self._jitter):
            seeds = self.seeds(epoch, index)
        hparams = self.reading.hparams
        options = self._crops, self._flip, hparams.image_crop, self._jitter
        return {name: images.decode(compact, hparams.image_size, seeds, *options)}


class ImageInputs(inputs.InputReader):
    """Pictures of any size, as squares of the size that the model was trained on."""

    spec = {"inputs": tf.TensorSpec([None, None, None, 3], tf.float32)}

    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        size = hparams.image_size
        self.bounds = (size,)
        self._decode = tf.function(
            lambda encoded: images.decode(tf.reshape(encoded, [1]), size, None)[0],
            input_signature=[tf.TensorSpec([], tf.string)],
            autograph=False,
        )

    def read(self, value: Any) -> np.ndarray:
        """A path, the bytes of a file, or an array, to float32 `[size, size, 3]` in [0, 1].

        An array is uint8, or float in [0, 1], `[height, width]` or `[height, width, 1, 3 or 4]`.
        """
        what = "the picture" if isinstance(value, bytes | np.ndarray) else value
        try:
            encoded = from_array(value) if isinstance(value, np.ndarray) else _content(value)
            return self._decode(_as_rgb(encoded)).numpy()
        except OSError as error:
            reason = error.strerror or "not a picture, or a damaged one"
            raise UserError(f"can't read {what}: {reason}") from None
        except tf.errors.InvalidArgumentError:
            raise UserError(f"can't read {what}: a damaged picture") from None

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        return {"inputs": np.stack(examples)}


class RawPictures(raw.RawReader):
    """The content of PNG and JPEG files."""

    spec = {"inputs": tf.TensorSpec([None], tf.string)}
    accepts = {"inputs": "the content of a PNG or JPEG file, of any size; a JPEG must not be CMYK"}

    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self._size = hparams.image_size

    def read(self, inputs: Any) -> raw.Read:
        known = (tf.strings.substr(inputs, 0, 4) == encoding.PNG) | (
            tf.strings.substr(inputs, 0, 2) == encoding.JPEG
        )
        specs = tf.TensorSpec([self._size, self._size, 3], tf.float32), tf.TensorSpec([], tf.int32)
        pictures, channels, ok = guarded(self._decode, inputs, specs)
        error = raw.first_of(
            (~known, "not a PNG or JPEG file"),
            (~ok, "a damaged picture"),
            (channels == 4, "a CMYK JPEG; convert it to RGB"),
        )
        return raw.Read(
            lambda rows: {"inputs": tf.gather(pictures, rows)},
            tf.ones_like(channels, tf.float32),
            error,
            tf.zeros_like(known),
        )

    def _decode(self, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        jpeg = tf.io.is_jpeg(encoded)
        channels = tf.cond(jpeg, lambda: tf.io.extract_jpeg_shape(encoded)[2], lambda: 3)
        return images.decode(encoded[None], self._size, None)[0], channels


def _content(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    with open(inputs.path(value), "rb") as file:
        return file.read()


def from_array(pixels: np.ndarray) -> bytes:
    """The content of a PNG file.

    Args:
      pixels: `[height, width, channels]` with 1, 3 or 4 channels, or `[height, width]`: uint8, or float in
        [0, 1].

    Raises:
      UserError: it is another array.
    """
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
        with PIL.Image.open(io.BytesIO(encoded)) as opened:
            if opened.format in ("PNG", "JPEG") and opened.mode not in ("CMYK", "YCCK"):
                return encoded
            return _png(opened)
    except (PIL.Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise UserError(f"can't read the picture: {error}") from None


def _png(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
