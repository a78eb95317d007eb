"""Mixture of experts: noisy top-k gating, its two losses, and dispatch by gathers (Shazeer et al. 2017)."""

from typing import NamedTuple

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.layers import randomness, recording
from t2tlite.layers.attention import softmax


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


class Plan(NamedTuple):
    """Where each chosen (token, expert) pair goes; the dispatch moves activations by gathers alone.

    Attributes:
      slot_of_choice: int32 `[tokens, k]`, in `[0, n * capacity)`; `n * capacity` where there is none.
      choice_of_slot: int32 `[n * capacity]`, in `[0, tokens * k)`; `tokens * k` where the slot is empty.
      capacity: int32 scalar, slots of each expert.
      dropped: float32 scalar, choices that found their expert full.
      choices: float32 `[n]`, how often each expert was chosen, dropped choices included.
    """

    slot_of_choice: tf.Tensor
    choice_of_slot: tf.Tensor
    capacity: tf.Tensor
    dropped: tf.Tensor
    choices: tf.Tensor


def cv_squared(x):
    """Squared coefficient of variation, `Var(x) / Mean(x)^2` (Shazeer et al. 2017, eq. 7)."""
    mean, variance = tf.nn.moments(x, axes=[0])
    return variance / (tf.square(mean) + 1e-10)


class Balance(tf.experimental.ExtensionType):
    """What the balancing losses are computed from.

    Its tensors are sums over the positions of a batch, so those of a batch's parts add up to those of the
    whole: on several replicas the training step sums them and asks for the loss then. A mixture of another
    kind has another such type, with float32 tensors that add up and a `loss`.

    Attributes:
      load, importance: float32 `[n]`, as in `Gating`.
      load_weight, importance_weight: of the two losses.
    """

    load: tf.Tensor
    importance: tf.Tensor
    load_weight: float
    importance_weight: float

    def loss(self):
        """Float32 scalar, how uneven the load of the experts is (Shazeer et al. 2017, eq. 7 and 11)."""
        return self.load_weight * cv_squared(self.load) + self.importance_weight * cv_squared(self.importance)


def noisy_top_k(clean, raw_noise_scale, mask, k: int, noise=None) -> Gating:
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


def plan_dispatch(experts, mask, n: int, capacity=None) -> Plan:
    """Gives each choice a slot of its expert, first come, first served; padding gets none.

    Args:
      experts: int32 `[tokens, k]`.
      mask: float32 `[tokens]`, 0 for padding.
      n: number of experts.
      capacity: slots of each expert; None for as many as the fullest expert needs, so that none is dropped.
    """
    tokens, k = tf.shape(experts)[0], experts.shape[1]
    choices = tokens * k
    routed = tf.repeat(mask > 0, k)
    expert = tf.where(routed, tf.reshape(experts, [-1]), n)  # padding goes to a last expert that isn't there
    order = tf.argsort(expert, stable=True)
    count = tf.math.unsorted_segment_sum(tf.ones_like(expert), expert, n + 1)  # XLA has no bincount
    first = tf.cumsum(count, exclusive=True)
    ranked = tf.gather(expert, order)
    rank = tf.range(choices) - tf.gather(first, ranked)  # place of the choice among those of its expert
    if capacity is None:
        capacity = tf.maximum(tf.reduce_max(count[:n]), 1)
    slots = n * capacity
    kept = (ranked < n) & (rank < capacity)
    slot = tf.where(kept, ranked * capacity + rank, slots)
    slot_of_choice = tf.scatter_nd(order[:, None], slot, [choices])
    choice_of_slot = tf.tensor_scatter_nd_update(
        tf.fill([slots + 1], choices), slot[:, None], tf.where(kept, order, choices)
    )[:slots]
    dropped = tf.reduce_sum(tf.cast(routed, tf.float32)) - tf.reduce_sum(tf.cast(kept, tf.float32))
    chosen = tf.cast(tf.ensure_shape(count[:n], [n]), tf.float32)
    return Plan(tf.reshape(slot_of_choice, [tokens, k]), choice_of_slot, capacity, dropped, chosen)


def _gather_or_zero(x, index):
    """Rows of `x`, and zeros where the index is just past its end."""
    return tf.gather(tf.concat([x, tf.zeros_like(x[:1])], axis=0), index)


