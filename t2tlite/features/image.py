"""The feature `image`: an encoded picture, read as a square of pixels."""

import collections
import dataclasses
import io
from typing import Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features import untrusted
from t2tlite.features.encoding import JPEG, PNG
from t2tlite.features.feature import Feature
from t2tlite.features.measure import Measure
from t2tlite.features.positions import Positions
from t2tlite.features.statistics import Distribution, Statistics, even_bins, spread
from t2tlite.hyperparameter import POSITIVE, Hyperparameter

MEASURE = Measure("batch_images", precedence=2)


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Image(Feature):
    """An encoded image (PNG or JPEG `bytes`).

    Attributes:
      flip: whether left and right mean nothing here, so that training mirrors half of the images it crops or
        scales. The problem has to say so, since a caption or a class may name a side.
    """

    flip: bool = False
    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_image", str, "net of pictures", default="image", names="modality"),
        Hyperparameter("image_size", int, "height and width of a picture, in pixels", POSITIVE),
    )
    kind: ClassVar[str] = "image"
    measure: ClassVar[Measure] = MEASURE
    slow_to_decode: ClassVar[bool] = True
    asked_for: ClassVar[str] = "the path of a picture"
    is_file: ClassVar[bool] = True
    graph_input: ClassVar[str] = 'tf.constant([open("picture.jpg", "rb").read()])'
    content_types: ClassVar[tuple[str, ...]] = ("image/",)

    def to_record(self, value, labels=None):
        if not isinstance(value, bytes) or not value.startswith((PNG, JPEG)):
            raise ValueError(f"{value!r:.60}; expected the bytes of a PNG or JPEG file")
        return [value]

    def from_record(self, values) -> bytes:
        return values[0]

    def stand_in(self):
        return self.example_input()

    def codec(self, reading):
        """Float32 `[batch, image_size, image_size, 3]` in [0, 1], augmented in training."""
        from t2tlite.features.image_tensors import ImageCodec

        return ImageCodec(reading, self.flip)

    def readable(self, stored):
        """The image's shape, once all of it has been decoded."""
        import tensorflow as tf

        return tf.cond(
            tf.io.is_jpeg(stored),
            lambda: tf.shape(tf.io.decode_jpeg(stored, ratio=8, channels=3)),  # the fastest, and reads all
            lambda: tf.shape(tf.io.decode_image(stored, channels=3, expand_animations=False)),
        )

    def random_batch(self, name, size, generator, run, problem) -> dict[str, Any]:
        side = run.hparams.image_size
        return {name: generator.random((size, side, side, 3)).astype(np.float32)}

    def largest(self, hparams):
        return f"{hparams.image_size} pixels"

    def input_reader(self, vocabulary, hparams):
        """Reads a path, the bytes of a file or an array to float32 `[image_size, image_size, 3]`."""
        from t2tlite.features.image_tensors import ImageInputs

        return ImageInputs(vocabulary, hparams)

    def positions(self, value, encoded, vocabulary):
        return Positions(encoded.count, grid=encoded.grid, content=value)

    def raw_readers(self, vocabulary, hparams):
        """The content of PNG and JPEG files, strings `[batch]`."""
        from t2tlite.features.image_tensors import RawPictures

        return (RawPictures(vocabulary, hparams),)

    def check_sent(self, value, what):
        return untrusted.checked(untrusted.check_picture, value, what)

    def example_input(self):
        """The bytes of a black PNG."""
        import PIL.Image

        made = io.BytesIO()
        PIL.Image.new("RGB", (64, 64)).save(made, "PNG")
        return made.getvalue()

    def statistics(self, vocabulary, hparams):
        return _Pictures(vocabulary, hparams)

    def as_file(self, value):
        return ("png" if value.startswith(PNG) else "jpg"), value


class _Pictures(Statistics):
    def __init__(self, vocabulary, hparams):
        self._sides = []
        self._bytes = 0
        self._formats = collections.Counter()

    def take(self, value) -> int:
        import PIL.Image

        with PIL.Image.open(io.BytesIO(value)) as image:
            self._sides.append(min(image.size))
            self._formats[f"{image.format} {image.mode}"] += 1
        self._bytes += len(value)
        return self._sides[-1]

    def distribution(self, name):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._formats.most_common())
        each = self._bytes / max(len(self._sides), 1) / 1000
        facts = (*spread(self._sides, "pixels"), f"{kinds}; {each:,.1f} kB each")
        return Distribution(f"{name}: pixels of the shorter side", *even_bins(self._sides), facts)
