"""Beam search: the outputs with the best scores, among those whose beginnings stay in the beam."""

from typing import Any, NamedTuple

import tensorflow as tf

from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.fast_top_k import fast_top_k
from t2tlite.decoding.search.incremental import Incremental, gather_rows
from t2tlite.decoding.search.outputs import Outputs, length_penalty
from t2tlite.ids import EOS, PAD
from t2tlite.types import Batch

_NEVER = float("-inf")


class _Live(NamedTuple):
    """Beginnings of outputs, the likeliest first: `[batch, beam, length]` and `[batch, beam]`."""

    ids: tf.Tensor
    total: tf.Tensor


def beam_search(
    incremental: Incremental,
    features: Batch,
    rules: Rules,
    beam_size: int,
    alpha: tf.Tensor,
    every: bool,
    early_stop: bool = True,
) -> Outputs:
    """The `beam_size` best outputs of each input, or the best one.

    At every position each of the `beam_size` likeliest beginnings may end, and the likeliest of their
    continuations go on. What has ended is ranked by log-probability / length penalty. An input is done when
    no continuation of what is live can come before the worst output that is asked for. A beginning that
    reaches the greatest length without ending is an output only where nothing ended.

    To be called inside a `tf.function`. The log-probabilities are those of training, whatever the rules
    leave out.

    Args:
      incremental: the problem's model, and the greatest length.
      features: `{"inputs": ...}` as the problem's pipeline makes it.
      rules: what may come where.
      beam_size: 1 or more; `greedy` is a search without any memory of what could have ended.
      alpha: float32 scalar, of the length penalty.
      every: whether all outputs are asked for, or only the best.
      early_stop: False goes on to the greatest length, for tests.
    """
    memory, state, x = incremental.start(features, beam_size, moves=True)
    batch = tf.shape(x)[0] // beam_size
    length = incremental.length
    returned = beam_size if every else 1

    def unfinished(
        position: tf.Tensor,
        x: tf.Tensor,
        state: Any,
        obeyed: Any,
        live: _Live,
        ended: Outputs,
        going: tf.Tensor,
    ) -> tf.Tensor:
        return tf.reduce_any(going)

    def extend(
        position: tf.Tensor,
        x: tf.Tensor,
        state: Any,
        obeyed: Any,
        live: _Live,
        ended: Outputs,
        going: tf.Tensor,
    ) -> tuple[Any, ...]:
        routed = going[:, None] & (live.total > _NEVER)
        logs, state = incremental.step(x, memory, state, tf.reshape(routed, [-1]))  # [rows, size]
        logs = rules.apply(logs, position, obeyed)
        logs = tf.reshape(logs, [batch, beam_size, logs.shape[-1]])
        may_end = tf.where(going[:, None], logs[:, :, EOS], _NEVER)
        ended = _merged(ended, _with_end(live, may_end, position, alpha))
        live, parents, chosen = _continued(live, logs, position)
        rows = tf.reshape(parents + beam_size * tf.range(batch)[:, None], [-1])
        state = incremental.select(state, rows)
        chosen = tf.reshape(chosen, [-1])
        obeyed = rules.advance(gather_rows(obeyed, rows), chosen)
        if early_stop:
            bound = live.total[:, 0] / _best_penalty(position + 2, length, alpha)
            going = going & (bound > ended.score[:, returned - 1])
        return position + 1, incremental.embed(chosen), state, obeyed, live, ended, going

    none = tf.fill([batch, beam_size, length], PAD)
    never = tf.fill([batch, beam_size], _NEVER)
    first = tf.where(tf.range(beam_size) == 0, tf.zeros([batch, 1]), _NEVER)  # one beginning: the empty one
    count, _, _, _, live, ended, _ = tf.while_loop(
        unfinished,
        extend,
        (
            tf.constant(0),
            x,
            state,
            rules.initial(batch * beam_size, beam_size),
            _Live(none, first),
            Outputs(none, never, never),
            tf.fill([batch], True),
        ),
        maximum_iterations=length,
    )
    ended = _or_unfinished(ended, live, length_penalty(length, alpha))
    return Outputs(*(x[:, :returned] for x in ended._replace(ids=ended.ids[:, :, :count])))


def _with_end(live: _Live, end: tf.Tensor, position: tf.Tensor, alpha: tf.Tensor) -> Outputs:
    """The live beginnings with the end token at this position; `end` is its log-probability."""
    here = tf.range(live.ids.shape[-1]) == position
    total = live.total + end
    return Outputs(tf.where(here, EOS, live.ids), total, total / length_penalty(position + 1, alpha))


def _merged(ended: Outputs, new: Outputs) -> Outputs:
    """The best of both, as many as there were."""
    both = [tf.concat(pair, axis=1) for pair in zip(ended, new, strict=True)]
    _, best = tf.math.top_k(both[2], ended.score.shape[1])
    return Outputs(*(tf.gather(x, best, batch_dims=1) for x in both))


def _continued(live: _Live, logs: tf.Tensor, position: tf.Tensor) -> tuple[_Live, tf.Tensor, tf.Tensor]:
    """The likeliest continuations, the number of the beginning that each continues, and its new entry.

    Args:
      logs: `[batch, beam, size]`, of all entries; that of padding is never among the likeliest.
    """
    beam = live.total.shape[1]
    gained, entry = fast_top_k(logs, min(beam + 1, logs.shape[-1]))  # [batch, beam, each]
    gained = tf.where(entry == EOS, _NEVER, gained)
    each = gained.shape[-1]
    candidates = tf.reshape(live.total[:, :, None] + gained, [-1, beam * each])
    total, best = tf.math.top_k(candidates, beam)
    chosen = tf.gather(tf.reshape(entry, [-1, beam * each]), best, batch_dims=1)
    parents = best // each
    ids = tf.gather(live.ids, parents, batch_dims=1)
    here = tf.range(ids.shape[-1]) == position
    return _Live(tf.where(here, chosen[:, :, None], ids), total), parents, chosen


def _best_penalty(least: tf.Tensor | int, most: tf.Tensor | int, alpha: tf.Tensor) -> tf.Tensor:
    """The penalty under which a log-probability, which is never above 0, gives the best score.

    The penalty is monotone in the length, so it is that of the least or of the greatest length at which what
    is live can end: the greatest for alpha > 0, the least for alpha < 0.
    """
    return tf.maximum(length_penalty(least, alpha), length_penalty(most, alpha))


def _or_unfinished(ended: Outputs, live: _Live, penalty: tf.Tensor) -> Outputs:
    """What ended; of an input of which nothing did, what is live."""
    nothing = ended.score[:, :1] == _NEVER  # [batch, 1]
    unfinished = Outputs(live.ids, live.total, live.total / penalty)
    pairs = zip(unfinished, ended, (nothing[:, :, None], nothing, nothing), strict=True)
    return Outputs(*(tf.where(mask, new, old) for new, old, mask in pairs))
