"""A user's folder: a model that is no encoder-decoder, problems for it, and an objective of its own."""

import itertools
import zlib

import keras
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.ids import PAD
from t2tlite.layers.masking import masked_mean
from t2tlite.model import Output
from t2tlite.shared_hparams import HIDDEN_SIZE

COLOURS = ("red", "green", "blue")
THINGS = "cup book key lamp chair map coat bag phone bicycle letter hammer ticket radio pan box".split()
WHERE = "here there inside outside upstairs".split()


@registry.register_model
class BagOfWords(keras.Model):
    """The mean of the embeddings of a text's subwords, and a linear layer for each problem.

    A text is predicted as if all of its positions were the same, so nothing can be decoded from it.
    """

    HPARAMS = (HIDDEN_SIZE,)

    def __init__(self, problems, hparams, vocabulary, labels):
        super().__init__(name="bag_of_words")
        self.hparams = hparams
        self.is_text = {p.name: p.targets.is_text for p in problems}
        size = hparams.hidden_size
        self.embedding = keras.layers.Embedding(vocabulary.size, size, name="embedding")
        self.outputs_of = {
            name: keras.layers.Dense(vocabulary.size if is_text else len(labels[name]), name=name)
            for name, is_text in self.is_text.items()
        }

    @classmethod
    def from_problems(cls, problems, hparams, vocabulary, labels):
        return cls(list(problems), hparams, vocabulary, labels)

    def build(self, input_shape=None):
        self.embedding.build(None)
        for layer in self.outputs_of.values():
            layer.build((None, self.hparams.hidden_size))
        self.built = True

    def computation(self, problem):
        return problem

    def problem_variables(self, problem):
        return []

    def call(self, features, problem, training=False, values=None):
        ids = features["inputs"]
        logits = self.outputs_of[problem](masked_mean(self.embedding(ids), ids != PAD))
        if self.is_text[problem]:
            logits = tf.repeat(logits[:, None], tf.shape(features["targets"])[1], axis=1)
        return Output(tf.cast(logits, tf.float32))


@registry.register_objective
class Hinge(registry.get("objective", "classification")):
    """A hinge loss: each wrong class at least 1 below the right one (Crammer and Singer 2001)."""

    def losses(self, logits, targets):
        right = tf.gather(logits, targets, batch_dims=1)[:, None]
        wrong = tf.one_hot(targets, logits.shape[-1], 0.0, 1.0)
        return tf.reduce_sum(wrong * tf.nn.relu(1.0 + logits - right), axis=-1)

    def nats(self, logits, targets):
        return None


def sentences(split):
    for words in itertools.product(("the", "a"), COLOURS, THINGS, WHERE):
        text = " ".join(words)
        draw = zlib.crc32(text.encode()) % 20  # decides the split
        if split == {0: "validation", 1: "test"}.get(draw, "train"):
            yield text


@registry.register_problem
class ColourOfSentence(problem.Problem):
    """Which colour a sentence names."""

    inputs = problem.Text()
    targets = problem.Label()
    objective = "hinge"
    metrics = ("top1",)

    def labels(self, source, source_dir=None):
        return COLOURS

    def examples(self, split, source):
        for text in sentences(split):
            yield {"inputs": text, "targets": text.split()[1]}


@registry.register_problem
class SentenceReversed(problem.Problem):
    """The words of a sentence in the opposite order."""

    inputs = problem.Text()
    targets = problem.Text()
    command = "to_reversed"
    metrics = ("bleu",)

    def examples(self, split, source):
        for text in sentences(split):
            yield {"inputs": text, "targets": " ".join(text.split()[::-1])}
