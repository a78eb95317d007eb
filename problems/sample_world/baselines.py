"""How far one gets in the sample world without learning much: the figures of the README.

python -m t2tlite.problems.sample_world.baselines
"""

import collections
import io
import itertools
import re
from collections.abc import Iterable

import numpy as np
import sacrebleu
from PIL import Image

from t2tlite.metrics.answers import vqa_accuracy
from t2tlite.problem import SPLITS
from t2tlite.problems.sample_world import corpora, writing

PAIRS = (("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en"))
_WORD = re.compile(r"'s\b|[\w-]+(?:'(?!s\b)[\w-]+)*|[^\w\s]")  # king, 's, l'homme, est-ce, and marks


def words(sentence: str) -> list[str]:
    """The words and marks of a sentence, as it stands in a text."""
    return _WORD.findall(sentence)


def bleu(outputs: list[str], references: list[list[str]]) -> float:
    """sacreBLEU's corpus BLEU, 0 to 100."""
    return sacrebleu.corpus_bleu(outputs, references).score


def cooccurrence_dictionary(sources: list[str], targets: list[str]) -> dict[str, str]:
    """For each word the one that most often comes with it and only with it (best Dice coefficient)."""
    source_counts: collections.Counter[str] = collections.Counter()
    target_counts: collections.Counter[str] = collections.Counter()
    together: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for source, target in zip(sources, targets, strict=True):
        source_words, target_words = set(words(source)), sorted(set(words(target)))
        source_counts.update(source_words)
        target_counts.update(target_words)
        for word in source_words:
            together[word].update(target_words)

    def dice(word, other):
        return 2 * together[word][other] / (source_counts[word] + target_counts[other])

    return {word: max(others, key=lambda other: dice(word, other)) for word, others in together.items()}


def alignment_dictionary(sources: list[str], targets: list[str], rounds: int = 6) -> dict[str, str]:
    """For each word its most likely translation under IBM model 1 (Brown et al. 1993)."""
    source_words, target_words = ([words(sentence) for sentence in side] for side in (sources, targets))
    source_ids, target_ids = (
        {word: number for number, word in enumerate(sorted(set(itertools.chain(*side))))}
        for side in (source_words, target_words)
    )
    pairs = [
        (np.array([source_ids[w] for w in source])[:, None], np.array([target_ids[w] for w in target]))
        for source, target in zip(source_words, target_words, strict=True)
    ]
    table = np.full((len(source_ids), len(target_ids)), 1 / len(target_ids))
    for _ in range(rounds):
        counts = np.zeros_like(table)
        for source, target in pairs:
            share = table[source, target]  # [source words, target words]
            np.add.at(counts, (source, target), share / share.sum(0))
        table = counts / counts.sum(1, keepdims=True)
    names = list(target_ids)
    return {word: names[table[number].argmax()] for word, number in source_ids.items()}


def word_for_word(sentence: str, dictionary: dict[str, str]) -> str:
    """Each word replaced, in its place; an unknown word stays."""
    return writing.written([dictionary.get(word, word) for word in words(sentence)])


def translation_figures(source: str, target: str, train: int = 12000) -> dict[str, float]:
    """BLEU on the test split of copying the input and of replacing word for word with two dictionaries.

    Args:
      source: language of the inputs.
      target: language of the targets.
      train: how many training sentences the dictionaries are made from.
    """
    inputs, targets = _columns(itertools.islice(corpora.translation("train", source, target), train))
    test_inputs, references = _columns(corpora.translation("test", source, target))
    figures = {"copy": bleu(test_inputs, [references])}
    for name, learn in (("co-occurrence", cooccurrence_dictionary), ("alignment", alignment_dictionary)):
        dictionary = learn(inputs, targets)
        outputs = [word_for_word(sentence, dictionary) for sentence in test_inputs]
        figures[name] = bleu(outputs, [references])
    return figures


