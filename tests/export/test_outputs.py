"""What signatures write; and from text to text through an export's tokenizer any text comes back."""

import random
import types

import pytest
import tensorflow as tf

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.export import outputs, signatures

SPECIAL = [
    *"\u2581\ue000\u258501 \n\t\r\x01\x7f\x85\u200d\u0301\ufeff\uffff\u2028\u202e",
    *("😀", "👩\u200d👧🏽", "the", " circle", "  ", "<s>", "</s>", "<pad>", "漢字"),
]


def writes(decoded, all_of_them):
    """What `Texts` makes of what a search found; ids are written as digits."""
    vocabulary = types.SimpleNamespace(
        detokenize=lambda ids: tf.strings.reduce_join(tf.strings.as_string(ids), axis=1)
    )
    predictor = types.SimpleNamespace(
        run=types.SimpleNamespace(vocabulary=vocabulary),
        decoder=lambda problem: lambda features, rows, texts: decoded,
        options=types.SimpleNamespace(return_beams=all_of_them, outputs=2),
    )
    writer = outputs.Texts(predictor, "any")
    written = writer.write({}, tf.range(2), None)
    for name, spec in writer.specs.items():
        assert spec.is_compatible_with(written[name])
    return {name: values.numpy().tolist() for name, values in written.items()}


def test_the_best_text_or_all_of_them():
    nothing = float("-inf")
    decoded = Outputs(
        tf.constant([[[2, 3], [4, 5]], [[6, 7], [8, 9]]]),
        tf.constant([[-1.0, -2.0], [-3.0, nothing]]),
        tf.constant([[-0.5, -0.75], [-1.5, nothing]]),
    )
    assert writes(decoded, all_of_them=True) == {
        "text": [[b"23", b"45"], [b"67", b""]],  # there is no second one
        "log_probability": [[-1.0, -2.0], [-3.0, nothing]],
        "score": [[-0.5, -0.75], [-1.5, nothing]],
    }
    assert writes(decoded, all_of_them=False) == {
        "text": [b"23", b"67"],
        "log_probability": [-1.0, -3.0],
        "score": [-0.5, -1.5],
    }


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 9])
def test_the_five_likeliest_classes_or_as_many_as_there_are(count):
    names = [f"class {number}" for number in range(count)]
    rows = [random.Random(seed).sample(range(100), count) for seed in range(3)]
    predictor = types.SimpleNamespace(
        run=types.SimpleNamespace(labels={"any": names}),
        reader=lambda problem: types.SimpleNamespace(spec={}),
        compiled=types.SimpleNamespace(
            probabilities=lambda problem, spec: lambda features: tf.constant(rows, tf.float32)
        ),
    )
    writer = outputs.Classes(predictor, "any")
    written = writer.write({}, tf.range(3), None)
    assert writer.specs["label"].shape == writer.specs["probability"].shape == [None, min(5, count)]
    for row, labels, probabilities in zip(rows, written["label"], written["probability"], strict=True):
        best = sorted(zip(row, names, strict=True), reverse=True)[:5]
        class_names = [label.decode() for label in labels.numpy()]
        assert list(zip(probabilities.numpy(), class_names, strict=True)) == best


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
    all_signatures = signatures.of_problem(copying, "translation", scores=False)
    module = tf.Module()
    module.tokenizer = run.vocabulary.tokenizer
    path = tmp_path_factory.mktemp("copies")
    tf.saved_model.save(module, str(path), signatures={one.name: one.function for one in all_signatures})
    return tf.saved_model.load(str(path)).signatures["translation"]


def test_any_text_comes_back(copies):
    rng = random.Random(0)
    texts = ["".join(rng.choices(SPECIAL, k=rng.randrange(1, 12))) for _ in range(300)]
    points = [*range(1, 0xD800), *range(0xE000, 0x110000)]
    texts += ["".join(map(chr, rng.choices(points, k=9))) for _ in range(100)]
    outputs = copies(inputs=tf.constant(texts))
    expected = [text if text.strip() else "" for text in texts]
    assert [text.decode() for text in outputs["text"].numpy()] == expected
    assert not any(outputs["error"].numpy())


def test_symbols_are_written_as_by_the_vocabulary(run, copies):
    rng = random.Random(1)
    pieces = [*SPECIAL, "(NP", " )NP", " NN", " (S", "\u2581NN"]
    texts = ["".join(rng.choices(pieces, k=rng.randrange(1, 8))) + "x" for _ in range(200)]
    outputs = copies(inputs=tf.constant(texts))["text"].numpy()
    vocabulary = run.vocabulary
    assert [text.decode() for text in outputs] == [
        vocabulary.decode(vocabulary.encode(text)) for text in texts
    ]


@pytest.mark.parametrize("text", [" leading", "  two  inside  ", "trailing ", "\u2581\u2581", "\0", "a\0b"])
def test_spaces_marks_and_nul_come_back(copies, text):
    assert copies(inputs=tf.constant([text, "a"]))["text"].numpy()[0].decode() == text
