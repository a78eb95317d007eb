"""A search over a model whose state is plain tensors, as that of a user's own components may be."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.incremental import Incremental
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.modality import Representation

from . import toy

NUMBERS = range(4)


class PlainModel:
    """A `Toy` as a `Decodable`; the state is a number for each row, -1 at first, and a scalar."""

    def __init__(self, known):
        self._known = known

    def encode(self, features, problem):
        return Representation(features[:, None, None]), None

    def memory(self, source, copies):
        return tf.repeat(source.x[:, 0, 0], copies)

    def initial_state(self, rows, length):
        return (tf.fill([rows], -1), [tf.constant(0)])

    def start(self, problem, rows):
        return tf.zeros([rows, 1], tf.int32)

    def embed(self, ids, problem):
        return ids

    def decode(self, x, memory, problem, padding_mask, state):
        number, [count] = state
        number, after = self._known.step(
            x[:, 0], (), tf.where(number < 0, memory, number), padding_mask[:, 0]
        )
        return number[:, None], None, (after, [count + 1])


@pytest.mark.parametrize("beam_size", [1, 3, 5])
def test_a_row_takes_all_of_its_state_along(beam_size):
    known = toy.Toy(9, 7, seed=4)
    incremental = Incremental(PlainModel(known), "any", known.length)

    @tf.function(autograph=False)
    def run(numbers):
        return beam_search(incremental, numbers, Rules(known.length, 2), beam_size, tf.constant(0.6), True)

    outputs = Outputs(*(x.numpy() for x in run(np.array(NUMBERS, np.int32))))
    for number in NUMBERS:
        toy.assert_same(toy.rows(outputs, number), toy.beam_searched(known, number, beam_size, 0.6, 2))
