"""Batches of a problem: stored records to padded tensors, in a tf.data pipeline that can be checkpointed."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from t2tlite.data import records
from t2tlite.data.reader import Reader
from t2tlite.data.sources import Order, Source
from t2tlite.data.table import Table
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.problem import Problem

_BLOCK = 256  # examples parsed and tokenized together
_AUDIO_BLOCK = 8  # fewer, since a block that is being taken apart is part of the iterator's checkpoint


def dataset(
    problem: Problem,
    split: str,
    data_dir,
    vocabulary: Vocabulary,
    labels: Sequence[str] | None,
    hparams: HParams,
    seed: int,
    training: bool,
    repeat: bool | None = None,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Batches of one problem and split.

    Args:
      problem: whose prepared data to read.
      split: "train", "validation" or "test".
      data_dir: where the prepared data is.
      vocabulary: of all texts.
      labels: names of the classes, for a `Label`.
      hparams: sizes of batches and their bounds.
      seed: of the order, the draw of references, and the augmentation of images.
      training: shuffled, augmented, and with one of several references drawn each epoch. Otherwise in a
        fixed order and with the first reference.
      repeat: endless, so that every batch is full; default: as `training`. Otherwise one epoch, whose last
        batches may be smaller.
      shard: (i, n): this is the i-th of n workers, which share the examples out among themselves.

    Returns:
      A dataset of dicts. For each feature `f` of the problem:
        text: `f` int32 `[batch, length]`, ending in the end token, padded with 0 to a bound;
        image: `f` float32 `[batch, image_size, image_size, 3]` in [0, 1];
        audio: `f` float32 `[batch, samples]`, padded with 0 to a bound, and `f_length` int32 `[batch]`;
        label: `f` int32 `[batch]`.
      Examples longer than the last bound are left out; `count_dropped` counts them.

    Raises:
      UserError: the data is missing or damaged, or all examples are too long.
    """
    order = Order(seed if training else None, training if repeat is None else repeat, shard)
    reader = Reader(problem, vocabulary, labels, hparams, seed, training)
    source = Source(problem, split, data_dir)
    plan = batch_plan(problem, hparams)
    table = Table.of(source, reader) if plan.bucketed else None
    if not (table.size if table else _some_fit(source, reader)):
        # Refused, since a search for the next batch would have no end.
        raise UserError(
            f"all {source.size} examples of `{problem.name}` {split} are too long: raise the hyperparameter "
            f"length_bounds={';'.join(map(str, hparams.length_bounds))} (in units of the vocabulary) or "
            f"seconds_bounds={';'.join(map(str, hparams.seconds_bounds))}"
        )
    if table:
        stream = _in_buckets(table.positions(order), plan).map(table.rows)
    elif plan.bucketed:
        # Lengths are read for a block of examples at a time; what waits in the buckets is compact.
        block = _AUDIO_BLOCK if "audio" in reader.kinds.values() else _BLOCK
        stream = source.blocks(order, block).map(reader.compact).map(reader.rows).unbatch()
        stream = _in_buckets(stream, plan)
    else:
        stream = source.blocks(order, plan.sizes[0]).map(reader.compact)
        if reader.can_drop:
            stream = stream.map(reader.rows).unbatch().batch(plan.sizes[0])
    if "audio" in reader.kinds.values():
        # What is fetched ahead goes into the iterator's checkpoint, and decoded audio is large.
        stream = stream.prefetch(2).map(reader.dense)
    else:
        stream = stream.map(reader.dense, num_parallel_calls=2, deterministic=True).prefetch(2)
    return stream.with_options(_options(symbolic=not plan.bucketed))


def _some_fit(source, reader):
    """Whether any example is kept; looks no further than the first."""
    if not reader.can_drop:
        return True
    blocks = source.blocks(Order(), _BLOCK)
    return any(tf.size(reader.compact(*block)["index"]) > 0 for block in blocks)


def _in_buckets(stream, plan):
    sizes = tf.constant(plan.sizes, tf.int64)
    return stream.group_by_window(
        key_func=lambda element: element["bucket"],
        reduce_func=lambda bucket, window: window.batch(max(plan.sizes)),
        window_size_func=lambda bucket: tf.gather(sizes, bucket),
    )


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """How many examples make a batch.

    Attributes:
      bucketed: whether batches hold examples of similar length.
      sizes: examples in a batch of each bucket; a single size where there are no buckets.
    """

    bucketed: bool
    sizes: tuple[int, ...]


def batch_plan(problem: Problem, hparams: HParams) -> BatchPlan:
    """Batches by seconds where there is audio, else by images, else by positions of text."""
    kinds = {feature.kind for feature in problem.features().values()}
    if "audio" in kinds:
        return BatchPlan(True, tuple(max(1, int(hparams.batch_seconds // s)) for s in hparams.seconds_bounds))
    if "image" in kinds:
        return BatchPlan(False, (hparams.batch_images,))
    return BatchPlan(True, tuple(max(1, hparams.batch_tokens // n) for n in hparams.length_bounds))


def size(problem: Problem, split: str, data_dir) -> int:
    """Number of examples of a split, those that are too long included."""
    return sum(file["examples"] for file in records.split_index(problem, split, data_dir))


def count_dropped(problem: Problem, split: str, data_dir, vocabulary: Vocabulary, hparams: HParams) -> int:
    """How many examples of a split are left out because they are longer than the last bound.

    Where an example has several references, the first counts.
    """
    source = Source(problem, split, data_dir)
    labels = [""] if "label" in {feature.kind for feature in problem.features().values()} else None
    reader = Reader(problem, vocabulary, labels, hparams, seed=0, training=False)
    if labels or not reader.can_drop:
        return 0
    kept = source.blocks(Order(), _BLOCK).map(lambda *block: tf.size(reader.compact(*block)["index"]))
    return source.size - sum(int(n) for n in kept)


def _options(symbolic: bool) -> tf.data.Options:
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 2
    options.threading.max_intra_op_parallelism = 1
    # A checkpoint of positions instead of what was fetched ahead; buckets can't be saved this way.
    options.experimental_symbolic_checkpoint = symbolic
    options.deterministic = True
    return options
