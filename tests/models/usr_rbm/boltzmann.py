"""A user's folder: a restricted Boltzmann machine, and small patterns that it learns."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.hyperparameter import POSITIVE, Hyperparameter
from t2tlite.layers import randomness
from t2tlite.model import Output

SIDE = 3


@registry.register_model("rbm")
class RestrictedBoltzmannMachine(keras.Model):
    """Binary visible and hidden units (Smolensky 1986); its states are the visible ones, float32 0 or 1."""

    HPARAMS = (
        Hyperparameter("rbm_hidden_units", int, "hidden units", POSITIVE, default=12),
        Hyperparameter("rbm_chains", int, "persistent chains", POSITIVE, default=40),
    )

    def __init__(self, hparams, size):
        super().__init__(name="rbm")
        self.hparams, self.size = hparams, size

    @classmethod
    def from_problems(cls, problems, hparams, vocabulary, labels):
        [size] = {one.inputs.size for one in problems}
        return cls(hparams, size)

    def build(self, input_shape=None):
        hidden, chains = self.hparams.rbm_hidden_units, self.hparams.rbm_chains
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.weight = self.add_weight(name="weight", shape=(self.size, hidden), initializer=normal)
        self.visible_bias = self.add_weight(name="visible_bias", shape=(self.size,), initializer="zeros")
        self.hidden_bias = self.add_weight(name="hidden_bias", shape=(hidden,), initializer="zeros")
        self.states_of_chains = self.add_weight(
            name="chains", shape=(chains, self.size), initializer="zeros", trainable=False
        )
        self.built = True

    def computation(self, problem):
        return problem

    def problem_variables(self, problem):
        return []

    def states(self, features, problem):
        return features["inputs"]

    def energy(self, states, problem):
        """The free energy: the hidden units are summed over."""
        field = tf.matmul(states, self.weight) + self.hidden_bias
        return -tf.linalg.matvec(states, self.visible_bias) - tf.reduce_sum(tf.nn.softplus(field), axis=-1)

    def transition(self, states, problem):
        """A sweep of Gibbs sampling: the hidden units, and then the visible ones."""
        hidden = randomness.bernoulli(tf.sigmoid(tf.matmul(states, self.weight) + self.hidden_bias))
        field = tf.matmul(hidden, self.weight, transpose_b=True) + self.visible_bias
        return randomness.bernoulli(tf.sigmoid(field))

    def chains(self, problem):
        return self.states_of_chains

    def call(self, features, problem, training=False, values=None):
        return Output(self.energy(self.states(features, problem), problem))


@registry.register_problem
class BarsAndStripes(problem.Problem):
    """Pictures of which either all rows or all columns are of one colour (MacKay 2003, chapter 43)."""

    inputs = problem.Vector(SIDE * SIDE)
    targets, objective = None, "energy"

    def examples(self, split, source, source_dir=None):
        for bits in itertools.product((0.0, 1.0), repeat=SIDE):
            stripes = np.tile(bits, (SIDE, 1))
            yield {"inputs": stripes.ravel()}
            if len(set(bits)) > 1:
                yield {"inputs": stripes.T.ravel()}
