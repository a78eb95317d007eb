"""COCO's caption metrics against published figures, counts by hand, sacreBLEU and brute force."""

import itertools
import math
import random

import numpy as np
import pytest
import sacrebleu

from t2tlite import registry

# The example of the package aac-metrics, with the figures that its documentation and tests tell for it.
OUTPUTS = [["a man is speaking"], ["rain falls"]]
REFERENCES = [
    ["a man speaks.", "someone speaks.", "a man is speaking while a bird is chirping in the background"],
    ["rain is falling hard on a surface"],
]
BLEUS = [f"caption_bleu{n}" for n in (1, 2, 3, 4)]
ALL = [*BLEUS, "caption_rouge_l", "cider_d"]


def score(name, outputs, references):
    return registry.get("metric", name)(outputs, references)


def drawn(seed, size=12):
    """Captions of a few words over and over, with one to four references each."""
    draw = random.Random(seed)

    def caption():
        return " ".join(
            draw.choice("a dog cat runs on the red grass".split()) for _ in range(draw.randint(4, 9))
        )

    references = [[caption() for _ in range(draw.randint(1, 4))] for _ in range(size)]
    outputs = [[draw.choice([caption(), f"{draw.choice(texts)} red"])] for texts in references]
    return outputs, references


def test_published_figures():
    assert score("caption_bleu1", OUTPUTS, REFERENCES) == pytest.approx(42.78, abs=0.005)
    assert score("cider_d", OUTPUTS, REFERENCES) == pytest.approx(0.9614, abs=5e-5)
    # What each of the two adds.
    assert score("cider_d", [OUTPUTS[0], [""]], REFERENCES) == pytest.approx(1.3641 / 2, abs=5e-5)
    assert score("cider_d", [[""], OUTPUTS[1]], REFERENCES) == pytest.approx(0.5587 / 2, abs=5e-5)


def test_bleu_by_hand():
    """5 of 6 words and 3 of 4 pairs are right; 6 words for the closest lengths 3 and 7."""
    brevity = math.exp(1 - 10 / 6)
    assert score("caption_bleu1", OUTPUTS, REFERENCES) == pytest.approx(100 * brevity * 5 / 6)
    assert score("caption_bleu2", OUTPUTS, REFERENCES) == pytest.approx(
        100 * brevity * math.sqrt(5 / 6 * 3 / 4)
    )


@pytest.mark.parametrize("seed", range(3))
def test_bleu_is_sacrebleus_where_there_is_nothing_to_smooth(seed):
    outputs, references = drawn(seed)
    columns = list(itertools.zip_longest(*references))
    for n, name in enumerate(BLEUS, start=1):
        metric = sacrebleu.BLEU(max_ngram_order=n, tokenize="none", smooth_method="none", force=True)
        expected = metric.corpus_score([texts[0] for texts in outputs], columns).score
        assert score(name, outputs, references) == pytest.approx(expected, rel=1e-6)
        assert expected > 5


@pytest.mark.parametrize("longer_first", [False, True])
def test_of_references_equally_near_in_length_the_shorter_counts(longer_first):
    """One of 2 words and one of 6 for an output of 4; another input has 3 words too few."""
    references = [["a b", "a b c d e f"][:: -1 if longer_first else 1], ["a b c d"]]
    outputs = [["a b c d"], ["a"]]
    expected = 100 * math.exp(1 - (2 + 4) / (4 + 1))
    assert score("caption_bleu1", outputs, references) == pytest.approx(expected)
    columns = list(zip(*(texts * (3 - len(texts)) for texts in references), strict=True))
    theirs = sacrebleu.BLEU(max_ngram_order=1, tokenize="none", smooth_method="none", force=True)
    assert theirs.corpus_score([text for [text] in outputs], columns).score == pytest.approx(expected)


