"""Switch: a mixture of experts of which one is chosen for each position (Fedus et al. 2021)."""

from typing import Any, NamedTuple, Self

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.layers.experts import Gating, MixtureOfExperts
from t2tlite.shared_hparams import (
    FILTER_SIZE,
    HIDDEN_SIZE,
    MOE_CAPACITY_FACTOR,
    MOE_LOAD_LOSS_COEF,
    MOE_NUM_EXPERTS,
)


class SwitchBalance(NamedTuple):
    """What the balancing loss is computed from: tensors that add up, as those of `experts.Balance`.

    Attributes:
      tokens: float32 `[n]`, how many tokens chose each expert.
      probability: float32 `[n]`, the sum over the tokens of each expert's probability.
      weight: float32 scalar, of the loss, times `parts`.
      parts: float32 scalar, 1 for a batch or a part of one.
    """

    tokens: tf.Tensor
    probability: tf.Tensor
    weight: tf.Tensor
    parts: tf.Tensor

    def loss(self) -> tf.Tensor:
        """Float32 scalar, `weight * n * sum(f * P)` (Fedus et al. 2021, eq. 4).

        f is the share of the tokens that chose an expert and P its mean probability. The gradient flows
        through P alone. An even load gives `weight`.
        """
        share = tf.math.divide_no_nan(self.tokens, tf.reduce_sum(self.tokens))
        mean = tf.math.divide_no_nan(self.probability, tf.reduce_sum(self.probability))
        n = tf.cast(tf.size(share), tf.float32)
        return self.weight / self.parts * n * tf.reduce_sum(share * mean)


@registry.register_moe("switch")
@keras.saving.register_keras_serializable("t2tlite")
class Switch(MixtureOfExperts):
    """n feed-forward experts of which a gate picks the likeliest for each position: k = 1, no noise.

    "Switch Transformers" (Fedus et al. 2021, arXiv 2101.03961), section 2.1 and 2.2: the expert's output is
    multiplied by its probability among all experts, and so the gate learns. The weight of the balancing
    loss is `moe_load_loss_coef`. Capacity and padding are as in `MixtureOfExperts`.

    Args:
      hidden, filter: sizes of an expert's layers.
      experts: n.
      capacity: slots of an expert in training, as a multiple of an even share.
      load_weight: weight of the balancing loss, alpha in the paper.
    """

    HPARAMS = (HIDDEN_SIZE, FILTER_SIZE, MOE_NUM_EXPERTS, MOE_CAPACITY_FACTOR, MOE_LOAD_LOSS_COEF)

    def __init__(
        self,
        hidden: int,
        filter: int,
        experts: int,
        capacity: float = 1.25,
        load_weight: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(hidden, filter, experts, 1, capacity, load_weight, **kwargs)

    @classmethod
    def from_hparams(cls, hparams: HParams, **kwargs: Any) -> Self:
        return cls(
            hparams.hidden_size,
            hparams.filter_size,
            hparams.moe_num_experts,
            hparams.moe_capacity_factor,
            hparams.moe_load_loss_coef,
            **kwargs,
        )

    def build_gate(self, shape: tuple[int, int]) -> None:
        # The scale of section 2.4. At zero, without noise, all tokens would choose the same expert.
        initializer = keras.initializers.TruncatedNormal(stddev=(0.1 / shape[0]) ** 0.5)
        self.gate_kernel = self.add_weight(name="gate", shape=shape, initializer=initializer, autocast=False)

    def gate(
        self, x: tf.Tensor, mask: tf.Tensor, shape: tf.Tensor, training: bool
    ) -> tuple[Gating, SwitchBalance]:
        """See `MixtureOfExperts.gate`; nothing is random here."""
        probability = tf.nn.softmax(tf.matmul(x, tf.cast(self.gate_kernel, tf.float32))) * mask[:, None]
        expert = tf.argmax(probability, axis=-1, output_type=tf.int32)
        chosen = tf.one_hot(expert, self.experts) * mask[:, None]  # [tokens, n]
        gates = tf.reduce_sum(probability * chosen, axis=-1, keepdims=True)
        tokens = tf.reduce_sum(chosen, axis=0)
        importance = tf.reduce_sum(gates * chosen, axis=0)
        balance = SwitchBalance(
            tokens, tf.reduce_sum(probability, axis=0), tf.constant(self.load_weight), tf.ones([])
        )
        return Gating(expert[:, None], gates, importance, tokens), balance
