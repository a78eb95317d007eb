import random

import pytest
import tensorflow as tf

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.ids import EOS

SYMBOLS = ["(TOP", " (NP", " )NP", " .", " ,", " ``", " $", ' "', " NN", " NNS"]
TEXTS = ["the dog runs .", "ein Hund läuft , schnell .", "les élèves lisent .", "the old man 's dog ."] * 30
HARD = {
    "empty": "",
    "plain": "the dog runs .",
    "spaces": "  the  dog ",
    "only spaces": "   ",
    "mark": "▁the▁ ▁",
    "mark before a symbol": "▁NN a▁NNS▁ ▁)NP",
    "escape": "\ue000 \ue0000 \ue0001 \ue000▁1",
    "control": "a\0b\x01\x1f\x7f\u0085",
    "lines": "one\ntwo\r\nthree\tfour\u2028five",
    "emoji": "😀👩\u200d👩\u200d👧🏽",
    "lone combining": "\u0301 x\u0301 \u20dd",
    "decomposed": "e\u0301 é ﬁ Å",
    "not characters": "\ufffe\uffff\U0010ffff\ufeff",
    "reserved": "▅ <s> </s> <pad> <unk> <0x41>",
    "bidirectional": "\u202eשלום\u202c مرحبا",
    "long": "the dog " * 3000 + "漢字" * 3000,
    "tree": "(TOP (NP NN )NP . )TOP",
}


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.train(TEXTS, 400, SYMBOLS)


@pytest.mark.parametrize("name", HARD)
def test_any_text_comes_back_from_python_and_graph_alike(vocabulary, name):
    text = HARD[name]
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    in_graph = vocabulary.tokenize(tf.constant([text]))
    assert in_graph.to_list() == [ids + [EOS]]
    assert vocabulary.detokenize(in_graph.to_tensor()).numpy()[0].decode() == text


def test_random_text_comes_back(vocabulary):
    rng = random.Random(0)
    texts = []
    for _ in range(200):
        points = [
            rng.choice([rng.randrange(128), rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])
            for _ in "x" * 20
        ]
        texts.append("".join(map(chr, points)))
    assert [vocabulary.decode(vocabulary.encode(text)) for text in texts] == texts
    assert vocabulary.tokenize(tf.constant(texts)).to_list() == [
        vocabulary.encode(text) + [1] for text in texts
    ]


SPECIAL = [
    *"\u2581\ue000\u258501 \n\t\0\r\x7f\u200d\u0301\ufeff\uffff\u2028",
    "😀",
    "👩",
    "the",
    " dog",
    " NN",
    "NN",
    ")NP",
    "<s>",
    "</s>",
]


def test_random_mixtures_of_special_characters_come_back_from_python_and_graph_alike(vocabulary):
    rng = random.Random(2)
    texts = ["".join(rng.choices(SPECIAL, k=rng.randrange(1, 12))) for _ in range(500)]
    assert [vocabulary.decode(vocabulary.encode(text)) for text in texts] == texts
    ids = vocabulary.tokenize(tf.constant(texts))
    assert ids.to_list() == [vocabulary.encode(text) + [1] for text in texts]
    assert [text.decode() for text in vocabulary.detokenize(ids.to_tensor()).numpy()] == texts


def test_any_ids_decode_alike_in_python_and_graph(vocabulary):
    rng = random.Random(1)
    rows = [[rng.randrange(vocabulary.size) for _ in range(20)] for _ in range(200)]
    in_graph = [text.decode() for text in vocabulary.detokenize(tf.constant(rows)).numpy()]
    assert in_graph == [vocabulary.decode(row) for row in rows]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_is_one_unit(vocabulary, symbol):
    before = vocabulary.encode("dog")
    ids = vocabulary.encode("dog" + symbol)
    assert len(ids) == len(before) + 1
    assert vocabulary.decode(ids[-1:]) == symbol


def test_the_longest_symbol_wins(vocabulary):
    assert [vocabulary.decode([i]) for i in vocabulary.encode(" NN NNS NN")] == [" NN", " NNS", " NN"]


