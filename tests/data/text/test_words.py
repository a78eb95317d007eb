"""Words are counted in the graph as Python counts them."""

import random
import sys

import tensorflow as tf

from t2tlite.data.text.words import count_words


def assert_counted(texts):
    counts = tf.function(count_words, autograph=False)(tf.constant(texts, tf.string)).numpy()
    assert counts.tolist() == [len(text.split()) for text in texts]


def test_every_character():
    """Between two letters, at the beginning and at the end."""
    points = [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]
    marks = [*filter(str.isspace, map(chr, points)), *map(chr, random.Random(0).sample(points, 3000))]
    marks += [*map(chr, range(0x3100)), "\u2581", "\ue000", "\ufeff", "\uffff"]
    assert_counted([f"a{mark}b{mark}{mark}c" for mark in marks])
    assert_counted([f"{mark}a{mark}" for mark in marks])
    assert_counted([*marks, "", " ", "a"])


def test_texts_of_all_kinds():
    draw = random.Random(1)
    parts = [
        "a",
        "dog",
        "\u6f22\u5b57",
        "\U0001f600",
        "\u200d",
        "\u200b",
        "\0",
        "(",
        *" \t\n\x1c\x85\xa0\u2003\u3000",
    ]
    assert_counted(["".join(draw.choices(parts, k=draw.randrange(30))) for _ in range(2000)])


def test_no_texts():
    assert_counted([])