def linear_accuracy(train: int = 8000, epochs: int = 15, rate: float = 0.02) -> float:
    """Share of test images that a linear model of raw pixels gets right, stopped where validation is best.

    Args:
      train: how many training images it sees.
      epochs: how often it sees them.
      rate: step size of its stochastic gradient descent.
    """
    pixels, classes = {}, {}
    for split in SPLITS:
        examples = list(itertools.islice(corpora.images(split), train))
        arrays = [np.asarray(Image.open(io.BytesIO(example["inputs"]))).ravel() for example in examples]
        pixels[split] = np.array(arrays, np.float32) / 255  # [examples, 64 * 64 * 3]
        classes[split] = np.array([corpora.IMAGE_CLASSES.index(example["targets"]) for example in examples])
    mean = pixels["train"].mean(0)
    for split in SPLITS:
        pixels[split] -= mean
    generator = np.random.default_rng(0)
    weights = np.zeros((pixels["train"].shape[1] + 1, len(corpora.IMAGE_CLASSES)), np.float32)
    best = 0.0, 0.0
    for epoch in range(epochs):
        step = rate / (1 + epoch)
        for batch in np.array_split(generator.permutation(len(pixels["train"])), len(pixels["train"]) // 64):
            inputs = pixels["train"][batch]
            scores = inputs @ weights[:-1] + weights[-1]
            shares = np.exp(scores - scores.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            shares[np.arange(len(batch)), classes["train"][batch]] -= 1
            weights[:-1] -= step * inputs.T @ shares / len(batch)
            weights[-1] -= step * shares.mean(0)
        guesses = {split: (pixels[split] @ weights[:-1] + weights[-1]).argmax(1) for split in SPLITS[1:]}
        validation, test = (float((guesses[split] == classes[split]).mean()) for split in SPLITS[1:])
        best = max(best, (validation, test))
    return best[1]


def caption_figures() -> dict[str, float]:
    """BLEU of one caption of a test picture against its other four, and against those of another picture."""
    captions = [example["targets"] for example in corpora.captions("test")]
    others = captions[1:] + captions[:1]
    agreement, blind = [], []
    for left_out in range(5):
        outputs = [five[left_out] for five in captions]
        kept = [number for number in range(5) if number != left_out]
        agreement.append(bleu(outputs, [[five[number] for five in captions] for number in kept]))
        blind.append(bleu(outputs, [[five[number] for five in others] for number in kept]))
    return {"of the picture": float(np.mean(agreement)), "of another picture": float(np.mean(blind))}


def constant_error_rate(candidates: int = 100) -> float:
    """Word error rate on the test split of always answering the one sentence that suits validation best."""
    counts = corpora.COUNTS["speech"] | {"train": candidates}
    answers, validation, test = (
        [corpora.speech_text(split, index).split() for index in range(counts[split])] for split in SPLITS
    )
    best = min(answers, key=lambda answer: sum(_distance(answer, words) for words in validation))
    return sum(_distance(best, words) for words in test) / sum(len(words) for words in test)


def answer_figures(train: int = 12000, test: int = 600) -> dict[str, float]:
    """VQA accuracy, 0 to 100, without looking: the most frequent answer of all, and of the question.

    Args:
      train: of how many training questions answers are counted.
      test: how many test questions are answered.
    """
    overall: collections.Counter[str] = collections.Counter()
    by_question: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for example in itertools.islice(corpora.visual_questions("train"), train):
        overall.update(example["targets"])
        by_question[example["inputs"]["question"]].update(example["targets"])
    examples = list(itertools.islice(corpora.visual_questions("test"), test))
    references = [example["targets"] for example in examples]
    counts = [by_question[example["inputs"]["question"]] or overall for example in examples]
    return {
        "of all": vqa_accuracy([_most(overall)] * len(references), references),
        "of the question": vqa_accuracy([_most(count) for count in counts], references),
    }


def vocabulary(sentences: Iterable[str]) -> set[str]:
    """The distinct words in lower case, without punctuation."""
    return {word.lower() for sentence in sentences for word in words(sentence) if any(map(str.isalpha, word))}


def main() -> None:
    """Prints the figures."""
    for language in ("en", "de", "fr"):
        sentences, _ = _columns(corpora.translation("train", language, "en"))
        lengths = [len(writing.spoken(words(sentence))) for sentence in sentences]
        print(f"{language}: {len(vocabulary(sentences))} words, mean length {np.mean(lengths):.1f}")
    for source, target in PAIRS:
        figures = translation_figures(source, target)
        print(f"{source}-{target} BLEU:", ", ".join(f"{name} {value:.1f}" for name, value in figures.items()))
    print("captions BLEU-4:", ", ".join(f"{name} {value:.1f}" for name, value in caption_figures().items()))
    figures = answer_figures()
    print("questions, the most frequent answer:", ", ".join(f"{n} {v:.1f}" for n, v in figures.items()))
    print(f"speech, always the same answer: word error rate {100 * constant_error_rate():.1f}%")
    print(f"images, a linear model of the pixels: {100 * linear_accuracy():.1f}% right")


def _most(counts: collections.Counter) -> list[str]:
    return [counts.most_common(1)[0][0]]


def _columns(examples: Iterable[dict]) -> tuple[list[str], list[str]]:
    inputs, targets = zip(*((example["inputs"], example["targets"]) for example in examples), strict=True)
    return list(inputs), list(targets)


def _distance(first: list[str], second: list[str]) -> int:
    """Levenshtein's distance in words."""
    row = list(range(len(second) + 1))
    for number, word in enumerate(first, 1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(second, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]


if __name__ == "__main__":
    main()
