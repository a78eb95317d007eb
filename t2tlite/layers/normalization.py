"""Layer normalization."""

from collections.abc import Callable

import keras
import tensorflow as tf

from t2tlite.layers.once import once

EPSILON = 1e-6  # of all that the MultiModel and the Transformer normalize


@keras.saving.register_keras_serializable("t2tlite")
class LayerNormalization(keras.layers.LayerNormalization):
    """Ba et al. 2016 (arXiv 1607.06450), over the last axis.

    It computes what Keras's does. Its gradient is written out: 30 operations instead of 113, of which a body
    has dozens.
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[..., channels]`, of any rank; computed in float32 whatever its type."""
        size = x.shape[-1]
        gamma = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones([size])
        beta = tf.convert_to_tensor(self.beta) if self.center else tf.zeros([size])
        return _normalized(x, gamma, beta, self.epsilon)


@once
def _normalized(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> tf.Tensor:
    gamma, beta = tf.cast(gamma, tf.float32), tf.cast(beta, tf.float32)
    others = list(range(x.shape.rank - 1))

    @tf.custom_gradient
    def normalized(
        x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        inverse = tf.math.rsqrt(variance + epsilon)
        standard = centred * inverse

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            of_standard = upstream * gamma
            common = tf.reduce_mean(of_standard, axis=-1, keepdims=True)
            along = tf.reduce_mean(of_standard * standard, axis=-1, keepdims=True)
            of_x = inverse * (of_standard - common - standard * along)
            return of_x, tf.reduce_sum(upstream * standard, others), tf.reduce_sum(upstream, others)

        return standard * gamma + beta, gradient

    return tf.cast(normalized(tf.cast(x, tf.float32), gamma, beta), x.dtype)
