"""Questions about pictures, each with two pictures of which the right answers differ."""

import dataclasses
from collections.abc import Callable

from t2tlite.problems.formats.vqa_json import ANNOTATORS
from t2tlite.problems.sample_world import drawing, lexicon
from t2tlite.problems.sample_world.drawing import Thing
from t2tlite.problems.sample_world.draws import Draws, split_of

KINDS = ("bird", "car", "cat", "heart", "house", "key", "star", "tree")  # that are asked about
COLOURS = tuple(drawing.COLOURS)
PLACES = ("top left", "top right", "bottom left", "bottom right")  # the cells of a picture, in order
NUMBERS = ("1", "2", "3", "4")
ANSWERS = ("no", "yes", *NUMBERS, *PLACES, *COLOURS)
_DISAGREEING = {0: 5, 1: 3, 2: 2}  # annotators, and how often there are so many
_CELL = drawing.SIZE // 2  # pixels
_SIZES = (21, 26)  # pixels

Cell = tuple[str, str] | None  # kind and colour of what is there


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is where: a background, and what is in each of PLACES."""

    background: str
    cells: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True)
class Asked:
    """A question with two scenes.

    Attributes:
      question: words and punctuation separated by spaces.
      choices: all answers to questions of this kind.
      answers: that of each scene; they differ.
      scenes: two of the same background, which differ in what the question is about.
    """

    question: str
    choices: tuple[str, ...]
    answers: tuple[str, str]
    scenes: tuple[Scene, Scene]


@dataclasses.dataclass(frozen=True)
class _Question:
    text: str
    choices: tuple[str, ...]
    cells: Callable[[str], tuple[Cell, ...]]  # of a picture with this answer


def asked(split: str, number: int, draws: Draws) -> Asked | None:
    """A question with two scenes, both of which belong to the split by their hash; None where one doesn't.

    So a question about a scene is in one split alone.

    Args:
      split: train, validation or test.
      number: colour, number, place and presence are asked in turn.
      draws: where the choices come from.
    """
    question = _ASKING[number % len(_ASKING)](draws)
    background = draws.pick(tuple(drawing.BACKGROUNDS))
    found: list[tuple[str, Scene]] = []
    for answer in _shuffled(question.choices, draws):
        scene = Scene(background, question.cells(answer))
        if split_of(describe(question.text, scene)) == split:
            found.append((answer, scene))
        elif not found:
            return None
        if len(found) == 2:
            answers, scenes = zip(*found, strict=True)
            return Asked(question.text, question.choices, answers, scenes)
    return None


def describe(question: str, scene: Scene) -> str:
    """The text whose hash decides the split."""
    return f"{question} {scene}"


def things(scene: Scene, draws: Draws) -> list[Thing]:
    """What to draw: each thing somewhere in its cell, a little turned."""
    drawn = []
    for number, cell in enumerate(scene.cells):
        if cell is not None:
            size = draws.whole(*_SIZES)
            reach = (_CELL - size) // 2
            x, y = (_CELL * at + _CELL // 2 + draws.whole(-reach, reach) for at in (number % 2, number // 2))
            drawn.append(Thing(*cell, size, x, y, draws.whole(-12, 12), draws.chance(0.5)))
    return drawn


def annotated(answer: str, choices: tuple[str, ...], draws: Draws) -> list[str]:
    """What ANNOTATORS answer, in random order: up to two of them something else, as people do in VQA."""
    others = [choice for choice in choices if choice != answer]
    wrong = [draws.pick(others) for _ in range(draws.weighted(_DISAGREEING))]
    return _shuffled([answer] * (ANNOTATORS - len(wrong)) + wrong, draws)


def _colour(draws):
    kind, place = draws.pick(KINDS), draws.whole(0, 3)
    rest = _rest(draws, lambda thing: thing[0] != kind)
    return _Question(
        f"what colour is the {kind} ?", COLOURS, lambda colour: _with(rest, {place: (kind, colour)})
    )


def _number(draws):
    kind, order = draws.pick(KINDS), _shuffled(range(4), draws)
    colours = [draws.pick(COLOURS) for _ in order]
    rest = _rest(draws, lambda thing: thing[0] != kind)

    def cells(number):
        return _with(rest, {place: (kind, colours[place]) for place in order[: int(number)]})

    return _Question(f"how many {lexicon.NOUNS[kind].plural} are there ?", NUMBERS, cells)


def _place(draws):
    kind, colour = draws.pick(KINDS), draws.pick(COLOURS)
    rest = _rest(draws, lambda thing: thing[0] != kind)
    return _Question(
        f"where is the {kind} ?", PLACES, lambda place: _with(rest, {PLACES.index(place): (kind, colour)})
    )


def _presence(draws):
    """Half of the questions name a colour; then something else has the colour, or the kind another one."""
    kind, colour, place = draws.pick(KINDS), draws.pick(COLOURS), draws.whole(0, 3)
    other_kind = draws.pick([other for other in KINDS if other != kind])
    other_colour = draws.pick([other for other in COLOURS if other != colour])
    if draws.chance(0.5):
        text, decoy = f"is there a {kind} ?", (other_kind, colour)
        rest = _rest(draws, lambda thing: thing[0] != kind)
    else:
        text = f"is there a {colour} {kind} ?"
        decoy = draws.pick([(kind, other_colour), (other_kind, colour)])
        rest = _rest(draws, lambda thing: thing != (kind, colour))
    there = {"yes": (kind, colour), "no": decoy}
    return _Question(text, ("no", "yes"), lambda answer: _with(rest, {place: there[answer]}))


_ASKING = (_colour, _number, _place, _presence)


def _rest(draws: Draws, allowed: Callable[[tuple[str, str]], bool]) -> tuple[Cell, ...]:
    """What else may be in the cells: half of them are empty."""
    choices = [(kind, colour) for kind in KINDS for colour in COLOURS if allowed((kind, colour))]
    return tuple(draws.pick(choices) if draws.chance(0.5) else None for _ in PLACES)


def _with(rest: tuple[Cell, ...], placed: dict[int, Cell]) -> tuple[Cell, ...]:
    return tuple(placed.get(place, cell) for place, cell in enumerate(rest))


def _shuffled(values, draws: Draws) -> list:
    return sorted(values, key=lambda _: draws.uniform())
