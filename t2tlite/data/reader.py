"""Reader: stored records of a problem to tensors, first compactly (to bucket and hold), then padded."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2tlite.data import images, records
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.problem import Image, Problem

SAMPLE_RATE = 16000  # Hz
_DRAWS = 2**31 - 1


class Reader:
    """Three maps over batches of elements; see `compact`, `dense` and `own`.

    Args:
      problem: says which features there are.
      vocabulary: for texts.
      labels: names of the classes, for a `Label`.
      hparams: bounds of lengths, size of images.
      seed: of the draw of references and of the augmentation of images.
      training: whether to draw references and augment.
      rows: (i, n): only every n-th row of a batch is wanted, from the i-th on.

    Attributes:
      kinds: kind of each feature of the problem.
      training: as given.
      can_drop: whether an example can be too long.
    """

    def __init__(
        self,
        problem: Problem,
        vocabulary: Vocabulary,
        labels: Sequence[str] | None,
        hparams: HParams,
        seed: int,
        training: bool,
        rows: tuple[int, int] = (0, 1),
    ):
        self._rows = slice(rows[0], None, rows[1])
        self.kinds = {name: feature.kind for name, feature in problem.features().items()}
        self.can_drop = bool({"text", "audio"} & set(self.kinds.values()))
        self._vocabulary = vocabulary
        self._hparams = hparams
        self._seed = seed
        self.training = training
        features = problem.features().items()
        self._flips = {name for name, feature in features if isinstance(feature, Image) and feature.flip}
        # A caption is of the whole picture; what is left of it mostly has the class.
        self._crops = self.kinds["targets"] == "label"
        stored = ("targets", "inputs") if problem.swap else ("inputs", "targets")
        self._stored = dict(zip(("inputs", "targets"), stored, strict=True))
        if "label" in self.kinds.values():
            if not labels:
                raise UserError(f"problem `{problem.name}` has a label, but no names of classes were given")
            self._labels = tf.constant(list(labels))
        self._text_bounds = hparams.text_bounds()
        # What waits for its batch is part of the iterator's checkpoint.
        self._compact_id = tf.uint16 if vocabulary and vocabulary.size <= 1 << 16 else tf.int32
        self._sample_bounds = [round(bound * SAMPLE_RATE) for bound in hparams.seconds_bounds]

    def compact(self, epoch: tf.Tensor, index: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """Parses a block of records and leaves out what is too long.

        Args:
          epoch, index: int64 `[block]`.
          record: serialised examples `[block]`.

        Returns:
          text as ragged ids `[block, (length)]`; images and audio as bytes `[block]`; labels as int32
          `[block]`; `epoch` and `index`; and `bucket`, int64 `[block]`.
        """
        parsed = self._parse(record)
        made = {"epoch": epoch, "index": index}
        positions = samples = tf.zeros_like(index, tf.int32)
        for salt, (name, kind) in enumerate(self.kinds.items()):
            value = parsed[name]
            if kind == "text":
                ids = self._vocabulary.tokenize(self._reference(value, epoch, index, salt))
                made[name] = tf.cast(ids, self._compact_id)
                positions = tf.maximum(positions, tf.cast(made[name].row_lengths(), tf.int32))
            elif kind == "audio":
                made[name] = value
                samples = tf.strings.length(value) // 2  # [block], 16 bits a sample
            elif kind == "label":
                made[name] = self._label_index(value)
            else:
                made[name] = value
        has_audio = "audio" in self.kinds.values()
        lengths = (samples, self._sample_bounds) if has_audio else (positions, self._text_bounds)
        made["bucket"] = _bucket(*lengths)
        if not self.can_drop:
            return made
        fits = positions <= self._text_bounds[-1]
        if has_audio:
            fits = fits & (samples <= self._sample_bounds[-1])
        return {name: _keep(value, fits) for name, value in made.items()}

    def rows(self, block: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Pads the texts of what `compact` made to the last bound: plain rows are quicker to take apart."""
        last = self._text_bounds[-1]
        return {
            name: value.to_tensor(shape=[None, last]) if isinstance(value, tf.RaggedTensor) else value
            for name, value in block.items()
        }

    def dense(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Decodes and pads a batch of what `compact` made; lengths are those of the whole batch.

        Of pictures and audio only the wanted rows are decoded; texts and labels are those of all rows.
        """
        made = {}
        for name, kind in self.kinds.items():
            value = batch[name]
            if kind == "text":
                made[name] = self._padded_text(value)
            elif kind == "audio":
                made[name], made[f"{name}_length"] = self._padded_audio(value)
            elif kind == "image":
                made[name] = self._decoded_images(value[self._rows], batch, flip=name in self._flips)
            else:
                made[name] = value
        return made

    def own(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The wanted rows of what `dense` made.

        A step of its own, after what is fetched ahead: that is in the iterator's checkpoint, which every
        worker goes on from.
        """
        whole = [name for name, kind in self.kinds.items() if kind not in ("image", "audio")]
        return batch | {name: batch[name][self._rows] for name in whole}

    def lengths(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """How long a block of records is, int64 `[block]`, whether or not that is too long.

        Returns:
          "text": units of the longest text of each, end token included; "audio": samples.
        """
        parsed = self._parse(record)
        found: dict[str, tf.Tensor] = {}
        for name, kind in self.kinds.items():
            if kind == "text":
                length = self._vocabulary.tokenize(self._reference(parsed[name], 0, 0, 0)).row_lengths()
            elif kind == "audio":
                length = tf.strings.length(parsed[name]) // 2  # 16 bits a sample
            else:
                continue
            length = tf.cast(length, tf.int64)
            found[kind] = tf.maximum(found[kind], length) if kind in found else length
        return found

    def references(self, record: tf.Tensor) -> tf.Tensor:
        """The most references of one text in a block of records."""
        parsed = self._parse(record)
        lengths = [parsed[name].row_lengths() for name, kind in self.kinds.items() if kind == "text"]
        return tf.reduce_max(tf.stack(lengths))

    def _parse(self, record):
        found = tf.io.parse_example(
            record, {self._stored[name]: _SPEC[kind] for name, kind in self.kinds.items()}
        )
        return {name: found[self._stored[name]] for name in self.kinds}

    def _reference(self, references, epoch, index, salt):
        """One of each example's references: drawn by (seed, epoch, index) in training, else the first."""
        if not self.training:
            return tf.gather(references.flat_values, references.row_starts())  # [block]
        # A permutation of whole numbers, used as a hash: it needs no state, and takes a block at once. With
        # the 4 rounds of `index_shuffle`, the lowest bits of neighbours, epochs and seeds are correlated.
        addresses = tf.math.floormod(epoch * 1_000_003 + index, _DRAWS)
        seeds = tf.constant([self._seed, salt, 0], tf.int64)
        last = tf.constant(_DRAWS - 1, tf.int64)
        drawn = tf.raw_ops.RandomIndexShuffle(index=addresses, seed=seeds, max_index=last, rounds=8)
        place = tf.math.floormod(tf.cast(drawn, tf.int64), references.row_lengths())
        return tf.gather(references.flat_values, references.row_starts() + place)  # [block]

    def _label_index(self, names):
        matches = tf.equal(names[:, tf.newaxis], self._labels)  # [block, classes]
        known = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(matches, axis=1)), ["unknown class", names])
        with tf.control_dependencies([known]):
            return tf.argmax(matches, axis=1, output_type=tf.int32)

    def _padded_text(self, ids):
        if isinstance(ids, tf.RaggedTensor):
            ids = ids.to_tensor()
        ids = tf.cast(ids, tf.int32)
        used = tf.reduce_any(tf.not_equal(ids, self._vocabulary.pad_id), axis=0)  # [length]
        bound = _bound(tf.reduce_sum(tf.cast(used, tf.int32)), self._text_bounds)
        ids = ids[:, :bound]
        return tf.pad(ids, [[0, 0], [0, bound - tf.shape(ids)[1]]])  # [batch, bound]

    def _padded_audio(self, pcm):
        lengths = tf.strings.length(pcm) // 2  # [batch]
        bound = _bound(tf.reduce_max(lengths), self._sample_bounds)
        samples = tf.io.decode_raw(pcm[self._rows], tf.int16, fixed_length=2 * bound)  # [rows, bound]
        return tf.cast(samples, tf.float32) / records.PCM, lengths[self._rows]

    def _decoded_images(self, encoded, batch, flip):
        seeds = None
        if self.training and (self._crops or flip):
            epoch = batch["epoch"] * 1_000_003 + self._seed
            seeds = tf.stack([epoch, batch["index"]], axis=1)[self._rows]  # [rows, 2]
        return images.decode(encoded, self._hparams.image_size, seeds, self._crops, flip)


_SPEC = {
    "text": tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
    "audio": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.string),
}


def _bucket(lengths, bounds):
    """Which of the bounds is the smallest that holds each length."""
    longer = lengths[:, tf.newaxis] > tf.constant(bounds[:-1], tf.int32)  # [block, bounds - 1]
    return tf.reduce_sum(tf.cast(longer, tf.int64), axis=1)


def _bound(longest, bounds):
    return tf.gather(tf.constant(np.array(bounds, np.int32)), _bucket(longest[tf.newaxis], bounds)[0])


def _keep(value, mask):
    masked = tf.ragged.boolean_mask if isinstance(value, tf.RaggedTensor) else tf.boolean_mask
    return masked(value, mask)
