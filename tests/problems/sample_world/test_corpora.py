"""The corpora: counts, splits, determinism, vocabulary."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from t2tlite.problem import SPLITS
from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import (
    baselines,
    captioning,
    corpora,
    draws,
    english,
    entities,
    words,
    writing,
)

HELD_OUT = ("validation", "test")


@pytest.fixture(scope="module")
def clauses():
    """The meanings of all sentences of the translation corpus."""
    return {
        split: [corpora._told(split, index) for index in range(count)]
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
    lengths = [
        len(writing.spoken(baselines.words(sentence))) for sentence in itertools.chain(*sentences.values())
    ]
    assert min(lengths) >= 3 and max(lengths) <= 15


def test_held_out_words_occur_in_training(sentences):
    assert baselines.vocabulary(sentences["test"]) <= baselines.vocabulary(sentences["train"])


def told_in(language, split, most):
    """All sentences of a language in a split, whichever corpus they are of, by their words alone."""
    counts = {name: min(counts[split], most) for name, counts in corpora.COUNTS.items()}
    clauses = [corpora._told(split, index) for index in range(counts["translation"])]
    clauses += [corpora._said(split, index) for index in range(counts["speech"])]
    for index in range(counts["captions"]):
        clauses += captioning.ways(corpora._described(split, index))
    return {" ".join(writing.spoken(language.words(clause))) for clause in clauses}


@pytest.mark.parametrize("language", [english, corpora.german, corpora.french])
def test_a_sentence_is_in_one_split_wherever_it_is_used(language):
    train = told_in(language, "train", 4000)
    for split in HELD_OUT:
        assert not told_in(language, split, 300) & train


def test_a_third_of_what_is_told_and_said_describes_pictures(clauses):
    grounds = {"water", "grass", "sand", "snow"}
    for meanings in (clauses["train"][:300], [corpora._said("train", index) for index in range(300)]):
        scenes = 0
        for clause in meanings:
            said = set(writing.spoken(english.words(clause)))
            if said & grounds or said & {"above", "below", "left", "right"}:
                scenes += 1
                kinds = {word for word in said if word in corpora.pictures.KINDS}
                assert 1 <= len(kinds) <= 2
                assert said & set(corpora.drawing.COLOURS)
        assert scenes == 100


def test_captions_are_the_same_in_all_languages():
    for index in range(20):
        german = corpora.captions_example("test", index, "de")
        english_ones = corpora.captions_example("test", index)
        assert german["inputs"] == english_ones["inputs"]
        ways = captioning.ways(corpora._described("test", index))
        pairs = {(corpora.LANGUAGES["en"](way), corpora.LANGUAGES["de"](way)) for way in ways}
        assert set(zip(english_ones["targets"], german["targets"], strict=True)) <= pairs
    assert sum(1 for _ in itertools.islice(sample_world.captions("test", "fr"), 3)) == 3


def test_speech_translated_and_parsed_is_the_speech():
    for index, (german, parsed) in enumerate(
        zip(
            itertools.islice(sample_world.speech_translation("test", "de"), 6),
            sample_world.speech_parsing("test"),
            strict=False,
        )
    ):
        said = corpora.speech_example("test", index)
        np.testing.assert_array_equal(german["inputs"], said["inputs"])
        np.testing.assert_array_equal(parsed["inputs"], said["inputs"])
        leaves = corpora.trees.leaves(corpora.trees.parse(parsed["targets"]))
        assert " ".join(writing.spoken(leaves)) == said["targets"]
        assert german["targets"] == corpora.LANGUAGES["de"](corpora._said("test", index))


def test_the_split_of_a_sentence_is_by_its_words():
    for split in SPLITS:
        for index in (0, 1, 3, 4):  # no scenes
            text = corpora.translation_example(split, "en", "de", index)["inputs"]
            assert draws.split_of(" ".join(writing.spoken(baselines.words(text)))) == split
            assert draws.split_of(corpora.speech_example(split, index)["targets"]) == split


def test_sentences_are_written_as_people_do(sentences):
    for sentence in sentences["test"]:
        assert sentence[0].isupper() and sentence[-1] in ".?"
        assert " ." not in sentence and " ," not in sentence and " '" not in sentence
        assert "  " not in sentence and sentence.strip() == sentence


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
    assert german["inputs"] == french["inputs"]
    parsed = corpora.parsing_example("test", 7)["inputs"].split()
    assert writing.written(parsed) == german["inputs"]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`split` must be one of train, validation, test"):
        sample_world.images("dev")
    with pytest.raises(ValueError, match="`target` must be one of en, de, fr"):
        sample_world.translation("train", "en", "nl")
    with pytest.raises(ValueError, match="`target` must be one of en, de, fr"):
        sample_world.speech_translation("train", "nl")
    with pytest.raises(ValueError, match="`language` must be one of en, de, fr"):
        sample_world.captions("train", "nl")


def test_the_world_needs_no_tensorflow():
    check = "import sys, t2tlite.problems.sample_world; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", check], check=False).returncode == 0


def test_every_noun_and_verb_of_the_tables_is_read():
    assert len(corpora.pictures.KINDS) >= 20
    assert set(corpora.pictures.KINDS) <= set(entities.lexicon.NOUNS)
    assert len(entities.lexicon.NOUNS) == len(words.NOUNS.strip().splitlines())
