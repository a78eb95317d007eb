"""The corpora: counts, splits, determinism, vocabulary."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from t2tlite.problem import SPLITS
from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import baselines, corpora, draws, entities, events, words

HELD_OUT = ("validation", "test")


@pytest.fixture(scope="module")
def clauses():
    """The meanings of all sentences of the translation corpus."""
    return {
        split: [corpora._event(split, index) for index in range(count)]
        for split, count in corpora.COUNTS["translation"].items()
    }


@pytest.fixture(scope="module", params=["en", "de", "fr"])
def sentences(request, clauses):
    """The sentences of the translation corpus in one language."""
    tell = corpora.LANGUAGES[request.param]
    return {split: [tell(clause) for clause in clauses[split]] for split in clauses}


def test_held_out_splits_are_large_enough_for_a_figure():
    for counts in corpora.COUNTS.values():
        assert min(counts[split] for split in HELD_OUT) >= 300


def test_streams_have_the_counts_they_announce():
    assert sum(1 for _ in sample_world.translation("test", "en", "de")) == 300
    assert sum(1 for _ in sample_world.images("test")) == 300


def test_splits_share_no_sentence(sentences):
    kept = {split: set(sentences[split]) for split in sentences}
    for first, second in itertools.combinations(kept, 2):
        assert not kept[first] & kept[second]


def test_sentences_of_a_split_are_distinct(sentences):
    assert len(set(sentences["train"])) > 0.99 * len(sentences["train"])
    for split in HELD_OUT:
        assert len(set(sentences[split])) > 0.99 * len(sentences[split])


def test_a_sentence_has_one_translation(clauses):
    for source, target in itertools.permutations(corpora.LANGUAGES, 2):
        translations = {}
        for clause in clauses["train"]:
            text = corpora.LANGUAGES[target](clause)
            assert translations.setdefault(corpora.LANGUAGES[source](clause), text) == text


def test_vocabulary_and_lengths(sentences):
    assert len(baselines.vocabulary(sentences["train"])) >= 200
    lengths = [len(events.words_of(sentence)) for sentence in itertools.chain(*sentences.values())]
    assert min(lengths) >= 3 and max(lengths) <= 15


def test_held_out_words_occur_in_training(sentences):
    assert baselines.vocabulary(sentences["test"]) <= baselines.vocabulary(sentences["train"])


def test_speech_and_captions_share_no_text_between_splits():
    said, shown = {}, {}
    for split, count in (("train", 1500), ("validation", 100), ("test", 100)):
        said[split] = {corpora.speech_text(split, index) for index in range(count)}
        shown[split] = {corpora.pictures.abstract(corpora._described(split, index)) for index in range(count)}
    for split in HELD_OUT:
        assert not said[split] & said["train"]
        assert not shown[split] & shown["train"]


def test_a_sentence_is_in_the_same_split_wherever_it_is_used():
    for split in SPLITS:
        for index in range(20):
            text = corpora.translation_example(split, "en", "de", index)["inputs"]
            assert draws.split_of(" ".join(events.words_of(text))) == split
            assert draws.split_of(corpora.speech_example(split, index)["targets"]) == split


def test_an_example_alone_is_the_streamed_one():
    streams = (
        (lambda: sample_world.translation("train", "de", "en"), corpora.translation_example, ("de", "en")),
        (lambda: sample_world.parsing("train"), corpora.parsing_example, ()),
        (lambda: sample_world.images("train"), corpora.images_example, ()),
        (lambda: sample_world.captions("train"), corpora.captions_example, ()),
        (lambda: sample_world.speech("train"), corpora.speech_example, ()),
    )
    for stream, example, more in streams:
        for index, streamed in enumerate(itertools.islice(stream(), 4)):
            alone = example("train", *more, index)
            np.testing.assert_array_equal(alone["inputs"], streamed["inputs"])
            assert alone["targets"] == streamed["targets"]


def test_the_same_number_means_the_same_in_every_pair():
    german = corpora.translation_example("test", "en", "de", 7)
    french = corpora.translation_example("test", "en", "fr", 7)
    assert german["inputs"] == french["inputs"] == corpora.parsing_example("test", 7)["inputs"]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`split` must be one of train, validation, test"):
        sample_world.images("dev")
    with pytest.raises(ValueError, match="`target` must be one of en, de, fr"):
        sample_world.translation("train", "en", "nl")


def test_the_world_needs_no_tensorflow():
    check = "import sys, t2tlite.problems.sample_world; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", check], check=False).returncode == 0


def test_every_noun_and_verb_of_the_tables_is_read():
    assert len(corpora.pictures.KINDS) >= 20
    assert set(corpora.pictures.KINDS) <= set(entities.lexicon.NOUNS)
    assert len(entities.lexicon.NOUNS) == len(words.NOUNS.strip().splitlines())
