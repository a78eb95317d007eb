"""What can be said of a picture: different things left out, different words for the same."""

import dataclasses

from t2tlite.problems.sample_world.drawing import Thing
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.pictures import OPPOSITE, Picture, size_word
from t2tlite.problems.sample_world.scene import Clause, Entity

_GROUNDS = {"water": "on", "grass": "on", "sand": "on", "snow": "in"}
_OPPOSITE = OPPOSITE | {there: here for here, there in OPPOSITE.items()}


def ways(picture: Picture) -> list[Clause]:
    """Six ways to tell a picture in any language, all true; each tells all of `pictures.abstract`."""
    return _of_one(picture) if picture.other is None else _of_two(picture)


def five(picture: Picture, draws: Draws) -> list[Clause]:
    """Five of the ways, in random order.

    Args:
      picture: what to describe.
      draws: where the choices come from.
    """
    captions = ways(picture)
    captions.remove(draws.pick(captions))
    return sorted(captions, key=lambda _: draws.uniform())


def sentence(picture: Picture) -> Clause:
    """All of a picture but the background of two things, in one clause."""
    main = _entity(picture.main)
    return Clause(
        "exist",
        main,
        place=_where(picture) if picture.other is None else (picture.relation, _entity(picture.other)),
    )


def _entity(thing: Thing, sized: bool = True) -> Entity:
    return Entity(thing.kind, "a", adjectives=(size_word(thing), thing.colour) if sized else (thing.colour,))


def _where(picture: Picture) -> tuple[str, Entity]:
    return _GROUNDS[picture.background], Entity(picture.background)


def _named(entity: Entity, place: tuple[str, Entity]) -> Clause:
    return Clause("", dataclasses.replace(entity, place=place))


def _of_one(picture: Picture) -> list[Clause]:
    full, plain, where = _entity(picture.main), _entity(picture.main, sized=False), _where(picture)
    known = dataclasses.replace(plain, determiner="the", place=where)
    return [
        _named(full, where),
        _named(plain, where),
        Clause("exist", full, place=where),
        Clause("exist", plain, place=where),
        Clause("be", full, place=where),
        Clause("be", known, adjective=size_word(picture.main)),
    ]


def _of_two(picture: Picture) -> list[Clause]:
    main, other, where = _entity(picture.main), _entity(picture.other), _where(picture)
    plain_main, plain_other = _entity(picture.main, sized=False), _entity(picture.other, sized=False)
    return [
        _named(main, (picture.relation, other)),
        Clause("exist", main, place=(picture.relation, other)),
        Clause("be", main, place=(picture.relation, other)),
        Clause("exist", plain_main, place=(picture.relation, plain_other)),
        _named(plain_main, (picture.relation, dataclasses.replace(plain_other, place=where))),
        _named(other, (_OPPOSITE[picture.relation], main)),
    ]
