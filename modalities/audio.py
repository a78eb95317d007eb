"""The audio nets: a waveform over time, or a log-mel spectrogram, through residual convolutions."""

from typing import Any

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.media.audio import SAMPLE_RATE
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import FRACTION, NOT_NEGATIVE, POSITIVE, Hyperparameter
from t2tlite.layers.convolution import ConvRes
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.spec_augment import spec_augment
from t2tlite.modality import Modality, Representation
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Batch, Shape

FLOOR = 1e-2  # of a mel bin's energy: everything below is silence
LOUD = 8.0  # log of a loud bin's energy over the floor
_BLOCKS = (
    HIDDEN_SIZE,
    Hyperparameter("audio_blocks", int, "residual convolutions", NOT_NEGATIVE, default=8),
    Hyperparameter(
        "audio_strided_blocks",
        int,
        "how many of them, from the first, stride over time",
        NOT_NEGATIVE,
        default=8,
        at_most="audio_blocks",
    ),
    Hyperparameter("audio_least_width", int, "least channels of such a block", POSITIVE, default=2),
)


class _Audio(Modality):
    """`audio_blocks` (8) residual convolutions `l_i = ConvRes(l_{i-1}, 2^i)`, then a projection to hidden.

    The first `audio_strided_blocks` (8) stride over time. `audio_least_width` (2) bounds the widths from
    below: layer normalization over two channels leaves little more than a sign.
    """

    HPARAMS: tuple[Hyperparameter, ...] = _BLOCKS
    kernel = (3, 3)

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        self.blocks = [
            ConvRes(
                max(2**i, hparams.audio_least_width),
                self.kernel,
                (2, 1) if i <= hparams.audio_strided_blocks else (1, 1),
                name=f"block{i}",
            )
            for i in range(1, hparams.audio_blocks + 1)
        ]
        self.project = keras.layers.Dense(hparams.hidden_size, name="project")

    def _build(self, channels: int, width: int) -> None:
        for block in self.blocks:
            block.build((None, None, width, channels))
            channels = block.filters
        self.project.build((None, None, width * channels))
        self.built = True

    def _represent(self, x: tf.Tensor, mask: tf.Tensor) -> Representation:
        """`[batch, time, width, channels]` -> `Representation` of `[batch, length, hidden]`."""
        width = x.shape[2]
        for block in self.blocks:
            x, mask = block(x, padding_mask=mask)
        shape = tf.shape(x)
        x = tf.reshape(apply_mask(x, mask), [shape[0], shape[1], width * x.shape[3]])
        return Representation(apply_mask(self.project(x), mask), mask)


@registry.register_modality
class Spectral(_Audio):
    """A log-mel spectrogram, strided over time only, the full frequency resolution kept ("One Model", 2.2.4).

    Like an image's complement it is read as the two channels [x, 1 - x]: layer normalization over channels
    that are all multiples of one number would leave nothing of that number but its sign.

    With `audio_time_mask` and `audio_frequency_mask` training hides parts of it, see `spec_augment`.
    """

    HPARAMS = (
        *_BLOCKS,
        Hyperparameter(
            "audio_num_mel_bins", int, "bins of frequency", POSITIVE, default=80, formerly=("mel_bins",)
        ),
        Hyperparameter(
            "audio_frame_length",
            float,
            "of a window of the spectrogram, in milliseconds",
            POSITIVE,
            default=25.0,
            formerly=("frame_ms",),
        ),
        Hyperparameter(
            "audio_frame_step",
            float,
            "from one window to the next, in milliseconds",
            POSITIVE,
            default=10.0,
            formerly=("hop_ms",),
        ),
        Hyperparameter(
            "audio_time_mask",
            float,
            "largest share of a sound that each of two masks hides in training",
            FRACTION,
            default=0.0,
        ),
        Hyperparameter(
            "audio_frequency_mask",
            float,
            "largest share of the bins that each of two masks hides in training",
            FRACTION,
            default=0.0,
        ),
    )

    def build(self, input_shape: Shape | None = None) -> None:
        self._build(2, self.hparams.audio_num_mel_bins)

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents waveforms `[batch, samples]` of `features[side + "_length"]` samples each."""
        waveform = tf.cast(features[side], tf.float32)
        # The last frames reach beyond the end of a short sound.
        waveform = apply_mask(waveform, tf.sequence_mask(features[f"{side}_length"], tf.shape(waveform)[1]))
        hop = round(self.hparams.audio_frame_step * SAMPLE_RATE / 1000)
        x = log_mel(
            waveform,
            round(self.hparams.audio_frame_length * SAMPLE_RATE / 1000),
            hop,
            self.hparams.audio_num_mel_bins,
        )
        frames = -(-features[f"{side}_length"] // hop)
        mask = tf.sequence_mask(frames, tf.shape(x)[1])
        if training:
            x = spec_augment(x, frames, self.hparams.audio_time_mask, self.hparams.audio_frequency_mask)
        x = tf.cast(x / LOUD, self.compute_dtype)
        return self._represent(tf.stack([x, 1 - x], axis=-1), mask)


@registry.register_modality
class Waveform(_Audio):
    """The waveform itself over time ("One Model To Learn Them All", 2.2.4).

    It is read as the two channels [x, -x], so that the first ReLU doesn't throw half of it away.
    """

    kernel = (3, 1)

    def build(self, input_shape: Shape | None = None) -> None:
        self._build(2, 1)

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents waveforms `[batch, samples]` of `features[side + "_length"]` samples each."""
        x = tf.cast(features[side], self.compute_dtype)
        mask = tf.sequence_mask(features[f"{side}_length"], tf.shape(x)[1])
        return self._represent(tf.stack([x, -x], axis=-1)[:, :, None], mask)


def log_mel(waveform: tf.Tensor, frame: int, hop: int, bins: int) -> tf.Tensor:
    """Log-mel energies above a floor, so never negative.

    Args:
      waveform: float32 `[batch, samples]` at 16 kHz.
      frame, hop: length of a Hann window, and from one window to the next, in samples.
      bins: number of mel bins between 80 and 7600 Hz.

    Returns:
      float32 `[batch, ceil(samples / hop), bins]`.
    """
    fft = 2 ** (frame - 1).bit_length()
    spectrum = tf.abs(tf.signal.stft(waveform, frame, hop, fft, pad_end=True))  # [batch, frames, fft / 2 + 1]
    mel = tf.signal.linear_to_mel_weight_matrix(bins, fft // 2 + 1, SAMPLE_RATE, 80.0, 7600.0)
    energy = tf.matmul(spectrum, mel)
    return tf.math.log((energy + FLOOR) / FLOOR)
