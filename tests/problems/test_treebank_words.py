"""Sentences as people write them to the Treebank's words."""

import pytest

from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import corpora
from t2tlite.problems.treebank_words import treebank_words


@pytest.mark.parametrize(
    "sentence,words",
    [
        ("My dog is hungry.", "My dog is hungry ."),
        ("They wrote the king's blue letter yesterday.", "They wrote the king 's blue letter yesterday ."),
        ("Is it the boys' ball?", "Is it the boys ' ball ?"),
        ("I can't, won't and cannot go!", "I ca n't , wo n't and can not go !"),
        ("He’s here; they'll see we've won.", "He 's here ; they 'll see we 've won ."),
        ('"It is late," he said.', "`` It is late , '' he said ."),
        ('He said: "It is late."', "He said : `` It is late . ''"),
        ("“Go on.”", "`` Go on . ''"),
        (
            "Mr. Smith of the U.S. paid $1,000.50 (or 5%).",
            "Mr. Smith of the U.S. paid $ 1,000.50 -LRB- or 5 % -RRB- .",
        ),
        ("The train leaves at 10:30 -- or later...", "The train leaves at 10:30 -- or later ..."),
        ("Johnson & Johnson and AT&T met.", "Johnson & Johnson and AT&T met ."),
        ("A well-known man sleeps  at  five o'clock", "A well-known man sleeps at five o'clock"),
        ("He works for Apple Inc.", "He works for Apple Inc."),
        ("I'm gonna stay.", "I 'm gon na stay ."),
        ("", ""),
    ],
)
def test_words(sentence, words):
    assert treebank_words(sentence) == words
    assert treebank_words(words) == words  # what has been parted stays


def test_the_sample_worlds_sentences_become_the_words_of_their_trees():
    for index, example in enumerate(sample_world.parsing("test")):
        written = corpora.translation_example("test", "en", "de", index)["inputs"]
        assert treebank_words(written) == example["inputs"]
        assert treebank_words(example["inputs"]) == example["inputs"]
