"""One scene in every form: picture, captions, three languages, parse tree and sound."""

import dataclasses

import numpy as np

from t2tlite.problem import SPLITS
from t2tlite.problems.sample_world import (
    captioning,
    drawing,
    english,
    french,
    german,
    pictures,
    trees,
    voice,
    writing,
)
from t2tlite.problems.sample_world.draws import Draws, check_split, draw

_TOUR = 100  # a stream of its own, apart from those of the corpora


@dataclasses.dataclass(frozen=True)
class Tour:
    """A scene; `image` is a PNG file's bytes, `speech` float32 [samples] in [-1, 1] at 16000 Hz."""

    image: bytes
    captions: list[str]
    english: str
    german: str
    french: str
    tree: str
    speech: np.ndarray


def tour(split: str, index: int) -> Tour:
    """A scene that can be drawn, told in everything the world has.

    Args:
      split: train, validation or test.
      index: which scene.
    """
    check_split(split)
    picture = draw(_TOUR, split, index, pictures.described, pictures.abstract)
    draws = Draws(_TOUR, SPLITS.index(split), index)
    clause = captioning.sentence(picture)
    return Tour(
        image=drawing.png(drawing.render(picture.background, picture.things, draws.generator)),
        captions=[english.sentence(caption) for caption in captioning.five(picture, draws)],
        english=english.sentence(clause),
        german=german.sentence(clause),
        french=french.sentence(clause),
        tree=trees.bracket(english.tree(clause)),
        speech=voice.say(writing.spoken(english.words(clause)), draws.pick(voice.SPEAKERS), draws),
    )
