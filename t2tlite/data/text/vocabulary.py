"""Vocabulary: lossless subword units, the same in Python and in the graph."""

import hashlib
import io
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sentencepiece
import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2

from t2tlite import files
from t2tlite.data.text.tokenizer import Tokenizer
from t2tlite.errors import UserError
from t2tlite.ids import EOS, PAD, UNK

# Sentencepiece writes a space as U+2581, so a literal U+2581 would come back as a space. It is written as
# ESCAPE + "1" instead, and ESCAPE itself as ESCAPE + "0": byte pieces, and very rare. Rules of the model's
# own normalization would come too late: symbols are looked for before.
SPACE = "\u2581"  # as sentencepiece writes it
_ESCAPE = "\ue000"
_ESCAPES = "identity, U+2581 and U+E000 escaped"  # the name of the normalization, by which a model is known
_LONGEST = 4096  # characters of a line of the training; longer ones are cut
_SETTINGS: dict[str, Any] = {
    "model_type": "bpe",
    "hard_vocab_limit": False,  # a small corpus gives fewer units
    "pad_id": PAD,
    "eos_id": EOS,
    "unk_id": UNK,
    "bos_id": -1,
    "byte_fallback": True,
    "character_coverage": 0.9995,
    "remove_extra_whitespaces": False,
    "add_dummy_prefix": False,
    "allow_whitespace_only_pieces": True,
    "max_sentence_length": 4 * _LONGEST,  # bytes; longer ones would be left out
    "num_threads": 1,  # so that the same texts give the same vocabulary
    "minloglevel": 2,
}


