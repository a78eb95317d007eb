"""Dense feed-forward: one network for every position, in the place of a mixture of experts."""

from typing import Any, Self

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.layers.experts import feed_forward
from t2tlite.shared_hparams import FILTER_SIZE, HIDDEN_SIZE, MOE_K
from t2tlite.types import Shape


@registry.register_moe("dense")
@keras.saving.register_keras_serializable("t2tlite")
class DenseFeedForward(keras.layers.Layer):
    """One feed-forward network (`d -> filter -> d`, ReLU) as large as the experts that work at a position.

    With `moe=dense` its filter is `moe_k * filter_size`: the same arithmetic for each position as `top_k`,
    so the two tell what choosing experts is worth.

    Args:
      hidden, filter: sizes d and filter.
    """

    HPARAMS = (HIDDEN_SIZE, FILTER_SIZE, MOE_K)

    def __init__(self, hidden: int, filter: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.filter = filter

    @classmethod
    def from_hparams(cls, hparams: HParams, **kwargs: Any) -> Self:
        return cls(hparams.hidden_size, hparams.moe_k * hparams.filter_size, **kwargs)

    def build(self, input_shape: Shape) -> None:
        # Drawn as the experts of `MixtureOfExperts`.
        normal = keras.initializers.RandomNormal
        d, f = self.hidden, self.filter
        self.in_kernel = self.add_weight(name="in", shape=(d, f), initializer=normal(stddev=d**-0.5))
        self.out_kernel = self.add_weight(name="out", shape=(f, d), initializer=normal(stddev=0.1 * f**-0.5))

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Returns `[batch, length, hidden]` and no statistics; see `MixtureOfExperts`."""
        return feed_forward(x, self.in_kernel, self.out_kernel), {}
