"""From text to text through an export's tokenizer: any text comes back as it was."""

import random
import types

import pytest
import tensorflow as tf

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.outputs import Outputs
from t2tlite.export import signatures

SPECIAL = [
    *"\u2581\ue000\u258501 \n\t\r\x01\x7f\x85\u200d\u0301\ufeff\uffff\u2028\u202e",
    *("😀", "👩\u200d👧🏽", "the", " circle", "  ", "<s>", "</s>", "<pad>", "漢字"),
]


@pytest.fixture(scope="module")
def copies(run, tmp_path_factory):
    """A signature of a model that writes what it reads, saved and loaded."""

    def decode(features, rows, texts):
        ids = features["inputs"]
        zeros = tf.zeros_like(ids[:, :1], tf.float32)
        noise = tf.concat([ids, tf.fill(tf.shape(ids), 7)], axis=1)  # what comes after the end does not count
        return Outputs(noise[:, None], zeros, zeros)

    options = DecodeOptions(beam_size=1, batch_size=64)
    copying = types.SimpleNamespace(run=run, options=options, decoder=lambda problem: decode)
    made = signatures.of_problem(copying, "translation", scores=False)
    module = tf.Module()
    module.tokenizer = run.vocabulary.tokenizer
    path = tmp_path_factory.mktemp("copies")
    tf.saved_model.save(module, str(path), signatures={one.name: one.function for one in made})
    return tf.saved_model.load(str(path)).signatures["translation"]


def test_any_text_comes_back(copies):
    rng = random.Random(0)
    texts = ["".join(rng.choices(SPECIAL, k=rng.randrange(1, 12))) for _ in range(300)]
    points = [*range(1, 0xD800), *range(0xE000, 0x110000)]
    texts += ["".join(map(chr, rng.choices(points, k=9))) for _ in range(100)]
    found = copies(inputs=tf.constant(texts))
    expected = [text if text.strip() else "" for text in texts]
    assert [text.decode() for text in found["text"].numpy()] == expected
    assert not any(found["error"].numpy())


def test_symbols_are_written_as_by_the_vocabulary(run, copies):
    rng = random.Random(1)
    pieces = [*SPECIAL, "(NP", " )NP", " NN", " (S", "\u2581NN"]
    texts = ["".join(rng.choices(pieces, k=rng.randrange(1, 8))) + "x" for _ in range(200)]
    found = copies(inputs=tf.constant(texts))["text"].numpy()
    vocabulary = run.vocabulary
    assert [text.decode() for text in found] == [vocabulary.decode(vocabulary.encode(text)) for text in texts]


@pytest.mark.parametrize("text", [" leading", "  two  inside  ", "trailing ", "\u2581\u2581", "\0", "a\0b"])
def test_spaces_marks_and_nul_come_back(copies, text):
    assert copies(inputs=tf.constant([text, "a"]))["text"].numpy()[0].decode() == text
