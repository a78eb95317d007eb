"""Sound as tensors: waveforms in batches, in decoding, and in the graph of an export."""

import numpy as np
import tensorflow as tf

from t2tlite.data import audio as sounds
from t2tlite.errors import UserError
from t2tlite.features import audio, inputs
from t2tlite.features.codec import Codec, bound


class AudioCodec(Codec):
    """Stored 16-bit PCM to waveforms; see `Audio.codec`."""

    def __init__(self, reading):
        super().__init__(reading)
        self.limits = audio.MEASURE.limits(reading.hparams)

    def length(self, compact):
        return tf.strings.length(compact) // 2  # [block], 16 bits a sample

    def dense(self, name, compact, epoch, index, rows):
        lengths = self.length(compact)  # [batch]
        longest = bound(tf.reduce_max(lengths), self.limits)
        samples = tf.io.decode_raw(compact[rows], tf.int16, fixed_length=2 * longest)  # [rows, longest]
        return {name: tf.cast(samples, tf.float32) / audio.PCM, f"{name}_length": lengths[rows]}


class AudioInputs(inputs.InputReader):
    """Sounds, as waveforms at 16 kHz."""

    spec = {
        "inputs": tf.TensorSpec([None, None], tf.float32),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def __init__(self, vocabulary, hparams):
        self.bounds = audio.MEASURE.limits(hparams)

    def read(self, value):
        """A path, the bytes of a file, or float samples at 16 kHz `[samples]`, to float32 `[samples]`."""
        if isinstance(value, np.ndarray):
            if value.ndim != 1 or value.dtype.kind != "f" or not value.size or not np.isfinite(value).all():
                raise UserError(
                    f"expected float samples [samples] at {audio.SAMPLE_RATE} Hz;"
                    f" received {value.dtype} of shape {value.shape}"
                )
            samples = value.astype(np.float32).clip(-1, 1)
        else:
            samples = sounds.read(value if isinstance(value, bytes) else inputs.path(value))
        inputs.check_length(len(samples), self.bounds, f"samples at {audio.SAMPLE_RATE} Hz")
        return np.round(samples * audio.PCM) / np.float32(audio.PCM)  # as prepared data has it

    def batch(self, examples):
        lengths = np.array([len(samples) for samples in examples], np.int32)
        return {"inputs": inputs.padded(examples, self.bounds), "inputs_length": lengths}

    def alone(self, example):
        """As long as the longest in training, at least: the stride of a net is known from that."""
        together = self.batch([example, np.zeros([self.bounds[-1]], example.dtype)])
        return {name: array[:1] for name, array in together.items()}