def dispatch(x, plan: Plan, training: bool = True):
    """Copies tokens to slots: `[tokens, channels]` -> `[slots, channels]`; the gradient is a gather, too.

    Not in training the gradient is TensorFlow's: it never forgets a custom one, nor the graph it is made in.
    """
    k = plan.slot_of_choice.shape[1]
    if not training:
        return _gather_or_zero(x, plan.choice_of_slot // k)

    @tf.custom_gradient
    def forward(x):
        def backward(dy):
            return tf.reduce_sum(_gather_or_zero(dy, plan.slot_of_choice), axis=1)

        return _gather_or_zero(x, plan.choice_of_slot // k), backward

    return forward(x)


def undispatch(y, plan: Plan, training: bool = True):
    """Fetches each choice's result: `[slots, channels]` -> `[tokens, k, channels]`, zeros where dropped."""
    if not training:
        return _gather_or_zero(y, plan.slot_of_choice)

    @tf.custom_gradient
    def forward(y):
        def backward(dz):
            return _gather_or_zero(tf.reshape(dz, [-1, dz.shape[-1]]), plan.choice_of_slot)

        return _gather_or_zero(y, plan.slot_of_choice), backward

    return forward(y)


@registry.register_moe("top_k")
@keras.saving.register_keras_serializable("t2tlite")
class MixtureOfExperts(keras.layers.Layer):
    """n feed-forward experts (`d -> filter -> d`, ReLU) of which a noisy gate picks k for each position.

    In training an expert has `capacity * k * tokens / n` slots and what finds it full is dropped (the
    position keeps what the residual path carries); otherwise nothing is ever dropped, so that the result
    doesn't depend on the rest of the batch. Padding is not routed and does not count in the load. On several
    replicas each has the slots for its own tokens: what a full expert drops depends on their number.

    Args:
      hidden, filter: sizes d and filter.
      experts, experts_per_token: n and k.
      capacity: slots in training, as a multiple of an even share.
      load_weight, importance_weight: weights of the two losses (Shazeer et al. 2017, eq. 7 and 11).
    """

    def __init__(
        self,
        hidden: int,
        filter: int,
        experts: int,
        experts_per_token: int = 4,
        capacity: float = 1.25,
        load_weight: float = 0.01,
        importance_weight: float = 0.01,
        **kwargs,
    ):
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
    def from_hparams(cls, hparams, **kwargs):
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

    def build(self, input_shape):
        n, d, f = self.experts, self.hidden, self.filter
        # Without autocast the gate stays in float32 under mixed precision.
        self.gate_kernel = self.add_weight(name="gate", shape=(d, n), initializer="zeros", autocast=False)
        self.noise_kernel = self.add_weight(name="noise", shape=(d, n), initializer="zeros", autocast=False)
        self.in_kernel = self.add_weight(
            name="in", shape=(n, d, f), initializer=keras.initializers.RandomNormal(stddev=d**-0.5)
        )
        self.out_kernel = self.add_weight(
            name="out", shape=(n, f, d), initializer=keras.initializers.RandomNormal(stddev=0.1 * f**-0.5)
        )

    def call(self, x, padding_mask=None, training=False):
        """Mixes the experts at every position.

        Args:
          x: `[batch, length, hidden]`.
          padding_mask: bool `[batch, length]` or None, False for padding.

        Returns:
          `[batch, length, hidden]`, and the statistics `{"loss", "balance", "load" [n], "dropped",
          "choices" [n]}` (float32). The loss is that of this batch; the balance is what the loss of a larger
          one is computed from. The last two are numbers of choices, those that were dropped among both.
        """
        shape = tf.shape(x)
        flat = tf.reshape(x, [-1, self.hidden])  # [tokens, hidden]
        weight = tf.ones_like(flat[:, 0], tf.float32)
        if padding_mask is not None:
            weight = tf.cast(tf.reshape(padding_mask, [-1]), tf.float32)
        flat32 = tf.cast(flat, tf.float32)
        noise = None
        if training:
            drawn = randomness.normal(tf.concat([shape[:-1], [self.experts]], axis=0))
            noise = tf.reshape(drawn, [-1, self.experts])
        gating = noisy_top_k(
            tf.matmul(flat32, tf.cast(self.gate_kernel, tf.float32)),
            tf.matmul(flat32, tf.cast(self.noise_kernel, tf.float32)),
            weight,
            self.experts_per_token,
            noise,
        )
        recording.record(recording.EXPERTS, self.path, (gating.experts, gating.gates, self.experts))
        capacity = None
        if training:
            share = tf.cast(tf.shape(flat)[0] * self.experts_per_token, tf.float32) / self.experts
            capacity = tf.cast(tf.math.ceil(share * self.capacity), tf.int32)
        plan = plan_dispatch(gating.experts, weight, self.experts, capacity)
        slots = tf.reshape(dispatch(flat, plan, training), [self.experts, plan.capacity, self.hidden])
        slots = tf.nn.relu(tf.matmul(slots, tf.cast(self.in_kernel, x.dtype)))  # [experts, capacity, filter]
        slots = tf.matmul(slots, tf.cast(self.out_kernel, x.dtype))
        chosen = undispatch(tf.reshape(slots, [-1, self.hidden]), plan, training)  # [tokens, k, hidden]
        y = tf.reduce_sum(chosen * tf.cast(gating.gates, x.dtype)[..., None], axis=1)
        balance = Balance(gating.load, gating.importance, self.load_weight, self.importance_weight)
        statistics = {
            "loss": balance.loss(),
            "balance": balance,
            "load": gating.load,
            "dropped": plan.dropped,
            "choices": plan.choices,
        }
        return tf.reshape(y, shape), statistics


@registry.register_moe("none")
@keras.saving.register_keras_serializable("t2tlite")
class NoExperts(keras.layers.Layer):
    """No mixture of experts: adds nothing to the residual path, for the ablation "without MoE"."""

    @classmethod
    def from_hparams(cls, hparams, **kwargs):
        return cls(**kwargs)

    def call(self, x, padding_mask=None, training=False):
        nothing = {"loss": tf.zeros([]), "balance": Balance(tf.zeros([1]), tf.zeros([1]), 0.0, 0.0)}
        nothing |= {"load": tf.zeros([1]), "dropped": tf.zeros([]), "choices": tf.zeros([1])}
        return tf.zeros_like(x), nothing
