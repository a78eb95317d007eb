"""Batches of a problem: stored records to padded tensors, in a tf.data pipeline that can be checkpointed."""

import os

import tensorflow as tf

from t2tlite.data.reading import buckets
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Order, Source
from t2tlite.data.reading.table import Table
from t2tlite.data.stored import damage
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.features.measure import BatchPlan, Measure, deciding
from t2tlite.hparam import HParams
from t2tlite.problem import Problem

_BLOCK = 1024  # examples parsed and tokenized together, and their batches put together
_LARGE_BLOCK = 8  # fewer images or sounds: a block that is being taken apart is in the iterator's checkpoint
_THREADS = max(2, min(16, len(os.sched_getaffinity(0))))  # of each problem


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
    plan = batch_plan(problem, hparams)
    with damage.errors(split):
        table = Table.of(source, reader) if plan.bucketed else None
        some_fit = table.size if table else _some_fit(source, reader)
    if not some_fit:  # refused, since a search for the next batch would have no end
        raise UserError(
            f"all {source.size} examples of `{problem.name}` {split.name} are too long: raise the "
            f"hyperparameter max_length={hparams.text_bounds()[-1]} (in units of the vocabulary) or "
            f"seconds_bounds={';'.join(map(str, hparams.seconds_bounds))}"
        )
    if table:
        stream = buckets.batches(table.blocks(order, _BLOCK), plan.sizes).map(table.rows)
    elif plan.bucketed:
        # What is made ahead is in the checkpoint too, and text takes long to tokenize.
        parallel = 2 if reader.only_text else None
        blocks = source.blocks(order, _block_size(reader))
        blocks = blocks.map(reader.compact, num_parallel_calls=parallel)
        stream = buckets.batches(blocks, plan.sizes)
    else:
        stream = source.blocks(order, plan.sizes[0]).map(reader.compact)
        if reader.can_drop:
            stream = stream.map(reader.rows).unbatch().batch(plan.sizes[0])
    if any(feature.large_decoded for feature in reader.features.values()):
        # What is fetched ahead goes into the iterator's checkpoint, and decoded audio is large.
        stream = stream.prefetch(2).map(reader.dense)
    else:
        slow = any(feature.slow_to_decode for feature in reader.features.values())
        parallel = _THREADS if slow else 2
        stream = stream.map(reader.dense, num_parallel_calls=parallel).prefetch(2)
    return stream.map(reader.own_rows).with_options(_options(symbolic=not plan.bucketed))


def _some_fit(source: Source, reader: Reader) -> bool:
    """Whether any example is kept; looks no further than the first."""
    if not reader.can_drop:
        return True
    blocks = source.blocks(Order(), _block_size(reader))
    return any(tf.size(reader.compact(*block)["index"]) > 0 for block in blocks)


def _block_size(reader: Reader) -> int:
    return _BLOCK if reader.only_text else _LARGE_BLOCK


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
    options.threading.private_threadpool_size = _THREADS
    options.threading.max_intra_op_parallelism = 1
    # A checkpoint of positions instead of what was fetched ahead; buckets can't be saved this way.
    options.experimental_symbolic_checkpoint = symbolic
    options.deterministic = True
    return options
