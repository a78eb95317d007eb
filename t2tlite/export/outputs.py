"""What signatures write, in the graph: texts with their scores, classes, log-probabilities of given texts."""

import tensorflow as tf

from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.types import Batch

_BEST = 5  # classes, as the predictor tells


def writer(predictor: Predictor, problem: str) -> "Texts | Classes":
    """What writes a problem's outputs.

    Raises:
      UserError: its targets are of a kind that can't be written in a graph.
    """
    targets = predictor.run.problems[problem].targets
    if targets.is_text:
        return Texts(predictor, problem)
    if targets.has_classes:
        return Classes(predictor, problem)
    raise UserError(f"problem `{problem}` writes {targets.kind}, which can't be written in a graph")


class Texts:
    """What the model writes.

    Attributes:
      suffix: of the name of a signature that writes this.
      specs: `{name: TensorSpec}` of the outputs for a batch.
      meanings: `{name: what it is}`, for people.

    Args:
      predictor: whose compiled function is used.
      problem: its name.
    """

    suffix = ""

    def __init__(self, predictor: Predictor, problem: str) -> None:
        self._vocabulary = predictor.run.vocabulary
        self._decode = predictor.decoder(problem)
        self._all = predictor.options.return_beams
        shape = [None, predictor.options.outputs] if self._all else [None]
        self.specs = {
            "text": tf.TensorSpec(shape, tf.string),
            "log_probability": tf.TensorSpec(shape, tf.float32),
            "score": tf.TensorSpec(shape, tf.float32),
        }
        self.meanings = {
            "text": "the outputs, best first; empty, with a score of -inf, where there are fewer"
            if self._all
            else "the best output",
            "log_probability": "of it in nats, its end included",
            "score": "by which outputs are ranked: log_probability over the length penalty, if any",
        }

    def write(self, features: Batch, rows: tf.Tensor, texts: tf.Tensor | None) -> dict[str, tf.Tensor]:
        ids, log_probability, score = self._decode(
            features, rows, texts
        )  # [batch, outputs, length], [batch, outputs]
        shape = tf.shape(ids)
        text = self._vocabulary.detokenize(tf.reshape(ids, [-1, shape[2]]))
        text = tf.where(score > float("-inf"), tf.reshape(text, shape[:2]), "")
        outputs = {"text": text, "log_probability": log_probability, "score": score}
        return outputs if self._all else {name: values[:, 0] for name, values in outputs.items()}


class Classes:
    """The likeliest classes; see `Texts`."""

    suffix = ""
    meanings = {"label": "the likeliest classes, best first", "probability": "of each of them"}

    def __init__(self, predictor: Predictor, problem: str) -> None:
        self._names = predictor.run.labels[problem]
        self._probabilities = predictor.compiled.probabilities(problem, predictor.reader(problem).spec)
        shape = [None, min(_BEST, len(self._names))]
        self.specs = {
            "label": tf.TensorSpec(shape, tf.string),
            "probability": tf.TensorSpec(shape, tf.float32),
        }

    def write(self, features: Batch, rows: tf.Tensor, texts: tf.Tensor | None) -> dict[str, tf.Tensor]:
        best, classes = tf.math.top_k(self._probabilities(features), self.specs["label"].shape[1])
        return {"label": tf.gather(tf.constant(self._names), classes), "probability": best}


class Scores:
    """The log-probability of given outputs; see `Texts`."""

    suffix = "_score"
    specs = {"log_probability": tf.TensorSpec([None], tf.float32)}
    meanings = {"log_probability": "of the targets given the inputs, in nats, their end included"}

    def __init__(self, predictor: Predictor, problem: str) -> None:
        spec = predictor.reader(problem).spec
        self._log_probabilities = predictor.compiled.log_probabilities(problem, spec)

    def write(self, features: Batch, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"log_probability": tf.reduce_sum(self._log_probabilities(features), axis=1)}