def test_frequent_words_are_units(vocabulary):
    assert len(vocabulary.encode(" dog")) == 1


def test_special_ids(vocabulary):
    ids = vocabulary.encode("the dog")
    assert vocabulary.decode([0, *ids, 0, 1, *ids]) == "the dog"
    assert vocabulary.detokenize(tf.constant([[0, *ids, 0, 1, *ids]])).numpy()[0] == b"the dog"


def test_training_is_deterministic_and_the_fingerprint_tells(vocabulary):
    assert Vocabulary.train(TEXTS, 400, SYMBOLS).fingerprint == vocabulary.fingerprint
    assert Vocabulary.train(TEXTS, 380, SYMBOLS).fingerprint != vocabulary.fingerprint


def test_a_small_corpus_gives_fewer_units_than_asked_for():
    assert 259 < Vocabulary.train(TEXTS, 8192).size < 500


def test_texts_that_the_trainer_refuses_are_no_trouble():
    learned = Vocabulary.train(["a\0b ▅ ▁", "", "x\ty", "long " * 9000, *TEXTS], 400)
    assert len(learned.encode(" dog")) == 1


def test_no_text_is_too_long_to_learn_from():
    assert len(Vocabulary.train([" ".join(["dog"] * 100_000)], 400).encode(" dog")) == 1
    assert Vocabulary.train(["ab" * 100_000], 400).encode("abababab")[1:] == []


def test_save_and_load(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "run" / "vocabulary.model")
    loaded = Vocabulary.load(tmp_path / "run" / "vocabulary.model")
    assert (loaded.size, loaded.fingerprint) == (vocabulary.size, vocabulary.fingerprint)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["vocabulary.model"]


def test_an_export_holds_the_tokenizer(vocabulary, tmp_path):
    class Module(tf.Module):
        def __init__(self):
            self.tokenizer = vocabulary.tokenizer

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def there_and_back(self, texts):
            return vocabulary.detokenize(vocabulary.tokenize(texts).to_tensor())

    tf.saved_model.save(Module(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.there_and_back(tf.constant(["▁ dog"])).numpy()[0].decode() == "▁ dog"


def test_errors(vocabulary, tmp_path):
    for text in ("a\ud800", "a\udc00 b", "a\ud83d\ude00"):
        with pytest.raises(UserError, match="lone surrogate at position 1"):
            vocabulary.encode(text)
    with pytest.raises(UserError, match="vocabulary_size=100 is too small"):
        Vocabulary.train(TEXTS, 100)
    with pytest.raises(UserError, match="can't learn a vocabulary of vocabulary_size=262"):
        Vocabulary.train(TEXTS, 262)
    with pytest.raises(UserError, match="no text"):
        Vocabulary.train([], 400)
    with pytest.raises(UserError, match="can't read the vocabulary .*missing"):
        Vocabulary.load(tmp_path / "missing")
    for content in (b"something else", b"", vocabulary.model[:-5]):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(UserError, match="other is not a vocabulary .a sentencepiece model was expected"):
            Vocabulary.load(tmp_path / "other")


def test_all_of_a_long_line_is_learned_from():
    """Lines are cut every 4,096 characters, which may be four times as many bytes."""
    [learned] = Vocabulary.train(["x" * 4096 + " zebra" * 600], 400).encode(" zebra")
    assert learned > 258
    [learned] = Vocabulary.train([" 漢字仮名" * 800], 400).encode(" 漢字仮名")
    assert learned > 258


def test_a_global_seed_set_meanwhile_does_no_harm(vocabulary):
    """It makes TensorFlow drop the kernel that owns the tokenizer."""
    before = vocabulary.tokenize(tf.constant(["a dog"])).to_list()
    tf.random.set_seed(5)
    assert vocabulary.tokenize(tf.constant(["a dog"])).to_list() == before
    tf.random.set_seed(5)
    in_graph = tf.function(vocabulary.tokenize, autograph=False)
    assert in_graph(tf.constant(["a dog"])).to_list() == before
