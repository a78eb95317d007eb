"""The feature `image`: an encoded picture, read as a square of pixels."""

import collections
import dataclasses
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.data.media import image_faults
from t2tlite.errors import UserError
from t2tlite.features import untrusted
from t2tlite.features.encoding import JPEG, PNG
from t2tlite.features.feature import Feature
from t2tlite.features.measure import Measure
from t2tlite.features.positions import Encoded, Positions
from t2tlite.features.statistics import Distribution, Statistics, even_bins, spread
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import FRACTION, POSITIVE, Hyperparameter

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader

MEASURE = Measure("batch_images", precedence=2)


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Image(Feature):
    """A picture: the `bytes` of a PNG or JPEG file, or pixels `[height, width, 3]`, stored as PNG.

    Attributes:
      flip: whether left and right mean nothing here, so that training mirrors half of the images it crops or
        scales. The problem has to say so, since a caption or a class may name a side.
      recolour: whether brightness, contrast and saturation mean nothing here, so that training may change
        them by the hyperparameter `image_jitter`. The hues stay.
    """

    flip: bool = False
    recolour: bool = False
    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_image", str, "net of pictures", default="image", names="modality"),
        Hyperparameter("image_size", int, "height and width of a picture, in pixels", POSITIVE),
        Hyperparameter(
            "image_crop",
            float,
            "least area of a crop in training, of pictures of a class; 0: 0.08, none where the size is right",
            FRACTION,
            default=0.0,
        ),
        Hyperparameter(
            "image_jitter",
            float,
            "largest change of brightness, contrast and saturation in training, where the problem allows it",
            FRACTION,
            default=0.0,
        ),
    )
    kind: ClassVar[str] = "image"
    measure: ClassVar[Measure] = MEASURE
    slow_to_decode: ClassVar[bool] = True
    asked_for: ClassVar[str] = "the path of a picture"
    is_file: ClassVar[bool] = True
    graph_input: ClassVar[str] = 'tf.constant([open("picture.jpg", "rb").read()])'
    content_types: ClassVar[tuple[str, ...]] = ("image/",)

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        if isinstance(value, np.ndarray):
            from t2tlite.features.image_tensors import from_array

            try:
                return [from_array(value)]
            except UserError as error:
                raise ValueError(f"no picture: {error}") from None
        if not isinstance(value, bytes) or not value.startswith((PNG, JPEG)):
            raise ValueError(
                f"{value!r:.60}; expected the bytes of a PNG or JPEG file, or an array of pixels"
            )
        return [value]

    def from_record(self, values: list[bytes]) -> bytes:
        return values[0]

    def from_content(self, content: bytes) -> bytes:
        if reason := image_faults.fault(content):
            raise ValueError(reason)
        return content

    def stand_in(self) -> Any:
        return self.example_input()

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, image_size, image_size, 3]` in [0, 1], augmented in training."""
        from t2tlite.features.image_tensors import ImageCodec

        return ImageCodec(reading, self.flip, self.recolour)

    def readable(self, stored: Any) -> Any:
        """The image's shape, once all of it has been decoded."""
        import tensorflow as tf

        return tf.cond(
            tf.io.is_jpeg(stored),
            lambda: tf.shape(tf.io.decode_jpeg(stored, ratio=8, channels=3)),  # the fastest, and reads all
            lambda: tf.shape(tf.io.decode_image(stored, channels=3, expand_animations=False)),
        )

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        side = run.hparams.image_size
        return {name: generator.random((size, side, side, 3)).astype(np.float32)}

    def largest(self, hparams: HParams) -> str:
        return f"{hparams.image_size} pixels"

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a path, the bytes of a file or an array to float32 `[image_size, image_size, 3]`."""
        from t2tlite.features.image_tensors import ImageInputs

        return ImageInputs(vocabulary, hparams)

    def positions(self, value: Any, encoded: Encoded, vocabulary: Any) -> Positions:
        return Positions(encoded.count, grid=encoded.grid, content=value)

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """The content of PNG and JPEG files, strings `[batch]`."""
        from t2tlite.features.image_tensors import RawPictures

        return (RawPictures(vocabulary, hparams),)

    def check_sent(self, value: Any, what: str) -> Any:
        return untrusted.checked(untrusted.check_picture, value, what)

    def example_input(self) -> Any:
        """The bytes of a black PNG."""
        import PIL.Image

        buffer = io.BytesIO()
        PIL.Image.new("RGB", (64, 64)).save(buffer, "PNG")
        return buffer.getvalue()

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return _Pictures(vocabulary, hparams)

    def as_file(self, value: Any) -> tuple[str, bytes] | None:
        return ("png" if value.startswith(PNG) else "jpg"), value


class _Pictures(Statistics):
    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self._sides: list[int] = []
        self._bytes = 0
        self._formats: collections.Counter[str] = collections.Counter()

    def take(self, value: Any) -> int:
        import PIL.Image

        with PIL.Image.open(io.BytesIO(value)) as image:
            self._sides.append(min(image.size))
            self._formats[f"{image.format} {image.mode}"] += 1
        self._bytes += len(value)
        return self._sides[-1]

    def distribution(self, name: str) -> Distribution:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._formats.most_common())
        each = self._bytes / max(len(self._sides), 1) / 1000
        facts = (*spread(self._sides, "pixels"), f"{kinds}; {each:,.1f} kB each")
        return Distribution(f"{name}: pixels of the shorter side", *even_bins(self._sides), facts)
