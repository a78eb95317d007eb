"""The corpora: generators of examples, each computed from its split and number alone."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from t2tlite.problem import SPLITS, Pieces
from t2tlite.problems.sample_world import (
    captioning,
    drawing,
    english,
    events,
    french,
    german,
    pictures,
    questions,
    trees,
    utterances,
    voice,
)
from t2tlite.problems.sample_world.draws import Draws, check_split, draw
from t2tlite.problems.sample_world.scene import Clause

IMAGE_CLASSES: tuple[str, ...] = pictures.KINDS
ANSWERS: tuple[str, ...] = questions.ANSWERS
LANGUAGES = {"en": events.english_sentence, "de": german.sentence, "fr": french.sentence}
COUNTS = {
    "translation": {"train": 12000, "validation": 300, "test": 300},
    "parsing": {"train": 6000, "validation": 300, "test": 300},
    "images": {"train": 8000, "validation": 300, "test": 300},
    "captions": {"train": 5000, "validation": 300, "test": 300},
    "speech": {"train": 5000, "validation": 300, "test": 300},
    "questions": {"train": 12000, "validation": 600, "test": 600},
}
_EVENT, _IMAGE, _CAPTION, _SPEECH, _NOISE, _QUESTION = range(6)
_PIECE = 1000  # examples


def translation(split: str, source: str, target: str) -> Pieces:
    """Sentence pairs; the same number means the same in every language.

    Args:
      split: train, validation or test.
      source: language of the inputs: en, de or fr.
      target: language of the targets.

    Returns:
      Pieces of {"inputs": sentence, "targets": sentence}, words and punctuation separated by spaces.

    Raises:
      ValueError: no such split or language.
    """
    for name, language in (("source", source), ("target", target)):
        if language not in LANGUAGES:
            raise ValueError(
                f"`{name}` must be one of {', '.join(LANGUAGES)}. Received: {name}={language!r}."
            )
    return _pieces("translation", split, functools.partial(_translated, source, target))


def translation_example(split: str, source: str, target: str, index: int) -> dict[str, str]:
    """The sentence pair `index` of a split; see `translation`."""
    clause = _event(split, index)
    return {"inputs": LANGUAGES[source](clause), "targets": LANGUAGES[target](clause)}


def parsing(split: str) -> Pieces:
    """English sentences and their trees in the Penn Treebank's brackets; the sentences of `translation`.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": sentence, "targets": "(TOP (S ...))"}.
    """
    return _pieces("parsing", split, parsing_example)


def parsing_example(split: str, index: int) -> dict[str, str]:
    """The parsed sentence `index` of a split; see `parsing`."""
    tree = english.sentence(_event(split, index))
    return {"inputs": " ".join(trees.leaves(tree)), "targets": trees.bracket(tree)}


def images(split: str) -> Pieces:
    """Pictures of one thing, and what it is.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": bytes of a PNG file of 64 x 64 pixels, "targets": one of IMAGE_CLASSES}.
    """
    return _pieces("images", split, images_example)


def images_example(split: str, index: int) -> dict[str, bytes | str]:
    """The picture `index` of a split; see `images`."""
    picture = draw(_IMAGE, split, index, pictures.single, pictures.describe)
    encoded = _png(_IMAGE, split, index, picture.background, picture.things)
    return {"inputs": encoded, "targets": picture.main.kind}


def captions(split: str) -> Pieces:
    """Pictures of one or two things, with five captions each.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": bytes of a PNG file of 64 x 64 pixels, "targets": five sentences, lower case, each
      ending in " ."}.
    """
    return _pieces("captions", split, captions_example)


def captions_example(split: str, index: int) -> dict[str, bytes | list[str]]:
    """The captioned picture `index` of a split; see `captions`."""
    picture = _described(split, index)
    words = Draws(_NOISE, _CAPTION, SPLITS.index(split), index, 1)
    encoded = _png(_CAPTION, split, index, picture.background, picture.things)
    return {"inputs": encoded, "targets": captioning.five(picture, words)}


def visual_questions(split: str) -> Pieces:
    """Pictures of one to four things with a question; each question comes twice in a row, with two pictures.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": {"picture": bytes of a PNG file of 64 x 64 pixels, "question": words separated by
      spaces}, "targets": ten of ANSWERS}. The right answers of the two pictures differ.
    """
    return _pieces("questions", split, visual_questions_example)


def visual_questions_example(split: str, index: int) -> dict[str, dict | list[str]]:
    """The question `index` of a split, with its picture; see `visual_questions`."""
    asked, which = _asked(split, index // 2), index % 2
    scene = asked.scenes[which]
    draws = Draws(_NOISE, _QUESTION, SPLITS.index(split), index, 1)
    things = questions.things(scene, draws)
    picture = _png(_QUESTION, split, index, scene.background, things)
    answers = questions.annotated(asked.answers[which], asked.choices, draws)
    return {"inputs": {"picture": picture, "question": asked.question}, "targets": answers}


def speech(split: str) -> Pieces:
    """Short spoken sentences.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": waveform, float32 [samples] in [-1, 1], 16000 samples a second, "targets": the
      words, lower case, without punctuation}.
    """
    return _pieces("speech", split, speech_example)


def speech_example(split: str, index: int) -> dict[str, np.ndarray | str]:
    """The utterance `index` of a split; see `speech`."""
    text = speech_text(split, index)
    draws = Draws(_NOISE, _SPEECH, SPLITS.index(split), index)
    return {"inputs": voice.say(text.split(), draws.pick(voice.SPEAKERS), draws), "targets": text}


def speech_text(split: str, index: int) -> str:
    """What is said in utterance `index` of a split, without the cost of saying it."""
    return _plain_text(draw(_SPEECH, split, index, utterances.utterance, _plain_text))


def _pieces(corpus: str, split: str, example: Callable[[str, int], dict]) -> Pieces:
    check_split(split)
    count = COUNTS[corpus][split]
    parts = [(first, min(first + _PIECE, count)) for first in range(0, count, _PIECE)]
    return Pieces(functools.partial(_examples, example, split), parts, count)


def _examples(example: Callable[[str, int], dict], split: str, part: tuple[int, int]) -> Iterator[dict]:
    for index in range(*part):
        yield example(split, index)


def _translated(source: str, target: str, split: str, index: int) -> dict[str, str]:
    return translation_example(split, source, target, index)


def _event(split: str, index: int) -> Clause:
    return draw(_EVENT, split, index, events.event, _plain_text)


def _described(split: str, index: int) -> pictures.Picture:
    return draw(_CAPTION, split, index, pictures.described, pictures.abstract)


def _plain_text(clause: Clause) -> str:
    """The words of the English sentence: a sentence is in the same split wherever it is used."""
    return " ".join(events.words_of(events.english_sentence(clause)))


@functools.lru_cache(maxsize=1)  # both pictures of a question are made in turn
def _asked(split: str, number: int) -> questions.Asked:
    def describe(asked):
        return questions.describe(asked.question, asked.scenes[0])

    return draw(_QUESTION, split, number, functools.partial(questions.asked, split, number), describe)


def _png(subject: int, split: str, index: int, background: str, things: list[drawing.Thing]) -> bytes:
    noise = Draws(_NOISE, subject, SPLITS.index(split), index).generator
    return drawing.png(drawing.render(background, things, noise))
