"""Where the MultiModel's encoder, mixer and decoder have dropout, as `dropout_per` says."""

import tensorflow as tf

from t2tlite.hparam import HParams
from t2tlite.layers.randomness import dropout


def input_dropout(x: tf.Tensor, hparams: HParams, training: bool) -> tf.Tensor:
    """The input of a stack, `[batch, length, hidden]`, with dropout for `branch`."""
    return dropout(x, hparams.dropout, training) if hparams.dropout_per == "branch" else x


def branch_dropout(x: tf.Tensor, y: tf.Tensor, hparams: HParams, training: bool) -> tf.Tensor:
    """What a block or the experts made of x, for `branch` with dropout of what they have added to it.

    So it is in a Transformer ("Attention Is All You Need", section 5.4). What x itself carries stays whole,
    where dropout of whole blocks drops it once more at each of them.

    Args:
      x, y: input and output, `[batch, length, hidden]`.
    """
    if hparams.dropout_per != "branch" or not training:
        return y  # and not x + (y - x), which rounds
    return x + dropout(y - x, hparams.dropout, training)


def stack_dropout(x: tf.Tensor, hparams: HParams, training: bool) -> tf.Tensor:
    """What comes out of a stack of blocks, `[batch, length, hidden]`, with dropout for `stack`."""
    return dropout(x, hparams.dropout, training) if hparams.dropout_per == "stack" else x
