"""Sound as tensors: waveforms in batches, in decoding, and in the graph of an export."""

import tensorflow as tf

from t2tlite.features import audio
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
