"""Words of captions, as Stanford's tokenizer splits them (its documented rules), without punctuation."""

import pytest

from t2tlite.metrics.caption_words import ngrams, words


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A red Circle, on a table.", "a red circle on a table"),
        ("The man's dog doesn't wear a t-shirt!", "the man 's dog does n't wear a t-shirt"),
        ("the man’s dog can't", "the man 's dog ca n't"),
        ("it is 10:30 a.m. at Mr. Hill's", "it is 10:30 a.m. at mr. hill 's"),
        ("3.5% of $1,000, the dogs' (two)", "3.5 % of $ 1,000 the dogs ( two )"),
        ("a black and/or white cat - or -- two...", "a black and/or white cat or two"),
        ("a sign says \"STOP\"; ``no'' `entry'?", "a sign says stop no entry"),
        ("they cannot, I'm gonna, you wanna go", "they can not i 'm gon na you wan na go"),
        ("oh no. ein größeres Quadrat", "oh no ein größeres quadrat"),
        ("a banana at a gotten cannery", "a banana at a gotten cannery"),
        ("  \n", ""),
    ],
)
def test_words(caption, expected):
    assert words(caption) == expected.split()


def test_ngrams():
    assert ngrams("a b a b".split(), 2) == {("a", "b"): 2, ("b", "a"): 1}
    assert ngrams(["a"], 2) == {}