def test_rouge_by_hand():
    """Precisions 2/4, 0/4, 4/4 and recalls 2/3, 0/2, 4/11 of the first; 1/2 and 1/7 of the second."""

    def f(precision, recall):
        return (1 + 1.44) * precision * recall / (recall + 1.44 * precision)

    expected = (f(1, 2 / 3) + f(1 / 2, 1 / 7)) / 2
    assert score("caption_rouge_l", OUTPUTS, REFERENCES) == pytest.approx(100 * expected)


def longest_common(a, b):
    """Tries all subsequences of the first."""
    for size in range(len(a), 0, -1):
        for subsequence in itertools.combinations(a, size):
            rest = iter(b)
            if all(word in rest for word in subsequence):
                return size
    return 0


@pytest.mark.parametrize("seed", range(2))
def test_rouge_against_brute_force(seed):
    outputs, references = drawn(seed, 6)
    scores = []
    for [output], texts in zip(outputs, references, strict=True):
        lengths = [longest_common(output.split(), text.split()) for text in texts]
        p = max(length / len(output.split()) for length in lengths)
        r = max(length / len(text.split()) for length, text in zip(lengths, texts, strict=True))
        scores.append((1 + 1.2**2) * p * r / (r + 1.2**2 * p))
    assert score("caption_rouge_l", outputs, references) == pytest.approx(100 * np.mean(scores))


def cider_d_by_vectors(outputs, references):
    """Equations 1 to 4 of the paper with dense float64 vectors over all n-grams that occur."""
    values = np.zeros((len(outputs), 4))
    for n in range(1, 5):

        def grams(text, n=n):
            tokens = text.split()
            return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]

        every = sorted({g for texts in [*outputs, *references] for text in texts for g in grams(text)})
        place = {gram: i for i, gram in enumerate(every)}

        def vector(text, grams=grams, place=place):
            counts = np.zeros(len(place))
            for gram in grams(text):
                counts[place[gram]] += 1
            return counts

        with_gram = sum(np.max([vector(text) > 0 for text in texts], axis=0) for texts in references)
        rarity = np.log(len(references)) - np.log(np.maximum(1.0, with_gram))
        for i, ([output], texts) in enumerate(zip(outputs, references, strict=True)):
            mine = vector(output) * rarity
            for text in texts:
                theirs = vector(text) * rarity
                norm = np.linalg.norm(mine) * np.linalg.norm(theirs)
                cosine = np.minimum(mine, theirs) @ theirs / norm if norm else 0.0
                difference = len(output.split()) - len(text.split())
                values[i, n - 1] += cosine * np.exp(-(difference**2) / 72) / len(texts)
    return 10 * values.mean()


@pytest.mark.parametrize("seed", range(3))
def test_cider_d_against_vectors(seed):
    outputs, references = drawn(seed)
    expected = cider_d_by_vectors(outputs, references)
    assert score("cider_d", outputs, references) == pytest.approx(expected, rel=1e-12)
    assert 0.5 < expected < 9


def test_cider_d_by_hand():
    """Each word, pair and triple is in one of two inputs, so all weigh log 2; two words too many cost."""
    references = [["a b c d"], ["e f g h"]]
    assert score("cider_d", [["a b c d"], [""]], references) == pytest.approx(5)
    cosines = [4 / math.sqrt(4 * 6), 3 / math.sqrt(3 * 5), 2 / math.sqrt(2 * 4), 1 / math.sqrt(1 * 3)]
    expected = 10 * np.mean(cosines) * math.exp(-4 / 72) / 2
    assert score("cider_d", [["a b c d x y"], [""]], references) == pytest.approx(expected)


def test_a_single_input_has_no_rare_words():
    assert score("cider_d", [["a b c d"]], [["a b c d"]]) == 0


@pytest.mark.parametrize("name", ALL)
def test_case_and_punctuation_do_not_matter(name):
    outputs, references = drawn(0)
    loud = [[f"{text.upper()}, ..."] for [text] in outputs]
    assert score(name, loud, references) == score(name, outputs, references) > 0


@pytest.mark.parametrize("name", ALL)
def test_empty_outputs(name):
    _, references = drawn(0)
    assert score(name, [[""]] * 12, references) == 0
    assert score(name, [["."]] * 12, references) == 0
