"""Examples of what TensorFlow Datasets (TFDS) has prepared: in pieces, in the order they are stored in."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Pieces
from t2tlite.problems import tfds_builder
from t2tlite.problems.tfds_builder import download, label_names

__all__ = ["download", "label_names", "pieces"]

PIECE_BYTES = 128 << 20
_PLACES = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*", re.DOTALL)  # in TensorFlow's graph
_BATCH = 256  # examples taken from TensorFlow at a time


def pieces(
    name: str,
    splits: str,
    convert: Callable[[dict[str, Any]], Any],
    source_dir: str | None = None,
    only: dict[str, Any] | None = None,
) -> Pieces:
    """The examples of a prepared dataset of TFDS.

    Args:
      name: of dataset and config, as "wmt14_translate/de-en".
      splits: TFDS's split expression, as "train[:99%]" or "train+restval".
      convert: makes an example, a `Broken` or a `Dropped` of what TFDS has: a dict with text as `bytes`,
        images as the `bytes` of the stored file, labels as integers. Workers are sent it: a function of a
        module, or `functools.partial` of one.
      source_dir: TFDS's data_dir; default: TFDS's own.
      only: the features that `convert` wants, as {"image": True, "captions": {"text": True}}; default: all.

    Raises:
      UserError: TFDS has not prepared the dataset there, or without such a split.
    """
    builder = tfds_builder.builder(name, source_dir)
    infos = builder.info.splits
    read = functools.partial(_read, name, source_dir, only, convert)
    if not infos:
        try:
            # TFDS is asked, rather than its folder: its mock answers without one, and knows no splits.
            return Pieces(read, [splits], len(_dataset(builder, splits, only)))
        except (AssertionError, ValueError):
            raise UserError(tfds_builder.not_prepared(name, builder)) from None
    slices = [
        part
        for split, first, end in _ranges(name, builder, splits)
        for part in _cut(infos[split], first, end)
    ]
    parts = [f"{split}[{first}:{end}]" for split, first, end in slices]
    return Pieces(read, parts, sum(end - first for _, first, end in slices))


def _ranges(name, builder, splits) -> list[tuple[str, int, int]]:
    """The expression as (split, first, end)."""
    import tensorflow_datasets as tfds

    infos = builder.info.splits
    try:
        found = tfds.core.ReadInstruction.from_spec(splits).to_absolute(infos)
    except ValueError:
        raise UserError(
            f"`{name}` in {builder.data_dir} has the splits {', '.join(sorted(infos))}, but `{splits}` is "
            "needed; delete the folder and have TFDS prepare it again, with all of its archives"
        ) from None
    return [
        (part.splitname, part.from_ or 0, infos[part.splitname].num_examples if part.to is None else part.to)
        for part in found
    ]


def _cut(info, first, end) -> Iterator[tuple[str, int, int]]:
    """Slices of a split, none of which goes over the border of a stored file."""
    shard_first = 0
    bytes_each = max(info.num_bytes, 1) / max(info.num_examples, 1)
    for length in info.shard_lengths:
        low, high = max(first, shard_first), min(end, shard_first + length)
        step = max(1, -(-(high - low) // max(1, round((high - low) * bytes_each / PIECE_BYTES))))
        for start in range(low, high, step):
            yield info.name, start, min(start + step, high)
        shard_first += length


def _dataset(builder, part, only):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    options = tf.data.Options()  # one thread: there is a process for each core already
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    options.deterministic = True
    config = tfds.ReadConfig(
        options=options,
        try_autocache=False,
        interleave_cycle_length=1,
        num_parallel_calls_for_decode=1,
        num_parallel_calls_for_interleave_files=1,
        skip_prefetch=True,
    )
    decoders = {
        key: tfds.decode.SkipDecoding()
        for key, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Image) and (only is None or key in only)
    }
    wanted = decoders if only is None else tfds.decode.PartialDecoding(only, decoders)
    with tfds_builder.without_warnings():
        return builder.as_dataset(split=part, decoders=wanted or None, read_config=config)


def _read(name, source_dir, only, convert, part) -> Iterator[Any]:
    yield from map(convert, _stored(name, source_dir, only, part))


def _stored(name, source_dir, only, part) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    builder = tfds_builder.builder(name, source_dir)
    try:
        yield from _rows(_dataset(builder, part, only))
    except AssertionError:
        raise UserError(tfds_builder.not_prepared(name, builder)) from None
    except NotImplementedError:
        kind = builder.info.file_format.value
        raise UserError(
            f"TFDS has stored `{name}` in {builder.data_dir} as {kind}; have it prepared as tfrecord"
        ) from None
    except (
        tf.errors.OpError,
        UnicodeDecodeError,
    ) as error:  # the latter where TensorFlow quotes what it found
        why = tfds_builder.one_line(_PLACES.sub("", str(error)))
        raise UserError(
            f"{part} of `{name}` in {builder.data_dir} can't be read ({why}); delete the folder and have "
            "TFDS prepare it again"
        ) from None


def _rows(dataset) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    specs = dataset.element_spec.values()
    if any(isinstance(spec, dict) or spec.shape.rank != 0 for spec in specs):
        yield from tfds.as_numpy(dataset)
        return
    for batch in tfds.as_numpy(dataset.batch(_BATCH)):
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(batch, values, strict=True))
