"""Batches of a problem: stored records to padded tensors, in a tf.data pipeline that can be checkpointed."""

import tensorflow as tf

from t2tlite.data.reading import buckets, index
from t2tlite.data.reading.planned import Planned
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Order, Source
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.features.measure import BatchPlan, Measure, deciding
from t2tlite.hparam import HParams
from t2tlite.problem import Problem

_BLOCK = 1024  # examples whose batches are put together


# Autograph would rewrite the source of what is mapped, which takes seconds, and there is nothing to rewrite.
@tf.autograph.experimental.do_not_convert
def dataset(split: PreparedSplit, hparams: HParams, config: ReadConfig) -> tf.data.Dataset:
    """Batches of a split.

    Args:
      split: with the vocabulary and labels by which texts and classes are numbered.
      hparams: sizes of batches and their bounds.
      config: for training or not, by which seed, and which rows.

    Returns:
      A dataset of dicts. For each feature `f` of the problem `f`, as its `Feature.codec` says: int32 ids of
      text, float32 pixels or samples (and `f_length`), int32 numbers of classes. For training every batch is
      full; otherwise the last ones may be smaller.
      Examples longer than the last bound are left out; `lengths.measure` counts them.

    Raises:
      UserError: the data is damaged, or all examples are too long.
      tf.errors.OpError: from the iterator, where a file can't be read; `damage.errors` says which.
    """
    order = Order(config.seed, repeat=True) if config.training else Order()
    problem = split.problem
    reader = Reader(problem, split.vocabulary, split.labels, hparams, config)
    source = Source(split)
    planned = Planned(source, index.of(split, source, reader), reader)
    plan = batch_plan(problem, hparams)
    if reader.can_drop and not planned.any_fits():  # a search for the next batch would have no end
        raise UserError(
            f"all {source.size} examples of `{problem.name}` {split.name} are too long: raise the "
            f"hyperparameter max_length={hparams.text_bounds()[-1]} (in units of the vocabulary) or "
            f"seconds_bounds={';'.join(map(str, hparams.seconds_bounds))}"
        )
    if plan.bucketed:
        # What was fetched ahead goes into the iterator's checkpoint, from which every worker goes on: so it
        # is numbers of examples, and no worker's rows.
        stream = buckets.batches(planned.blocks(order, _BLOCK), plan.sizes).prefetch(2).map(planned.rows)
    else:
        stream = planned.blocks(order, plan.sizes[0])
        if reader.can_drop:
            stream = stream.unbatch().batch(plan.sizes[0])
        slow = any(feature.slow_to_decode for feature in reader.features.values())
        stream = stream.map(planned.rows, num_parallel_calls=index.THREADS if slow else 2).prefetch(2)
    return stream.with_options(_options(symbolic=not plan.bucketed))


def batch_plan(problem: Problem, hparams: HParams) -> BatchPlan:
    """Batches by seconds where there is audio, else by images, else by positions of text."""
    measure, values = deciding_measure(problem)
    return measure.plan(hparams, values)


def deciding_measure(problem: Problem) -> tuple[Measure, int]:
    """What decides the batches of a problem, and how many of its inputs are so measured, at least 1."""
    decide = deciding(problem.features().values())
    inputs = [feature for feature in problem.inputs.named("inputs").values() if feature in decide]
    return decide[0].measure, max(len(inputs), 1)


def _options(symbolic: bool) -> tf.data.Options:
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = index.THREADS
    options.threading.max_intra_op_parallelism = 1
    # A checkpoint of positions instead of what was fetched ahead; buckets can't be saved this way.
    options.experimental_symbolic_checkpoint = symbolic
    options.deterministic = True
    # To read records at given places counts as a state, though it has none.
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return options
