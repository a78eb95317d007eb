"""Before the first update: every problem's largest batch, forward and backward, to fail now if at all."""

import numpy as np
import tensorflow as tf

from t2tlite.data import lengths, pipeline
from t2tlite.data.vocabulary import EOS_ID
from t2tlite.errors import UserError
from t2tlite.layers import randomness
from t2tlite.training import memory

_PROBE = 8  # a batch is tried with so many times fewer examples first


def check(run, model, replicas: int = 1):
    """One pass over a made-up batch of each problem, at the longest bound and the size that goes with it.

    Of problems that use the same nets with batches of the same size, the first stands for all.
    It runs operation by operation: nothing is compiled for it, no variable changes, and what it takes is
    about what the compiled update takes. Where memory that runs out would end the process (a CPU), the need
    is estimated from smaller batches first.

    Args:
      run: the `Run`.
      model: its model.
      replicas: that share a batch; what one of them has to do is tried.

    Raises:
      UserError: shapes don't fit, memory does not suffice, or a figure is not finite; the message names the
        problem and the bucket, and for memory the number of examples that would fit.
    """
    tried, held = set(), 0.0
    for name, problem in run.problems.items():
        size = -(-pipeline.batch_plan(problem, run.hparams).sizes[-1] // replicas)
        alike = model.wiring[name].inputs, model.wiring[name].targets, size
        if alike not in tried:  # what two languages go through is the same
            held = max(held, _Trial(run, model, problem, name, held).check(size))
            tried.add(alike)


class _Trial:
    """Of one problem; `held` is what TensorFlow keeps of the memory that earlier trials took, in bytes."""

    def __init__(self, run, model, problem, name, held=0.0):
        self._run, self._model, self._problem, self._name = run, model, problem, name
        self._held = held

    def check(self, size) -> float:
        """Tries a batch of so many examples; returns the bytes of main memory that it took."""
        if memory.on_gpu():
            self._pass_if_it_fits(size)
            return 0.0
        self._estimate(size)
        return memory.peak(lambda: self._pass_if_it_fits(size))

    def _pass(self, size):
        """Forward and backward of so many examples."""
        try:
            loss, norm = _gradients(
                self._model, self._name, example_batch(self._run, self._problem, size), self._run.seed
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

    def _estimate(self, size):
        """Refuses a batch that needs more than there is; one of a single example can't be foretold."""
        small = max(1, size // _PROBE)
        if small == size:
            return
        free = memory.free() + self._held
        need = memory.peak(lambda: self._pass(small))
        if 2 * need * size / small <= free:  # far from it: a second look is spared
            return
        double = memory.peak(lambda: self._pass(2 * small))
        slope = max((double - need) / small, 1.0)
        fixed = max(need - slope * small, 0.0)
        if fixed + slope * size > free:
            raise UserError(
                self._too_large(size, max(int((free - fixed) / slope), 0), fixed + slope * size, free)
            )

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


def _gradients(model, name, features, seed):
    """Loss and gradient norm, as floats; what a train step computes before its optimizer."""
    net = model.target_net(name)
    with randomness.scope(tf.constant([seed, -1])), tf.GradientTape() as tape:
        output = model(features, problem=name, training=True)
        total, count = net.loss(output.logits, features["targets"])
        experts = tf.add_n([statistics["loss"] for statistics in output.experts.values()])
        objective = total / tf.maximum(count, 1.0) + experts
    gradients = tape.gradient(objective, [variable.value for variable in model.trainable_variables])
    found = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
    return float(objective), float(tf.linalg.global_norm(found))