class Vocabulary:
    """Subword units with byte fallback: any Unicode text comes back as it was.

    That holds for what `train` learns; `imported_vocabulary` has the models that users bring.

    Byte-pair merges rather than a unigram model: the unigram trainer takes its candidates from the list of
    distinct words, so in a small world it never proposes the words themselves.

    Args:
      model: a serialized sentencepiece model, as `train` makes it.

    Attributes:
      size: number of units.
      fingerprint: hexadecimal digest of the model; equal only for the same vocabulary.
    """

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.size = self._processor.get_piece_size()
        proto = sentencepiece_model_pb2.ModelProto.FromString(model)
        self._escapes = proto.normalizer_spec.name == _ESCAPES  # one that a user brings may do without
        self.fingerprint = hashlib.sha256(model).hexdigest()[:16]
        self._tokenizer: Tokenizer | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer in the graph; make it an attribute of a module that is exported with it.

        It is made anew once it is gone. A kernel owns it, and TensorFlow forgets its kernels where somebody
        sets the global seed. What was made with it before, such as a dataset, fails from then on.
        """
        with tf.init_scope():  # it lives on, whichever function asked for it first
            if self._tokenizer is None or not self._tokenizer.exists():
                self._tokenizer = Tokenizer(self.model)
        return self._tokenizer

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without the end token.

        Raises:
          UserError: the text holds a lone surrogate, which is not Unicode text.
        """
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UserError(
                f"text has a lone surrogate at position {error.start} and can't be written as UTF-8: "
                f"{text[:40]!r}; decode the bytes it came from as UTF-8"
            ) from None
        return self._processor.encode(_escaped(text) if self._escapes else text)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; stops at the end token and leaves padding out."""
        pieces = []
        for i in ids:
            if i == EOS:
                break
            if i != PAD:
                pieces.append(int(i))
        text = self._processor.decode(pieces)
        if not self._escapes:
            return text
        return text.replace(_ESCAPE + "1", SPACE).replace(_ESCAPE + "0", _ESCAPE)

    def piece(self, i: int) -> str:
        """The unit with id `i`, a space written as U+2581."""
        return self._processor.id_to_piece(int(i))

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Ids of a batch of texts, in the graph.

        Args:
          texts: UTF-8 strings `[batch]`.

        Returns:
          int32 `[batch, (length)]`, each row ending in the end token.
        """
        if self._escapes:
            texts = tf.strings.regex_replace(texts, _ESCAPE, _ESCAPE + "0")
            texts = tf.strings.regex_replace(texts, SPACE, _ESCAPE + "1")
        return self.tokenizer.tokenize(texts)

    def detokenize(self, ids: tf.Tensor) -> tf.Tensor:
        """Texts of a batch of ids, in the graph; cut at the first end token, padding left out.

        Args:
          ids: int32 `[batch, length]`.

        Returns:
          UTF-8 strings `[batch]`.
        """
        ended = tf.cumsum(tf.cast(tf.equal(ids, EOS), tf.int32), axis=1)
        kept = tf.logical_and(tf.equal(ended, 0), tf.not_equal(ids, PAD))
        texts = self.tokenizer.detokenize(tf.ragged.boolean_mask(ids, kept))
        if not self._escapes:
            return texts
        texts = tf.strings.regex_replace(texts, _ESCAPE + "1", SPACE)
        return tf.strings.regex_replace(texts, _ESCAPE + "0", _ESCAPE)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the model to a file, whole or not at all."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, self.model)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
          UserError: there is no such file, or it is no vocabulary.
        """
        try:
            model = pathlib.Path(path).read_bytes()
            if model:  # sentencepiece takes no bytes for no model, and complains later
                return cls(model)
        except OSError as error:
            raise UserError(f"can't read the vocabulary {path}: {error.strerror}") from None
        except RuntimeError:
            pass
        raise UserError(f"{path} is not a vocabulary (a sentencepiece model was expected)")

    @staticmethod
    def settings() -> dict[str, str | int | float | bool]:
        """What `train` depends on besides its arguments, to tell whether it would do the same again."""
        return {
            **_SETTINGS,
            "escapes": _ESCAPES,
            "longest": _LONGEST,
            "sentencepiece": sentencepiece.__version__,
        }

    @staticmethod
    def least(symbols: Sequence[str] = ()) -> int:
        """How many units there are in any case, the first ones: control tokens, bytes and symbols."""
        return 3 + 256 + len(dict.fromkeys(symbols))

    @classmethod
    def train(cls, texts: Iterable[str], size: int, symbols: Sequence[str] = ()) -> "Vocabulary":
        """Learns a vocabulary; the same texts in the same order give the same vocabulary.

        Args:
          texts: sentences; `training_texts.build` draws them from prepared data.
          size: most units; a small corpus gives fewer.
          symbols: strings that become whole units; one may start with a space.

        Raises:
          UserError: there is no text, or `size` leaves no room beside the bytes and symbols.
        """
        symbols = list(dict.fromkeys(symbols))
        least = cls.least(symbols)
        if size <= least:
            raise UserError(
                f"vocabulary_size={size} is too small: {least} units are taken by the 3 control tokens, "
                f"256 bytes and {len(symbols)} symbols; ask for more, e.g. 8192"
            )
        lines = _training_lines(texts)
        first = next(lines, None)
        if first is None:
            raise UserError("there is no text to learn a vocabulary from in the training splits")
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=itertools.chain([first], lines),
                model_writer=model,
                vocab_size=size,
                user_defined_symbols=[s.replace(" ", SPACE) for s in symbols],
                normalization_rule_name="identity",
                **_SETTINGS,
            )
        except RuntimeError as error:
            raise UserError(
                f"can't learn a vocabulary of vocabulary_size={size} units: "
                f"{str(error).strip().splitlines()[-1]}; try another size, e.g. 8192"
            ) from None
        proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
        proto.normalizer_spec.name = _ESCAPES
        return cls(proto.SerializeToString(deterministic=True))


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE + "0").replace(SPACE, _ESCAPE + "1")


def _training_lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines of bounded length, without what the trainer refuses (NUL, and its own marks U+2585 and tab)."""
    for text in texts:
        for line in _escaped(text).translate({0: "\n", 9: "\n", 0x2585: "\n"}).splitlines():
            for start in range(0, len(line), _LONGEST):
                yield line[start : start + _LONGEST]
