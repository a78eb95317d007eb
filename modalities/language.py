"""The language net: subword ids in, subword logits out, one for all text of a run."""

from typing import Any

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.ids import PAD
from t2tlite.layers.linear import project
from t2tlite.modality import Modality, Representation
from t2tlite.problem import Problem
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Batch, Shape


@registry.register_modality
class Language(Modality):
    """Embedding `W_E . x` in, `Softmax(W_S . x)` out ("One Model To Learn Them All", 2.2.1).

    Problems share it exactly if they share the vocabulary. With `shared_embedding_and_softmax_weights` W_S
    is W_E. The embedding is drawn with variance 1 / hidden and scaled by sqrt(hidden) where it is read, as in
    Tensor2Tensor. W_S begins at zero: a fresh model predicts all subwords alike, and no update is spent on
    unlearning what the sum of its residuals happens to say.
    """

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter(
            "shared_embedding_and_softmax_weights",
            bool,
            "one matrix for language in and language out",
            default=False,
            formerly=("tie_embeddings",),
        ),
    )
    autoregressive = True

    @classmethod
    def sharing(cls, problem: Problem, side: str, vocabulary: Any, labels: Any) -> tuple[str, int | None]:
        return vocabulary.fingerprint[:8], vocabulary.size

    def build(self, input_shape: Shape | None = None) -> None:
        hidden = self.hparams.hidden_size
        normal = keras.initializers.RandomNormal(stddev=hidden**-0.5)
        self.embedding = self.add_weight(name="embedding", shape=(self.size, hidden), initializer=normal)
        if not self.hparams.shared_embedding_and_softmax_weights:
            self.softmax = self.add_weight(name="softmax", shape=(self.size, hidden), initializer="zeros")
        self.built = True

    def embed_targets(self, targets: tf.Tensor) -> tf.Tensor:
        """int32 `[batch, length]` -> `[batch, length, hidden]`, zero where padded."""
        table = tf.cast(tf.convert_to_tensor(self.embedding), self.compute_dtype)
        x = tf.gather(table, targets) * self.hparams.hidden_size**0.5
        return x * tf.cast(targets != PAD, x.dtype)[:, :, None]

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents int32 `[batch, length]`."""
        ids = features[side]
        return Representation(self.embed_targets(ids), ids != PAD)

    def top(self, representation: Representation, training: bool = False) -> tf.Tensor:
        """`[batch, length, hidden]` -> float32 logits `[batch, length, size]`."""
        table = self.embedding if self.hparams.shared_embedding_and_softmax_weights else self.softmax
        x = representation.x
        table = tf.cast(tf.convert_to_tensor(table), x.dtype)
        return tf.cast(project(x, table, transpose=True), tf.float32)
