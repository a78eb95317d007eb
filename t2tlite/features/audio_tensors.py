"""Sound as tensors: waveforms in batches, in decoding, and in the graph of an export."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data.media import audio as sounds
from t2tlite.data.media import sound_files, speed
from t2tlite.errors import UserError
from t2tlite.features import encoding, raw
from t2tlite.features.codec import Codec, Reading
from t2tlite.features.guard import guarded
from t2tlite.features.inputs import LONGEST, InputReader, check_length, padded, path
from t2tlite.hparam import HParams

_RATE = sounds.SAMPLE_RATE


class AudioCodec(Codec):
    """Stored 16-bit PCM to waveforms; see `Audio.codec`."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self.limits = encoding.AUDIO.limits(reading.hparams)

    def length(self, compact: Any) -> tf.Tensor:
        return tf.strings.length(compact) // 2  # [block], 16 bits a sample

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        assert length is not None  # sounds have bounds
        samples = tf.io.decode_raw(compact, tf.int16, fixed_length=2 * length)  # [rows, length]
        samples, lengths = tf.cast(samples, tf.float32) / encoding.PCM_PEAK, self.length(compact)
        if self.reading.training and self.reading.hparams.audio_speed:
            seeds = self.seeds(epoch, index) + 7 * self.reading.number
            speeds = speed.drawn(seeds, self.reading.hparams.audio_speed)
            samples, lengths = speed.changed(samples, lengths, speeds)
        return {name: samples, f"{name}_length": lengths}


class AudioInputs(InputReader):
    """Sounds, as waveforms at 16 kHz."""

    spec = {
        "inputs": tf.TensorSpec([None, None], tf.float32),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def __init__(
        self, vocabulary: Any, hparams: HParams, opener: sound_files.Opener = sound_files.open_content
    ) -> None:
        self.bounds = encoding.AUDIO.limits(hparams)
        self._opener = opener

    def read(self, value: Any) -> np.ndarray:
        """A path, the bytes of a file, or float samples at 16 kHz `[samples]`, to float32 `[samples]`."""
        if isinstance(value, np.ndarray):
            if value.ndim != 1 or value.dtype.kind != "f" or not value.size or not np.isfinite(value).all():
                raise UserError(
                    f"expected float samples [samples] at {_RATE} Hz;"
                    f" received {value.dtype} of shape {value.shape}"
                )
            samples = value.astype(np.float32).clip(-1, 1)
        else:
            samples = sounds.read(value if isinstance(value, bytes) else path(value), self._opener)
        check_length(len(samples), self.bounds, f"samples at {_RATE} Hz")
        return np.round(samples * encoding.PCM_PEAK) / np.float32(
            encoding.PCM_PEAK
        )  # as prepared data has it

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        lengths = np.array([len(samples) for samples in examples], np.int32)
        return {"inputs": padded(examples, self.bounds), "inputs_length": lengths}

    def alone(self, example: Any) -> dict[str, np.ndarray]:
        """As long as the longest in training, at least: the stride of a net is known from that."""
        together = self.batch([example, np.zeros([self.bounds[-1]], example.dtype)])
        return {name: array[:1] for name, array in together.items()}


class _RawSounds(raw.RawReader):
    """Base of what reads samples, and what reads files of them."""

    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self._bounds = encoding.AUDIO.limits(hparams)
        self._bound = self._bounds[-1]
        self.accepts = self._accepts(f"at most {LONGEST * self._bound / _RATE:g} seconds")

    def _accepts(self, most: str) -> dict[str, str]:
        raise NotImplementedError

    def _of(self, samples: tf.Tensor, length: tf.Tensor, valid: tf.Tensor, error: tf.Tensor) -> raw.Read:
        def features(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            lengths = tf.gather(length, rows)
            sounds = tf.where(tf.gather(valid, rows), tf.gather(samples, rows), 0.0)
            sounds = tf.round(tf.clip_by_value(sounds, -1.0, 1.0) * encoding.PCM_PEAK) / encoding.PCM_PEAK
            return {
                "inputs": raw.padded(sounds[:, : tf.reduce_max(lengths)], self._bounds),
                "inputs_length": lengths,
            }

        relative = tf.cast(length, tf.float32) / self._bound
        return raw.Read(features, relative, error, tf.zeros_like(length, tf.bool))


class RawWaveforms(_RawSounds):
    """Samples."""

    spec = {
        "inputs": tf.TensorSpec([None, None], tf.float32),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def _accepts(self, most: str) -> dict[str, str]:
        return {
            "inputs": f"sound of one channel at {_RATE} Hz in [-1, 1], {most}; padded with anything",
            "inputs_length": "how many samples of each row are its sound, 1 or more",
        }

    def read(self, inputs: Any, inputs_length: Any) -> raw.Read:
        width = tf.shape(inputs)[1]
        fits = (inputs_length > 0) & (inputs_length <= width)
        valid = tf.sequence_mask(tf.where(fits, inputs_length, 0), width)
        finite = tf.reduce_all(tf.math.is_finite(inputs) | ~valid, axis=1)
        error = raw.first_of(
            (~fits, "inputs_length must be 1 or more, and at most the number of samples"),
            (~finite, "samples that are no numbers"),
            raw.too_long(inputs_length, self._bound, f"samples at {_RATE} Hz"),
        )
        return self._of(inputs, inputs_length, valid, error)

    def is_missing(self, inputs: Any, inputs_length: Any) -> tf.Tensor:
        return inputs_length == 0


class RawWavFiles(_RawSounds):
    """The content of WAV files.

    They are not resampled: a graph has no filter that would do the same as the predictor's.
    """

    suffix = "_wav"
    spec = {"inputs": tf.TensorSpec([None], tf.string)}

    def _accepts(self, most: str) -> dict[str, str]:
        return {
            "inputs": f"the content of a WAV file, 16-bit PCM at {_RATE} Hz, any number of channels, {most}"
        }

    def is_missing(self, inputs: Any) -> tf.Tensor:
        return inputs == ""

    def read(self, inputs: Any) -> raw.Read:
        specs = tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)
        samples, length, rate, ok = guarded(_decode_wav, inputs, specs)
        error = raw.first_of(
            (~ok, "not a WAV file of 16-bit PCM, or a damaged one"),
            (
                rate != _RATE,
                tf.strings.join([tf.strings.as_string(rate), f" Hz; expected {_RATE} Hz"]),
            ),
            (length < 1, "a sound without samples"),
            raw.too_long(length, self._bound, f"samples at {_RATE} Hz"),
        )
        return self._of(samples, length, tf.sequence_mask(length, tf.shape(samples)[1]), error)


def _decode_wav(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    samples, rate = tf.audio.decode_wav(content)  # [samples, channels]
    mono = tf.reduce_mean(samples, axis=1)
    return mono, tf.size(mono), rate
