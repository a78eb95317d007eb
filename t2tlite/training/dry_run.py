"""Before the first update: one on every problem's largest batch, to fail now if at all."""

import numpy as np
import tensorflow as tf

from t2tlite.data import lengths, pipeline
from t2tlite.data.vocabulary import EOS_ID
from t2tlite.errors import UserError
from t2tlite.layers import randomness
from t2tlite.training import memory, step
from t2tlite.training.optimizers import rehearsal
from t2tlite.training.strategy import Replicas

_PROBE = 8  # a batch is tried with so many times fewer examples first


def check(run, model, optimizer, replicas=None):
    """One update on a made-up batch of each problem, at the longest bound and the size that goes with it.

    Of problems that the model computes alike with batches of the same size, the first stands for all.
    It runs operation by operation: nothing is compiled for it, no variable changes, and what it takes is
    about what the compiled update takes. Where memory that runs out would end the process (a CPU), the need
    is estimated from smaller batches first, and the whole one is only tried where it might not fit.

    Args:
      run: the `Run`.
      model: its model.
      optimizer: of the model, before its first update.
      replicas: the `Replicas` that share a batch; what one of them has to do is tried. Default: those of the
        current strategy.

    Raises:
      UserError: shapes don't fit, memory does not suffice, or a figure is not finite; the message names the
        problem and the bucket, and for memory the number of examples that would fit.
    """
    replicas = replicas or Replicas()
    tried, held = set(), 0.0
    with rehearsal(optimizer):
        for name, problem in run.problems.items():
            size = -(-pipeline.batch_plan(problem, run.hparams).sizes[-1] // replicas.number)
            if (model.alike(name), size) not in tried:
                tried.add((model.alike(name), size))
                held = max(held, _Trial(run, model, optimizer, replicas, problem, name, held).check(size))


class _Trial:
    """Of one problem; `held` is what TensorFlow keeps of the memory that earlier trials took, in bytes."""

    def __init__(self, run, model, optimizer, replicas, problem, name, held=0.0):
        self._run, self._problem, self._name, self._held = run, problem, name, held
        self._model, self._optimizer, self._replicas = model, optimizer, replicas

    def check(self, size) -> float:
        """Tries a batch of so many examples; returns the bytes of main memory that it took."""
        if memory.on_gpu():
            self._pass_if_it_fits(size)
            return 0.0
        return self._check_main_memory(size)

    def _pass(self, size):
        """An update on so many examples."""
        features = example_batch(self._run, self._problem, size)
        try:
            loss, norm = _update(
                self._model, self._optimizer, self._replicas, self._name, features, self._run.seed
            )
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
            line = str(error).strip().splitlines()[0]
            raise UserError(f"{self._what(size)} can't be computed: {line}") from error
        if not np.isfinite(loss + norm):
            raise UserError(
                f"{self._what(size)} has the loss {loss} and the gradient norm {norm} before the first "
                "update; look at the sizes and the initialisation of its modalities, or use "
                "--hparams=precision=float32"
            )

    def _pass_if_it_fits(self, size):
        try:
            self._pass(size)
        except tf.errors.ResourceExhaustedError:
            raise UserError(self._too_large(size, self._largest_that_fits(size))) from None

    def _largest_that_fits(self, size):
        while size > 1:
            size //= 2
            try:
                self._pass(size)
                return size
            except tf.errors.ResourceExhaustedError:
                continue
        return 0

    def _check_main_memory(self, size) -> float:
        """Refuses a batch that needs more than there is; one of a single example can't be foretold."""
        small = max(1, size // _PROBE)
        free = memory.free() + self._held
        need = memory.peak(lambda: self._pass(small))
        if small == size or 2 * need * size / small <= free:  # far from it
            return need
        double = memory.peak(lambda: self._pass(2 * small))
        slope = max((double - need) / small, 1.0)
        fixed = max(need - slope * small, 0.0)
        if fixed + slope * size > free:
            raise UserError(
                self._too_large(size, max(int((free - fixed) / slope), 0), fixed + slope * size, free)
            )
        return memory.peak(lambda: self._pass_if_it_fits(size))

    def _too_large(self, size, fits, need=None, free=None):
        figures = f" (about {need / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free)" if need else ""
        if not fits:
            return (
                f"{self._what(size)} needs more memory than there is{figures}, and so does a single example"
            )
        hparams, kinds = self._run.hparams, self._problem.kinds()
        if "audio" in kinds:
            change = f"batch_seconds={fits * hparams.seconds_bounds[-1]:g}"
        elif "image" in kinds:
            change = f"batch_images={fits}"
        else:
            change = f"batch_tokens={fits * hparams.text_bounds()[-1]}"
        return (
            f"{self._what(size)} needs more memory than there is{figures}; {fits} fit: use "
            f"--hparams={change}, or a lower last bound"
        )

    def _what(self, size):
        hparams, kinds = self._run.hparams, self._problem.kinds()
        bounds = [f"{hparams.seconds_bounds[-1]:g} seconds"] if "audio" in kinds else []
        bounds += [f"{hparams.image_size} pixels"] if "image" in kinds else []
        bounds += [f"{hparams.text_bounds()[-1]} tokens"] if "text" in kinds else []
        return f"the largest batch of `{self._name}` ({size} examples of {' and '.join(bounds)})"


def example_batch(run, problem, size: int) -> dict[str, tf.Tensor]:
    """A batch as the problem's pipeline yields it, of random content, all of it as long as the last bound."""
    generator = np.random.default_rng(run.seed)
    batch = {}
    for name, feature in problem.features().items():
        if feature.kind == "text":
            ids = generator.integers(EOS_ID + 1, run.vocabulary.size, (size, run.hparams.text_bounds()[-1]))
            ids[:, -1] = EOS_ID
            batch[name] = tf.constant(ids, tf.int32)
        elif feature.kind == "audio":
            length = lengths.last_bound(lengths.AUDIO, run.hparams)
            batch[name] = tf.constant(generator.uniform(-0.3, 0.3, (size, length)), tf.float32)
            batch[f"{name}_length"] = tf.fill([size], length)
        elif feature.kind == "image":
            side = run.hparams.image_size
            batch[name] = tf.constant(generator.random((size, side, side, 3)), tf.float32)
        else:
            batch[name] = tf.constant(generator.integers(len(run.labels[problem.name]), size=size), tf.int32)
    return batch


def _update(model, optimizer, replicas, name, features, seed):
    """Loss and gradient norm, as floats, of an update that runs operation by operation."""
    loss, pairs = _gradients(model, name, features, seed)
    gradients = [gradient for gradient, _ in pairs]
    norm = float(tf.linalg.global_norm(gradients))

    def on_replica(features, row, *gradients):
        choices = [[variable for _, variable in pairs]]
        return {"norm": step.apply(model, optimizer, list(gradients), choices, tf.constant(0), loss)}

    def apply(*gradients):
        return replicas.run(on_replica, {}, *gradients)

    if np.isfinite(norm):  # else there is no need to look further
        (apply if replicas.number == 1 else tf.function(apply, autograph=False))(*gradients)
    return float(loss), norm


def _gradients(model, name, features, seed):
    """The loss, and pairs of a gradient and its variable."""
    net = model.target_net(name)
    with randomness.scope(tf.constant([seed, -1])), tf.GradientTape() as tape:
        output = model(features, problem=name, training=True)
        total, count = net.loss(output.logits, features["targets"])
        experts = tf.add_n([statistics["loss"] for statistics in output.experts.values()])
        objective = total / tf.maximum(count, 1.0) + experts
    variables = model.trainable_variables
    gradients = tape.gradient(objective, [variable.value for variable in variables])
    pairs = zip(gradients, variables, strict=True)
    return objective, [(tf.convert_to_tensor(g), variable) for g, variable in pairs if g is not None]
