"""Mixture of experts: noisy top-k gating and its two losses (Shazeer et al. 2017)."""

from typing import Any, NamedTuple, Protocol, Self

import keras
import tensorflow as tf

from t2tlite import registry, shards
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import NOT_NEGATIVE, Hyperparameter
from t2tlite.layers import expert_exchange, randomness, recording
from t2tlite.layers.attention import softmax
from t2tlite.layers.dispatch import apply_experts, dispatch, plan_dispatch, undispatch
from t2tlite.layers.once import once
from t2tlite.shared_hparams import (
    FILTER_SIZE,
    HIDDEN_SIZE,
    MOE_CAPACITY_FACTOR,
    MOE_K,
    MOE_LOAD_LOSS_COEF,
    MOE_NUM_EXPERTS,
)
from t2tlite.types import Shape

# Outside training a block has an even share of the choices times this, and so many slots at least.
_ROOM = 1.25
_LEAST = 4
_LARGE = 2**18  # weights of an expert's matrix, from which on reading it takes longer than starting a product


class Gating(NamedTuple):
    """What the gate decided for `tokens` positions and `n` experts.

    Attributes:
      experts: int32 `[tokens, k]`, the chosen experts.
      gates: float32 `[tokens, k]`, their weights; zero for padding.
      importance: float32 `[n]`, sum of the gates of each expert.
      load: float32 `[n]`, the smooth number of tokens of each expert, `Load(X)`.
    """

    experts: tf.Tensor
    gates: tf.Tensor
    importance: tf.Tensor
    load: tf.Tensor


class Balancing(Protocol):
    """What balancing losses are computed from: a NamedTuple of tensors that add up, as `Balance`."""

    def loss(self) -> tf.Tensor:
        """Float32 scalar, of what the tensors say."""


def cv_squared(x: tf.Tensor) -> tf.Tensor:
    """Squared coefficient of variation, `Var(x) / Mean(x)^2` (Shazeer et al. 2017, eq. 7)."""
    mean, variance = tf.nn.moments(x, axes=[0])
    return variance / (tf.square(mean) + 1e-10)


class Balance(NamedTuple):
    """What the balancing losses are computed from: tensors that add up.

    Those of a batch's parts add up to those of the whole: on several replicas the training step sums them and
    asks for the loss then. A mixture of another kind has another such tuple, with a `loss`.

    Attributes:
      load, importance: float32 `[n]`, as in `Gating`.
      weights: float32 `[2]`, of the two losses, times `parts`.
      parts: float32 scalar, 1 for a batch or a part of one.
    """

    load: tf.Tensor
    importance: tf.Tensor
    weights: tf.Tensor
    parts: tf.Tensor

    def loss(self) -> tf.Tensor:
        """Float32 scalar, how uneven the load of the experts is (Shazeer et al. 2017, eq. 7 and 11)."""
        uneven = tf.stack([cv_squared(self.load), cv_squared(self.importance)])
        return tf.reduce_sum(self.weights / self.parts * uneven)


@once
def noisy_top_k(
    clean: tf.Tensor, raw_noise_scale: tf.Tensor, mask: tf.Tensor, k: int, noise: tf.Tensor | None = None
) -> Gating:
    """Noisy top-k gating (Shazeer et al. 2017, eq. 3-5 and 8-10).

    Args:
      clean: float32 `[tokens, n]`, `x . Wg`.
      raw_noise_scale: float32 `[tokens, n]`, `x . Wnoise`.
      mask: float32 `[tokens]`, 0 for padding.
      k: experts for each token, less than or equal to n.
      noise: float32 `[tokens, n]`, standard normal, in training; None: no noise.
    """
    n = clean.shape[-1]
    scale = tf.nn.softplus(raw_noise_scale)
    noisy = clean
    if noise is not None:
        noisy = clean + scale * noise
    top, experts = tf.math.top_k(noisy, min(k + 1, n))
    experts = experts[:, :k]
    gates = softmax(top[:, :k], -1) * mask[:, None]
    chosen = tf.one_hot(experts, n)  # [tokens, k, n]
    importance = tf.einsum("tk,tkn->n", gates, chosen)
    if noise is not None and k < n:
        # The k-th greatest of the others: for a chosen expert that is the (k + 1)-th of all.
        inside = tf.reduce_sum(chosen, axis=1) > 0
        threshold = tf.where(inside, top[:, k, None], top[:, k - 1, None])
        probability = 0.5 * (1 + tf.math.erf((clean - threshold) / tf.maximum(scale, 1e-6) * 2**-0.5))
        load = tf.reduce_sum(probability * mask[:, None], axis=0)
    else:
        load = tf.einsum("t,tkn->n", mask, chosen)
    return Gating(experts, gates, importance, load)


def feed_forward(
    x: tf.Tensor, in_kernel: tf.Tensor | keras.Variable, out_kernel: tf.Tensor | keras.Variable
) -> tf.Tensor:
    """`ReLU(x . in) . out` of one expert, or of each of several: `[..., d]` -> `[..., d]`."""
    hidden = tf.nn.relu(tf.matmul(x, tf.cast(in_kernel, x.dtype)))
    return tf.matmul(hidden, tf.cast(out_kernel, x.dtype))


