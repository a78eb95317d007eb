import io
import logging

import pytest
import sentencepiece
import tensorflow as tf

from t2tlite.data.text.imported_vocabulary import import_model
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.problems import trees

TEXTS = ["the dog runs .", "ein Hund läuft , schnell .", "les élèves lisent .", "the old man 's dog ."] * 30
LOSSLESS = {
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
    "add_dummy_prefix": False,
    "byte_fallback": True,
    "character_coverage": 1.0,
}
FOREIGN = {  # as sentencepiece's trainer takes them
    "its defaults": {},
    "unigram, padding last": {"pad_id": 3},
    "bpe": {"model_type": "bpe"},
    "word": {"model_type": "word", "vocab_size": 20},
    "char": {"model_type": "char", "vocab_size": 30},
    "byte fallback": {"byte_fallback": True, "vocab_size": 340},
    "ids as here": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "no end": {"eos_id": -1, "bos_id": -1, "unk_id": 0},
    "other names": {"eos_piece": "<end>", "pad_piece": "<fill>", "pad_id": 3, "control_symbols": ["<pad>"]},
    "words as control units": {"user_defined_symbols": ["<pad>", "</x>"]},
    "lossless": {**LOSSLESS, "vocab_size": 340},
}


def train(tmp_path, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=model,
        **{"vocab_size": 70, "hard_vocab_limit": False, "minloglevel": 2, **options},
    )
    (tmp_path / "own.model").write_bytes(model.getvalue())
    return tmp_path / "own.model"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", FOREIGN)
def test_texts_are_cut_into_the_same_units_with_our_ids(tmp_path, name):
    path = train(tmp_path, **FOREIGN[name])
    before = sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
    after = import_model(path)
    processor = sentencepiece.SentencePieceProcessor(model_proto=after.model)
    texts = [*TEXTS[:4], "the dogs run", "élève", "  two  spaces", "x", "<pad> </s>", "ﬁ 漢"]
    for text in texts:
        ids = after.encode(text)
        assert processor.encode(text, out_type=str) == before.encode(text, out_type=str)
        assert after.decode(ids) == before.decode(before.encode(text))
        assert not {0, 1} & {*ids}
    assert (processor.pad_id(), processor.eos_id(), processor.unk_id()) == (0, 1, 2)
    assert processor.bos_id() == -1 or processor.id_to_piece(processor.bos_id()) == "<s>"
    added = (before.pad_id() < 0) + (before.eos_id() < 0)
    assert after.size == before.get_piece_size() + added
    in_graph = after.tokenize(tf.constant(texts))
    assert in_graph.to_list() == [after.encode(text) + [1] for text in texts]
    detokenized = [text.decode() for text in after.detokenize(in_graph.to_tensor()).numpy()]
    assert detokenized == [after.decode(after.encode(text)) for text in texts]


def test_what_needs_no_change_is_taken_as_it_is(tmp_path):
    learned = Vocabulary.train(TEXTS, 400, trees.SYMBOLS)
    learned.save(tmp_path / "vocabulary.model")
    assert import_model(tmp_path / "vocabulary.model", trees.SYMBOLS).fingerprint == learned.fingerprint
    imported = import_model(train(tmp_path))
    imported.save(tmp_path / "vocabulary.model")
    assert import_model(tmp_path / "vocabulary.model").fingerprint == imported.fingerprint


@pytest.mark.parametrize("options", [{}, {**LOSSLESS, "vocab_size": 340}, {"model_type": "bpe"}])
def test_symbols_are_whole_units_and_linear_trees_come_back(tmp_path, options):
    vocabulary = import_model(train(tmp_path, **options), trees.SYMBOLS)
    text = "(TOP (S (NP DT NN )NP (VP VBZ `` -LRB- PRP$ : '' )VP . )S )TOP"
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    pieces = [vocabulary.piece(i) for i in ids]
    assert [piece for piece in pieces if piece != "▁"] == [
        "(TOP",
        *(f"▁{part}" for part in text.split(" ")[1:]),
    ]


def test_any_of_several_symbols_may_be_the_new_one(tmp_path):
    """The model has our ids and one of the symbols, so that nothing else in it changes."""
    options = {**LOSSLESS, "vocab_size": 340, "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    path = train(tmp_path, **options, user_defined_symbols=["▁NN"])
    for symbols in ([" NEW", " NN"], [" NN", " NEW"]):
        vocabulary = import_model(path, symbols)
        assert [[vocabulary.piece(i) for i in vocabulary.encode(s)] for s in symbols] == [
            [symbol.replace(" ", "▁")] for symbol in symbols
        ]


def test_a_model_without_our_escapes_leaves_such_text_alone(tmp_path):
    vocabulary = import_model(train(tmp_path, **LOSSLESS, vocab_size=340))
    for text in ("\ue0000", "\ue0001 x", "a\ue000"):
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        in_graph = vocabulary.detokenize(tf.constant([ids]))
        assert in_graph.numpy()[0].decode() == text


def test_what_is_lost_is_told(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        import_model(train(tmp_path))
    (message,) = caplog.messages
    assert "own.model does not give every text back" in message
    assert r"'▁' as ''" in message and "count such differences as errors" in message
    caplog.clear()
    Vocabulary.train(TEXTS, 400).save(tmp_path / "ours.model")
    import_model(tmp_path / "ours.model")
    assert not caplog.messages


def test_errors(tmp_path):
    with pytest.raises(UserError, match="can't read the vocabulary .*missing: No such file"):
        import_model(tmp_path / "missing")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(UserError, match="text is not a vocabulary .a sentencepiece model was expected"):
        import_model(tmp_path / "text")
    path = train(tmp_path, normalization_rule_name="nmt_nfkc_cf")
    with pytest.raises(
        UserError, match=r"can't hold the symbol ' \)TOP' .*'\)TOP \)TOP' comes back as .*keeps case"
    ):
        import_model(path, trees.SYMBOLS)


def test_the_self_test_of_an_older_trainer_does_not_stand_in_the_way(tmp_path):
    """`ModelProto.self_test_data`, field 4, with one sample that says what the text "dog" is cut into."""
    path = train(tmp_path)
    sample = b"\x0a\x03dog" + b"\x12\x05wrong"
    data = b"\x0a" + bytes([len(sample)]) + sample
    path.write_bytes(path.read_bytes() + b"\x22" + bytes([len(data)]) + data)
    vocabulary = import_model(path, [" dog", " ."])
    assert b"wrong" not in vocabulary.model
    assert vocabulary.tokenize(tf.constant(["the dog ."])).to_list() == [vocabulary.encode("the dog .") + [1]]
