"""Draws what stands in a picture: one thing to be classified, or one or two to be described."""

import dataclasses

from t2tlite.problems.sample_world import drawing
from t2tlite.problems.sample_world.drawing import Thing
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.shapes import SHAPES

KINDS = tuple(sorted(SHAPES))
SMALL, BIG = (19, 23), (33, 40)  # least and greatest width in pixels of what a caption calls small or big
OPPOSITE = {"left of": "right of", "above": "below"}
RELATIONS = (*OPPOSITE, *OPPOSITE.values())


@dataclasses.dataclass(frozen=True)
class Picture:
    """A background, the main thing, perhaps another; `relation` is where the first is from the second."""

    background: str
    main: Thing
    other: Thing | None = None
    relation: str = ""

    @property
    def things(self) -> list[Thing]:
        return [self.main] if self.other is None else [self.main, self.other]


def size_word(thing: Thing) -> str:
    return "small" if thing.size <= SMALL[1] else "big"


def single(draws: Draws) -> Picture:
    """One thing of any size from 24 to 44 pixels, anywhere."""
    background = draws.pick(tuple(drawing.BACKGROUNDS))
    return Picture(background, _anywhere(draws, background, draws.whole(24, 44)))


def described(draws: Draws, alone: float = 0.5) -> Picture:
    """One big or small thing, or a big one next to a small one.

    Args:
      draws: where the choices come from.
      alone: the probability of one thing.
    """
    background = draws.pick(tuple(drawing.BACKGROUNDS))
    if draws.chance(alone):
        return Picture(background, _anywhere(draws, background, draws.whole(*draws.pick((SMALL, BIG)))))
    relation = draws.pick(RELATIONS)
    main_size, other_size = draws.whole(BIG[0], BIG[0] + 2), draws.whole(*SMALL)
    along_main, along_other = _beside(draws, main_size, other_size, relation in ("left of", "above"))
    across_main, across_other = draws.whole(main_size // 2, drawing.SIZE - main_size // 2), 0
    across_other = min(max(across_main + draws.whole(-6, 6), other_size // 2), drawing.SIZE - other_size // 2)
    main_at, other_at = (along_main, across_main), (along_other, across_other)
    if relation in ("above", "below"):
        main_at, other_at = main_at[::-1], other_at[::-1]
    main = _thing(draws, background, main_size, *main_at)
    return Picture(
        background, main, _thing(draws, background, other_size, *other_at, differing=main), relation
    )


def describe(picture: Picture) -> str:
    """Everything that can be measured in a picture: equal texts, equal pictures but for noise."""
    return repr(picture)


def abstract(picture: Picture) -> str:
    """What every caption tells of a picture, and what tells its split: so no caption is in two splits.

    Kind, colour and background of one thing; kinds, colours and relation of two, whichever is named first.
    """
    main, other = (thing and f"{thing.colour} {thing.kind}" for thing in (picture.main, picture.other))
    if other is None:
        return f"{main} {picture.background}"
    if picture.relation in OPPOSITE:
        return f"{main} {picture.relation} {other}"
    (relation,) = (one for one, opposite in OPPOSITE.items() if opposite == picture.relation)
    return f"{other} {relation} {main}"


def _beside(draws: Draws, first: int, second: int, first_is_before: bool) -> tuple[int, int]:
    """Centres along an axis of two things that do not touch."""
    room = drawing.SIZE - first - second
    start = draws.whole(0, max(room - 2, 0) // 2)
    gap = draws.whole(min(2, room), max(room - start, 0))
    before, after = (first, second) if first_is_before else (second, first)
    centres = start + before // 2, start + before + gap + after // 2
    return centres if first_is_before else centres[::-1]


def _anywhere(draws: Draws, background: str, size: int) -> Thing:
    reach = size // 2
    return _thing(
        draws,
        background,
        size,
        draws.whole(reach, drawing.SIZE - reach),
        draws.whole(reach, drawing.SIZE - reach),
    )


def _thing(draws: Draws, background: str, size: int, x: int, y: int, differing: Thing | None = None) -> Thing:
    kinds = [kind for kind in KINDS if differing is None or kind != differing.kind]
    return Thing(
        draws.pick(kinds),
        draws.pick(tuple(drawing.COLOURS)),
        size,
        x,
        y,
        draws.whole(-12, 12),
        draws.chance(0.5),
    )
