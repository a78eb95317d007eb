"""A user's own sentencepiece model as a vocabulary."""

import logging
import os
from collections.abc import Sequence

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from t2tlite.data.text.vocabulary import SPACE, Vocabulary
from t2tlite.errors import UserError
from t2tlite.ids import EOS, PAD, UNK

_LOG = logging.getLogger(__name__)
_TYPES = sentencepiece_model_pb2.ModelProto.SentencePiece
_PROBES = (
    *("two  spaces ", "one\ntwo\tthree", "Upper CASE"),
    *("\ufb01 \uff21 e\u0301", "\u6f22\u5b57 \U0001f600", SPACE),
)


def import_model(path: str | os.PathLike, symbols: Sequence[str] = ()) -> Vocabulary:
    """Makes a vocabulary of any sentencepiece model: unigram, BPE, words or characters.

    Padding, end and unknown token become units 0, 1 and 2, as models expect them here; the first two are
    added where the model has none. The other units keep their order and their scores, so that texts are cut
    into the same units as before. Symbols become whole units, added at the end where there is none. A model
    that needs none of this, such as the `vocabulary.model` of a run, is taken as it is.

    The model's own normalization stays, and with it what it loses: a warning says so.

    Args:
      path: the file that sentencepiece's trainer wrote, e.g. "spm.model".
      symbols: as for `Vocabulary.train`.

    Raises:
      UserError: there is no such file, it is no sentencepiece model, or it can't hold the symbols.
    """
    model = Vocabulary.load(path).model
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    moved = _move_control_units(proto, sentencepiece.SentencePieceProcessor(model_proto=model))
    added = _add_symbols(proto, [symbol.replace(" ", SPACE) for symbol in symbols])
    if moved or added:
        proto.DiscardUnknownFields()  # an older trainer's self-test, which holds for the units as they were
        model = proto.SerializeToString(deterministic=True)
    vocabulary = Vocabulary(model)
    _check_symbols(vocabulary, symbols, path)
    _warn_of_losses(vocabulary, path)
    return vocabulary


def _move_control_units(
    proto: sentencepiece_model_pb2.ModelProto, processor: sentencepiece.SentencePieceProcessor
) -> bool:
    """Puts padding, end and unknown token first; returns whether anything changed."""
    ids = (processor.pad_id(), processor.eos_id(), processor.unk_id())
    if ids == (PAD, EOS, UNK):
        return False
    pieces, spec = list(proto.pieces), proto.trainer_spec
    bos = processor.id_to_piece(processor.bos_id()) if processor.bos_id() >= 0 else None
    taken = {piece.piece for piece in pieces}
    first = [
        pieces[i] if i >= 0 else _TYPES(piece=_free_name(name, taken), type=_TYPES.CONTROL)
        for i, name in zip(ids, ("<pad>", "</s>", "<unk>"), strict=True)
    ]
    rest = [piece for i, piece in enumerate(pieces) if i not in ids]
    moved = [_TYPES.FromString(piece.SerializeToString()) for piece in (*first, *rest)]
    del proto.pieces[:]
    proto.pieces.extend(moved)
    spec.pad_id, spec.eos_id, spec.unk_id = PAD, EOS, UNK
    spec.pad_piece, spec.eos_piece, spec.unk_piece = (piece.piece for piece in moved[:3])
    spec.bos_id = -1 if bos is None else [piece.piece for piece in moved].index(bos)
    spec.vocab_size = len(moved)
    return True


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"<{name}>"
    return name


def _add_symbols(proto: sentencepiece_model_pb2.ModelProto, symbols: Sequence[str]) -> bool:
    """Makes whole units of symbols; returns whether anything changed."""
    by_name = {piece.piece: piece for piece in proto.pieces}
    changed = False
    for symbol in dict.fromkeys(symbols):
        piece = by_name.get(symbol) or proto.pieces.add(piece=symbol, score=0.0)
        changed = changed or piece.type != _TYPES.USER_DEFINED
        piece.type = _TYPES.USER_DEFINED
    proto.trainer_spec.vocab_size = len(proto.pieces)
    return changed


def _check_symbols(vocabulary: Vocabulary, symbols: Sequence[str], path: str | os.PathLike) -> None:
    for symbol in symbols:
        text = (symbol * 2).strip(" ")  # at the ends, the model may drop spaces or add one
        ids = vocabulary.encode(text)
        is_piece = symbol.replace(" ", SPACE) in map(vocabulary.piece, ids)
        if not is_piece or vocabulary.decode(ids).strip(" ") != text:
            raise UserError(
                f"the vocabulary {path} can't hold the symbol {symbol!r} of the chosen problems: {text!r} "
                f"comes back as {vocabulary.decode(ids)!r}; use a model that keeps case and spaces, trained "
                "for example with --normalization_rule_name=identity"
            )


def _warn_of_losses(vocabulary: Vocabulary, path: str | os.PathLike) -> None:
    back = {text: vocabulary.decode(vocabulary.encode(text)) for text in _PROBES}
    changed = [f"{text!r} as {restored!r}" for text, restored in back.items() if restored != text]
    if changed:
        _LOG.warning(
            "the vocabulary %s does not give every text back as it was: it gives %s; the problems' metrics "
            "count such differences as errors",
            path,
            ", ".join(changed),
        )