@once
def _mixed(
    x: tf.Tensor,
    mask: tf.Tensor,
    experts: tf.Tensor,
    gates: tf.Tensor,
    in_kernel: tf.Tensor,
    out_kernel: tf.Tensor,
    capacity: int | tf.Tensor,
    shared: int,
    training: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What the experts of each token `[tokens, hidden]` make of it, `Plan.dropped` and `Plan.choices`."""
    n = in_kernel.shape[0]
    plan = plan_dispatch(experts, mask, n, capacity, drops=training, shared=shared)
    slots = apply_experts(dispatch(x, plan, training), plan, n, (in_kernel, out_kernel), feed_forward)
    chosen = undispatch(slots, plan, training)  # [tokens, k, hidden]
    return tf.reduce_sum(chosen * tf.cast(gates, x.dtype)[..., None], axis=1), plan.dropped, plan.choices


@registry.register_moe("top_k")
@keras.saving.register_keras_serializable("t2tlite")
class MixtureOfExperts(keras.layers.Layer):
    """n feed-forward experts (`d -> filter -> d`, ReLU) of which a noisy gate picks k for each position.

    In training an expert has `capacity * k * tokens / n` slots and what finds it full is dropped (the
    position keeps what the residual path carries). Otherwise an expert gets further slots where it needs
    them and nothing is dropped, so that the result doesn't depend on the rest of the batch. Memory depends on
    the number of choices, not on the choices: all tokens may choose the same experts, as with a fresh gate.
    Padding is not routed and does not count in the load. On several replicas each has the slots for its own
    tokens: what a full expert drops in training depends on their number.

    Args:
      hidden, filter: sizes d and filter.
      experts, experts_per_token: n and k.
      capacity: slots in training, as a multiple of an even share.
      load_weight, importance_weight: weights of the two losses (Shazeer et al. 2017, eq. 7 and 11).
    """

    HPARAMS: tuple[Hyperparameter, ...] = (
        HIDDEN_SIZE,
        FILTER_SIZE,
        MOE_NUM_EXPERTS,
        MOE_K,
        MOE_CAPACITY_FACTOR,
        MOE_LOAD_LOSS_COEF,
        Hyperparameter(
            "moe_importance_loss_coef",
            float,
            "weight of the loss that evens out the sum of each expert's gates",
            NOT_NEGATIVE,
            default=0.01,
            formerly=("importance_weight", "moe_loss_coef"),
        ),
    )

    def __init__(
        self,
        hidden: int,
        filter: int,
        experts: int,
        experts_per_token: int = 4,
        capacity: float = 1.25,
        load_weight: float = 0.01,
        importance_weight: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= experts_per_token <= experts:
            raise ValueError(
                "`experts_per_token` must be between 1 and `experts`. "
                f"Received: {experts_per_token}, {experts}"
            )
        self.hidden = hidden
        self.filter = filter
        self.experts = experts
        self.experts_per_token = experts_per_token
        self.capacity = capacity
        self.load_weight = load_weight
        self.importance_weight = importance_weight

    @classmethod
    def from_hparams(cls, hparams: HParams, **kwargs: Any) -> Self:
        return cls(
            hparams.hidden_size,
            hparams.filter_size,
            hparams.moe_num_experts,
            hparams.moe_k,
            hparams.moe_capacity_factor,
            hparams.moe_load_loss_coef,
            hparams.moe_importance_loss_coef,
            **kwargs,
        )

    def build(self, input_shape: Shape) -> None:
        n, d, f = self.experts, self.hidden, self.filter
        self.build_gate((d, n))
        # Without autocast only those weights are cast under mixed precision that are used.
        self.in_kernel = expert_exchange.add_weight(
            self,
            name="in",
            shape=(n, d, f),
            initializer=keras.initializers.RandomNormal(stddev=d**-0.5),
            autocast=False,
        )
        self.out_kernel = expert_exchange.add_weight(
            self,
            name="out",
            shape=(n, f, d),
            initializer=keras.initializers.RandomNormal(stddev=0.1 * f**-0.5),
            autocast=False,
        )

    def build_gate(self, shape: tuple[int, int]) -> None:
        # Without autocast the gate stays in float32 under mixed precision.
        self.gate_kernel = self.add_weight(name="gate", shape=shape, initializer="zeros", autocast=False)
        self.noise_kernel = self.add_weight(name="noise", shape=shape, initializer="zeros", autocast=False)

    def gate(
        self, x: tf.Tensor, mask: tf.Tensor, shape: tf.Tensor, training: bool
    ) -> tuple[Gating, Balancing]:
        """Chooses the experts of every token.

        Args:
          x: float32 `[tokens, hidden]`.
          mask: float32 `[tokens]`, 0 for padding.
          shape: int32 `[batch, length]`, whose product is the number of tokens.

        Returns:
          The choice, and what the balancing loss is computed from.
        """
        noise = None
        if training:
            drawn = randomness.normal(tf.concat([shape, [self.experts]], axis=0))
            noise = tf.reshape(drawn, [-1, self.experts])
        gating = noisy_top_k(
            tf.matmul(x, tf.cast(self.gate_kernel, tf.float32)),
            tf.matmul(x, tf.cast(self.noise_kernel, tf.float32)),
            mask,
            self.experts_per_token,
            noise,
        )
        weights = tf.constant([self.load_weight, self.importance_weight])
        return gating, Balance(gating.load, gating.importance, weights, tf.ones([]))

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Mixes the experts at every position.

        Args:
          x: `[batch, length, hidden]`.
          padding_mask: bool `[batch, length]` or None, False for padding.

        Returns:
          `[batch, length, hidden]`, and the statistics `{"loss", "balance", "load" [n], "dropped",
          "choices" [n]}` (float32). The loss is that of this batch; the balance is what the loss of a larger
          one is computed from. The last two are numbers of choices, those that were dropped among both.
          A layer without experts in the place of a mixture gives none, an empty dict.
        """
        shape = tf.shape(x)
        flat = tf.reshape(x, [-1, self.hidden])  # [tokens, hidden]
        weight = tf.ones_like(flat[:, 0], tf.float32)
        if padding_mask is not None:
            weight = tf.cast(tf.reshape(padding_mask, [-1]), tf.float32)
        gating, balance = self.gate(tf.cast(flat, tf.float32), weight, shape[:-1], training)
        recording.record(recording.EXPERTS, self.path, (gating.experts, gating.gates, self.experts))
        kernels = tf.convert_to_tensor(self.in_kernel), tf.convert_to_tensor(self.out_kernel)
        arguments = flat, weight, gating.experts, gating.gates
        shard = shards.of(self.in_kernel)
        if shard:
            y, dropped, choices = self._mixed_by_replicas(shard, shape, arguments, kernels, training)
        else:
            blocks = self._blocks(gating.experts, training)
            y, dropped, choices = _mixed(*arguments, *kernels, *blocks, training)
        statistics = {
            "loss": balance.loss(),
            "balance": balance,
            "load": gating.load,
            "dropped": dropped,
            "choices": choices,
        }
        return tf.reshape(y, shape), statistics

    def _mixed_by_replicas(
        self,
        shard: shards.Shard,
        shape: tf.Tensor,
        arguments: tuple[tf.Tensor, ...],
        kernels: tuple[tf.Tensor, tf.Tensor],
        training: bool,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """`_mixed` where each replica has some of the experts; what they drop and count is of these.

        Args:
          shard: how the experts are cut.
          shape: of the layer's input, `[batch, length, hidden]`.
          arguments: the first four of `_mixed`, of this replica's tokens.
          kernels: of this replica's experts.
        """
        x, mask, experts, gates = arguments
        k = self.experts_per_token
        exchange = expert_exchange.Exchange(shape[0], shape[1], shard.group)
        plan = tf.concat([mask[:, None], tf.cast(experts, tf.float32), gates], axis=1)
        x, plan = exchange.gathered(x), exchange.gathered(plan)
        mask, experts, gates = tf.split(plan, [1, k, k], axis=1)
        experts = tf.cast(experts, tf.int32)
        y, dropped, choices = _mixed(
            x,
            mask[:, 0],
            expert_exchange.own_choices(experts, shard),
            gates,
            *kernels,
            *self._blocks(experts, training),
            training,
        )
        return exchange.returned(y), dropped, expert_exchange.placed(choices, shard)

    def _blocks(self, experts: tf.Tensor, training: bool) -> tuple[tf.Tensor, int]:
        """Slots of a block, and `Plan.shared`, for choices `[tokens, k]`."""
        tokens, n = tf.shape(experts)[0], self.experts
        choices = tf.size(experts)
        share = tf.cast(choices, tf.float32) / n
        if training:
            return tf.cast(tf.math.ceil(share * self.capacity), tf.int32), 1
        capacity = tf.maximum(tf.cast(tf.math.ceil(share * _ROOM), tf.int32), _LEAST)
        capacity = tf.maximum(tf.minimum(capacity, tokens), 1)  # no token chooses an expert twice
        return capacity, self._shared()

    def _shared(self) -> int:
        """1 to compute all experts together, 0 only those that were chosen, one after the other.

        For a decoding step of the base's size the one reads 2 GB of weights, the other 8 MB for each expert.
        On a GPU reading takes less time than starting the operations of a loop.
        """
        small = self.hidden * self.filter < _LARGE
        return int(small or bool(tf.config.list_physical_devices("GPU")))


@registry.register_moe("none")
@keras.saving.register_keras_serializable("t2tlite")
class NoExperts(keras.layers.Layer):
    """No mixture of experts: adds nothing to the residual path, for the ablation "without MoE"."""

    HPARAMS = ()

    @classmethod
    def from_hparams(cls, hparams: HParams, **kwargs: Any) -> Self:
        return cls(**kwargs)

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Returns zeros `[batch, length, hidden]`, and no statistics."""
        return tf.zeros_like(x), {}
