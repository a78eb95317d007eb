"""A user's folder: video as a kind of feature, a net for its frames, and a problem that needs them."""

import dataclasses
import io
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.errors import UserError
from t2tlite.features import raw
from t2tlite.features.codec import Codec
from t2tlite.features.feature import Feature
from t2tlite.features.inputs import InputReader, check_length, padded, path
from t2tlite.features.measure import Measure
from t2tlite.features.statistics import Distribution, Statistics, in_bounds, spread
from t2tlite.hyperparameter import POSITIVE, RISING, Hyperparameter
from t2tlite.modality import Modality, Representation
from t2tlite.shared_hparams import HIDDEN_SIZE

SIDE = 6
PIXELS = SIDE * SIDE
FRAMES = Measure(
    "batch_frames", precedence=4, bounds="frame_bounds", noun="frames", flags="--hparams=frame_bounds="
)


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Video(Feature):
    """Grey frames: uint8 `[frames, SIDE, SIDE]`."""

    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_video", str, "net of videos", default="frames", names="modality"),
        Hyperparameter("batch_frames", int, "frames in a batch", POSITIVE, default=48),
        Hyperparameter(
            "frame_bounds", tuple[int, ...], "bounds of the frames of a video", RISING, default=(4, 6)
        ),
    )
    kind: ClassVar[str] = "video"
    measure: ClassVar[Measure] = FRAMES
    asked_for: ClassVar[str] = "the path of a .npy file"
    is_file: ClassVar[bool] = True
    graph_input: ClassVar[str] = "tf.zeros([1, 4, 6, 6], tf.uint8)"

    def to_record(self, value, labels=None):
        frames = np.asarray(value)
        if frames.dtype != np.uint8 or frames.shape[1:] != (SIDE, SIDE) or not len(frames):
            raise ValueError(
                f"{frames.dtype} of shape {frames.shape}; expected uint8 [frames, {SIDE}, {SIDE}]"
            )
        return [frames.tobytes()]

    def from_record(self, values):
        return np.frombuffer(values[0], np.uint8).reshape(-1, SIDE, SIDE)

    def codec(self, reading):
        """Uint8 `[batch, frames, PIXELS]`, padded to a bound, and int32 `[batch]`, how many there are."""
        return VideoCodec(reading)

    def random_batch(self, name, size, generator, run, problem) -> dict[str, Any]:
        frames = run.hparams.frame_bounds[-1]
        pixels = generator.integers(0, 256, (size, frames, PIXELS)).astype(np.uint8)
        return {name: pixels, f"{name}_length": np.full([size], frames, np.int32)}

    def largest(self, hparams):
        return f"{hparams.frame_bounds[-1]} frames"

    def input_reader(self, vocabulary, hparams):
        return VideoInputs(hparams)

    def raw_readers(self, vocabulary, hparams):
        return (RawVideos(hparams),)

    def example_input(self):
        buffer = io.BytesIO()
        np.save(buffer, np.zeros([4, SIDE, SIDE], np.uint8))
        return buffer.getvalue()

    def statistics(self, vocabulary, hparams):
        return Frames(hparams)

    def as_file(self, value):
        buffer = io.BytesIO()
        np.save(buffer, value)
        return "npy", buffer.getvalue()


class VideoCodec(Codec):
    def __init__(self, reading):
        super().__init__(reading)
        self.limits = FRAMES.limits(reading.hparams)

    def length(self, compact):
        return tf.strings.length(compact) // PIXELS  # [block]

    def dense(self, name, compact, epoch, index, length):
        pixels = tf.io.decode_raw(compact, tf.uint8, fixed_length=PIXELS * length)
        frames = tf.reshape(pixels, [-1, length, PIXELS])  # [rows, length, PIXELS]
        return {name: frames, f"{name}_length": self.length(compact)}


class VideoInputs(InputReader):
    spec = {
        "inputs": tf.TensorSpec([None, None, PIXELS], tf.uint8),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def __init__(self, hparams):
        self.bounds = FRAMES.limits(hparams)

    def read(self, value):
        try:
            frames = value if isinstance(value, np.ndarray) else np.load(_file(value))
            Video().to_record(frames)
        except (OSError, ValueError) as error:
            raise UserError(f"can't read the video: {error}") from None
        check_length(len(frames), self.bounds, "frames")
        return frames.reshape(-1, PIXELS)

    def batch(self, examples):
        lengths = np.array([len(frames) for frames in examples], np.int32)
        width = padded([frames[:, 0] for frames in examples], self.bounds).shape[1]
        array = np.zeros([len(examples), width, PIXELS], np.uint8)
        for row, frames in zip(array, examples, strict=True):
            row[: len(frames)] = frames
        return {"inputs": array, "inputs_length": lengths}


def _file(value):
    return io.BytesIO(value) if isinstance(value, bytes) else path(value)


class RawVideos(raw.RawReader):
    spec = {"inputs": tf.TensorSpec([None, None, SIDE, SIDE], tf.uint8)}
    accepts = {"inputs": "videos of the same number of frames"}

    def __init__(self, hparams):
        self._bounds = FRAMES.limits(hparams)

    def read(self, inputs) -> raw.Read:
        shape = tf.shape(inputs)
        length = tf.fill(shape[:1], shape[1])
        flat = tf.reshape(inputs, [shape[0], shape[1], PIXELS])
        too_long, message = raw.too_long(length, self._bounds[-1], "frames")
        return raw.Read(
            lambda rows: {"inputs": tf.gather(flat, rows), "inputs_length": tf.gather(length, rows)},
            tf.cast(length, tf.float32) / self._bounds[-1],
            raw.first_of((too_long, message)),
            tf.zeros_like(too_long),
        )


class Frames(Statistics):
    def __init__(self, hparams):
        self._bounds, self._lengths = hparams.frame_bounds, []

    def take(self, value) -> int:
        self._lengths.append(len(value))
        return len(value)

    def distribution(self, name):
        facts = tuple(spread(self._lengths, "frames"))
        return Distribution(f"{name}: frames of a video", *in_bounds(self._lengths, self._bounds), facts)


@registry.register_modality("frames")
class FramesNet(Modality):
    """Each frame is a position."""

    HPARAMS = (HIDDEN_SIZE,)

    def __init__(self, hparams, size=None, **kwargs):
        super().__init__(hparams, size=size, **kwargs)
        self.read = keras.layers.Dense(hparams.hidden_size, name="read")

    def build(self, input_shape=None):
        self.read.build((None, None, PIXELS))
        self.built = True

    def bottom(self, features, side, training=False):
        pixels = tf.cast(features[side], tf.float32) / 255
        x = self.read(tf.cast(pixels, self.compute_dtype))
        mask = tf.sequence_mask(features[f"{side}_length"], tf.shape(x)[1])
        return Representation(x * tf.cast(mask, x.dtype)[..., None], mask)


def clip(frames, start, step):
    """A light column that moves by `step` a frame, around the edge."""
    array = np.zeros([frames, SIDE, SIDE], np.uint8)
    for i in range(frames):
        array[i, :, (start + i * step) % SIDE] = 255
    return array


@registry.register_problem
class MovesTo(problem.Problem):
    """Where to a column moves; no single frame tells."""

    inputs = Video()
    targets = problem.Label()
    metrics = ("top1",)

    def labels(self, source, source_dir=None):
        return ("left", "right")

    def examples(self, split, source, source_dir=None):
        for start in range(SIDE):
            for frames in range(3, 7):
                for name, step in (("left", -1), ("right", 1)):
                    yield {"inputs": clip(frames, start, step), "targets": name}
