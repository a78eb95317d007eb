"""Teacher-forced evaluation: how well the model predicts each target, given the right ones before it."""

import functools
import itertools

import tensorflow as tf

from t2tlite.data import damage, pipeline
from t2tlite.data.progress import Board
from t2tlite.errors import UserError
from t2tlite.ids import PAD
from t2tlite.losses import cross_entropy
from t2tlite.training import alike, memory

_BEST = 5


class Evaluator:
    """Evaluates the problems of a run; what is compiled serves all problems alike.

    Args:
      run: the `Run`.
      model: its model; read anew at each evaluation.
    """

    def __init__(self, run, model):
        self._run = run
        self._model = model
        self._datasets = {}
        self._steps = {}

    def evaluate(
        self, problem: str, split: str, steps: int | None = None, progress: bool = False
    ) -> dict[str, float]:
        """Teacher-forced figures of one problem, which `metrics.teacher_forced` names.

        Each target counts the same, in whatever batch it stands; padding does not count, nor do examples that
        are too long.

        Args:
          problem: its name.
          split: "train", "validation" or "test".
          steps: batches to read, from the first; None for the whole split.
          progress: shown on stderr.

        Returns:
          loss (the modality's own, per target, as in training: with label smoothing); log_perplexity (nats
          per target, without it), where the modality is `probabilistic`; accuracy and accuracy_top5 (of
          targets), sequence_accuracy (shares in [0, 1]); targets and sequences (their numbers).

        Raises:
          UserError: the split has no example within the length bounds.
        """
        if (problem, split) not in self._datasets:
            self._datasets[problem, split] = self._dataset(problem, split)
        data = self._datasets[problem, split]
        eval_step = self._step(problem, data.element_spec)
        total = steps or pipeline.size(self._run.problems[problem], split, self._run.data_dir)
        label = f"{problem} {split}, teacher-forced"
        sums: dict[str, float] = {}
        with Board(progress) as board:
            batches = damage.batches(data, self._run.problems[problem], split, self._run.data_dir)
            for batch in itertools.islice(batches, steps):
                found = {name: float(value) for name, value in eval_step(batch).items()}
                sums = {name: sums.get(name, 0.0) + value for name, value in found.items()}
                board.advance(label, 1 if steps else int(found["sequences"]), total)
            board.finish(label)
        memory.release()
        if not sums:
            raise UserError(f"problem `{problem}` has no example within the length bounds in split {split}")
        nats = {"log_perplexity": sums["nats"] / sums["targets"]} if "nats" in sums else {}
        return {
            "loss": sums["loss"] / sums["targets"],
            **nats,
            "accuracy": sums["correct"] / sums["targets"],
            "accuracy_top5": sums["correct_top5"] / sums["targets"],
            "sequence_accuracy": sums["correct_sequences"] / sums["sequences"],
            "targets": sums["targets"],
            "sequences": sums["sequences"],
        }

    def _step(self, problem, spec):
        """A function of the problem's batches."""
        key = alike.key(self._model, problem, spec)
        if key not in self._steps:
            self._steps[key] = make_eval_step(self._model, problem, spec)
        own = [tf.convert_to_tensor(variable) for variable in self._model.own(problem)]
        return functools.partial(self._steps[key], own=own)

    def _dataset(self, problem, split):
        run = self._run
        labels = run.labels.get(problem)
        return pipeline.dataset(
            run.problems[problem],
            split,
            run.data_dir,
            run.vocabulary,
            labels,
            run.hparams,
            run.seed,
            training=False,
        )


def make_eval_step(model, problem: str, element_spec):
    """A compiled function that gives sums over a batch, of the problem or of another one that is alike.

    Its arguments are the batch and the values of the variables that are the problem's `own`.

    The sums are: loss and targets, as the modality counts them; nats, the cross-entropy without label
    smoothing, where the modality is `probabilistic`; correct, correct_top5, sequences, correct_sequences. A
    sequence is correct if the entry with the largest logit is the right one at every position.
    """
    net = model.target_net(problem)

    own_spec = [tf.TensorSpec(variable.shape, variable.dtype) for variable in model.own(problem)]

    @tf.function(input_signature=[element_spec, own_spec], autograph=False)
    def eval_step(features, own):
        targets = features["targets"]
        logits = model(features, problem=problem, training=False, own=own).logits
        total, count = net.loss(logits, targets)
        if not net.autoregressive:  # a class is a sequence of one
            targets, logits = targets[:, None], logits[:, None]
            weight = tf.ones_like(targets, tf.float32)
        else:
            weight = tf.cast(targets != PAD, tf.float32)
        right = tf.cast(tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets, tf.float32)
        rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]])
        near = tf.math.in_top_k(tf.reshape(targets, [-1]), rows, _BEST)
        whole = tf.reduce_min(tf.where(weight > 0, right, 1.0), axis=1)
        nats = {}
        if net.probabilistic:
            nats["nats"] = tf.reduce_sum(cross_entropy(logits, targets) * weight)
        return {
            "loss": total,
            "targets": count,
            **nats,
            "correct": tf.reduce_sum(right * weight),
            "correct_top5": tf.reduce_sum(tf.where(near, tf.reshape(weight, [-1]), 0.0)),
            "sequences": tf.cast(tf.size(whole), tf.float32),
            "correct_sequences": tf.reduce_sum(whole),
        }

    return eval_step
