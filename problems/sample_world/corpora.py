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
    writing,
)
from t2tlite.problems.sample_world.draws import Draws, check_split, draw
from t2tlite.problems.sample_world.scene import Clause

IMAGE_CLASSES: tuple[str, ...] = pictures.KINDS
ANSWERS: tuple[str, ...] = questions.ANSWERS
LANGUAGES = {"en": english.sentence, "de": german.sentence, "fr": french.sentence}
COUNTS = {
    "translation": {"train": 12000, "validation": 300, "test": 300},
    "parsing": {"train": 6000, "validation": 300, "test": 300},
    "images": {"train": 8000, "validation": 300, "test": 300},
    "captions": {"train": 5000, "validation": 300, "test": 300},
    "speech": {"train": 5000, "validation": 300, "test": 300},
    "questions": {"train": 12000, "validation": 600, "test": 600},
}
_EVENT, _IMAGE, _CAPTION, _SPEECH, _NOISE, _QUESTION, _SCENE, _SAID_SCENE = range(8)
_SCENES = 3  # every third sentence, written or said, describes a picture that could be drawn
_PIECE = 1000  # examples


def translation(split: str, source: str, target: str) -> Pieces:
    """Sentence pairs; the same number means the same in every language.

    Args:
      split: train, validation or test.
      source: language of the inputs: en, de or fr.
      target: language of the targets.

    Returns:
      Pieces of {"inputs": sentence, "targets": sentence}, as people write them.

    Raises:
      ValueError: no such split or language.
    """
    _check_language("source", source)
    _check_language("target", target)
    return _pieces("translation", split, functools.partial(_translated, source, target))


def translation_example(split: str, source: str, target: str, index: int) -> dict[str, str]:
    """The sentence pair `index` of a split; see `translation`."""
    clause = _told(split, index)
    return {"inputs": LANGUAGES[source](clause), "targets": LANGUAGES[target](clause)}


def parsing(split: str) -> Pieces:
    """English sentences and their trees in the Penn Treebank's brackets; the sentences of `translation`.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": sentence, "targets": "(TOP (S ...))"}; words and marks of the sentences are parted
      by spaces, as in the Treebank.
    """
    return _pieces("parsing", split, parsing_example)


def parsing_example(split: str, index: int) -> dict[str, str]:
    """The parsed sentence `index` of a split; see `parsing`."""
    tree = english.tree(_told(split, index))
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


def captions(split: str, language: str = "en") -> Pieces:
    """Pictures of one or two things, with five captions each.

    Args:
      split: train, validation or test.
      language: en, de or fr; the same pictures with the same captions in each.

    Returns:
      Pieces of {"inputs": bytes of a PNG file of 64 x 64 pixels, "targets": five sentences or names}.

    Raises:
      ValueError: no such split or language.
    """
    _check_language("language", language)
    return _pieces("captions", split, functools.partial(captions_example, language=language))


def captions_example(split: str, index: int, language: str = "en") -> dict[str, bytes | list[str]]:
    """The captioned picture `index` of a split; see `captions`."""
    picture = _described(split, index)
    captions = captioning.five(picture, Draws(_NOISE, _CAPTION, SPLITS.index(split), index, 1))
    encoded = _png(_CAPTION, split, index, picture.background, picture.things)
    return {"inputs": encoded, "targets": [LANGUAGES[language](caption) for caption in captions]}


def visual_questions(split: str) -> Pieces:
    """Pictures of one to four things with a question; each question comes twice in a row, with two pictures.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": {"picture": bytes of a PNG file of 64 x 64 pixels, "question": text},
      "targets": ten of ANSWERS}. The right answers of the two pictures differ.
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
    return {
        "inputs": {"picture": picture, "question": writing.written(asked.question.split())},
        "targets": answers,
    }


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
    return {"inputs": _wave(split, index), "targets": speech_text(split, index)}


def speech_text(split: str, index: int) -> str:
    """What is said in utterance `index` of a split, without the cost of saying it."""
    return _plain_text(_said(split, index))


def speech_translation(split: str, target: str) -> Pieces:
    """The utterances of `speech`, translated.

    Args:
      split: train, validation or test.
      target: language of the targets: de or fr.

    Returns:
      Pieces of {"inputs": waveform, "targets": sentence as people write it}.

    Raises:
      ValueError: no such split or language.
    """
    _check_language("target", target)
    return _pieces("speech", split, functools.partial(_translated_speech, target))


def speech_parsing(split: str) -> Pieces:
    """The utterances of `speech`, with the trees of the English sentences.

    Args:
      split: train, validation or test.

    Returns:
      Pieces of {"inputs": waveform, "targets": "(TOP (S ...))"}.
    """
    return _pieces("speech", split, _parsed_speech)


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


def _translated_speech(target: str, split: str, index: int) -> dict[str, np.ndarray | str]:
    return {"inputs": _wave(split, index), "targets": LANGUAGES[target](_said(split, index))}


def _parsed_speech(split: str, index: int) -> dict[str, np.ndarray | str]:
    return {"inputs": _wave(split, index), "targets": trees.bracket(english.tree(_said(split, index)))}


def _wave(split: str, index: int) -> np.ndarray:
    draws = Draws(_NOISE, _SPEECH, SPLITS.index(split), index)
    return voice.say(speech_text(split, index).split(), draws.pick(voice.SPEAKERS), draws)


def _told(split: str, index: int) -> Clause:
    """What sentence `index` of translations and parsing says."""
    if _is_scene(index):
        return _scene(split, index, _SCENE, 0.2)
    return draw(_EVENT, split, index, events.event, _plain_text)


def _said(split: str, index: int) -> Clause:
    """What is said in utterance `index`."""
    if _is_scene(index):
        return _scene(split, index, _SAID_SCENE, 0.5, utterances.MOST_WORDS)
    return draw(_SPEECH, split, index, utterances.utterance, _plain_text)


def _is_scene(index: int) -> bool:
    return index % _SCENES == _SCENES - 1


def _scene(split: str, index: int, subject: int, alone: float, most_words: int | None = None) -> Clause:
    """What is said of a picture; the split is the picture's, so captions of another split are not among it.

    Args:
      split, index, subject: as of `draw`.
      alone: the probability of one thing.
      most_words: how many words may be said; None: any number.
    """

    def make(draws: Draws) -> tuple[pictures.Picture, Clause] | None:
        picture = pictures.described(draws, alone)
        clause = draws.pick(captioning.ways(picture))
        short = most_words is None or len(writing.spoken(english.words(clause))) <= most_words
        return (picture, clause) if short else None

    _, clause = draw(subject, split, index, make, lambda made: pictures.abstract(made[0]))
    return clause


def _described(split: str, index: int) -> pictures.Picture:
    return draw(_CAPTION, split, index, pictures.described, pictures.abstract)


def _plain_text(clause: Clause) -> str:
    """The words of the English sentence: a sentence is in the same split wherever it is used."""
    return " ".join(writing.spoken(english.words(clause)))


def _check_language(name: str, language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"`{name}` must be one of {', '.join(LANGUAGES)}. Received: {name}={language!r}.")


@functools.lru_cache(maxsize=1)  # both pictures of a question are made in turn
def _asked(split: str, number: int) -> questions.Asked:
    def describe(asked):
        return questions.describe(asked.question, asked.scenes[0])

    return draw(_QUESTION, split, number, functools.partial(questions.asked, split, number), describe)


def _png(subject: int, split: str, index: int, background: str, things: list[drawing.Thing]) -> bytes:
    noise = Draws(_NOISE, subject, SPLITS.index(split), index).generator
    return drawing.png(drawing.render(background, things, noise))
