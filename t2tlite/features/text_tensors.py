"""Text as tensors: ids in batches, in decoding, and in the graph of an export."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data.text.words import WHITESPACE
from t2tlite.errors import UserError
from t2tlite.features import encoding, raw
from t2tlite.features.codec import Codec, Reading, bound
from t2tlite.features.inputs import LONGEST, InputReader, check_length, padded
from t2tlite.hparam import HParams
from t2tlite.ids import EOS, PAD

_DRAWS = 2**31 - 1
_BLANK = f"{WHITESPACE}*"  # what `str.strip` takes off


class TextCodec(Codec):
    """Stored texts to ids; see `Text.codec`."""

    keeps_rows = True

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self.limits = encoding.TEXT.limits(reading.hparams)
        vocabulary = reading.vocabulary
        # What waits for its batch is part of the iterator's checkpoint.
        self._compact_id = tf.uint16 if vocabulary and vocabulary.size <= 1 << 16 else tf.int32

    def spec(self) -> Any:
        return tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)

    def compact(self, stored: Any, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        ids = self.reading.vocabulary.tokenize(self._reference(stored, epoch, index))
        return tf.cast(ids, self._compact_id)  # [block, (length)]

    def length(self, compact: Any) -> tf.Tensor:
        return tf.cast(compact.row_lengths(), tf.int32)

    def references(self, stored: Any) -> tf.Tensor:
        return stored.row_lengths()

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, rows: slice
    ) -> dict[str, tf.Tensor]:
        ids = compact.to_tensor() if isinstance(compact, tf.RaggedTensor) else compact
        ids = tf.cast(ids, tf.int32)
        used = tf.reduce_any(tf.not_equal(ids, PAD), axis=0)  # [length]
        length = bound(tf.reduce_sum(tf.cast(used, tf.int32)), self.limits)
        ids = ids[:, :length]
        return {name: tf.pad(ids, [[0, 0], [0, length - tf.shape(ids)[1]]])}  # [batch, length]

    def _reference(self, references: Any, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """One of each example's references: drawn by (seed, epoch, index) in training, else the first."""
        if not self.reading.training:
            return tf.gather(references.flat_values, references.row_starts())  # [block]
        # A permutation of whole numbers, used as a hash: it needs no state, and takes a block at once. With
        # the 4 rounds of `index_shuffle`, the lowest bits of neighbors, epochs and seeds are correlated.
        addresses = tf.math.floormod(epoch * 1_000_003 + index, _DRAWS)
        seeds = tf.constant([self.reading.seed, self.reading.number, 0], tf.int64)
        last = tf.constant(_DRAWS - 1, tf.int64)
        drawn = tf.raw_ops.RandomIndexShuffle(index=addresses, seed=seeds, max_index=last, rounds=8)
        place = tf.math.floormod(tf.cast(drawn, tf.int64), references.row_lengths())
        return tf.gather(references.flat_values, references.row_starts() + place)  # [block]


class TextInputs(InputReader):
    """Sentences, as ids."""

    spec = {"inputs": tf.TensorSpec([None, None], tf.int32)}

    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self.bounds = encoding.TEXT.limits(hparams)
        self._vocabulary = vocabulary

    def read(self, value: Any) -> np.ndarray:
        """A `str` to int32 `[length]`."""
        if not isinstance(value, str):
            raise UserError(f"expected a str, received {value!r:.60}")
        ids = np.array([*self._vocabulary.encode(value), EOS], np.int32)
        check_length(len(ids), self.bounds, f"subword units: {value[:40]!r}...")
        return ids

    def room(self, example: Any) -> int:
        return len(example)

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        return {"inputs": padded(examples, self.bounds)}


class RawTexts(raw.RawReader):
    """UTF-8 text, `side` of the problem."""

    side = "inputs"
    spec = {"inputs": tf.TensorSpec([None], tf.string)}

    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self._vocabulary = vocabulary
        self._bounds = encoding.TEXT.limits(hparams)
        self.accepts = {self.side: f"UTF-8 text of at most {LONGEST * self._bounds[-1]} subword units"}

    def read(self, **tensors: Any) -> raw.Read:
        texts = tensors[self.side]
        blank = tf.strings.regex_full_match(texts, _BLANK)
        valid = texts == tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.where(valid, texts, "")
        ids = self._vocabulary.tokenize(texts)  # [batch, (length)]
        length = tf.cast(ids.row_lengths(), tf.int32)
        long = raw.too_long(length, self._bounds[-1], "subword units")
        error = raw.first_of((blank, ""), (~valid, "not UTF-8"), long)

        def features(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            return {self.side: raw.padded(tf.gather(ids, rows).to_tensor(), self._bounds)}

        return raw.Read(features, tf.cast(length, tf.float32) / self._bounds[-1], error, blank, texts)


class RawTargets(RawTexts):
    """Texts as a model would write them, to be scored."""

    side = "targets"
    spec = {"targets": tf.TensorSpec([None], tf.string)}
