"""Five captions for a picture: different things left out, different words for the same."""

import dataclasses

from t2tlite.problems.sample_world import english, trees
from t2tlite.problems.sample_world.drawing import Thing
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.pictures import Picture, size_word
from t2tlite.problems.sample_world.scene import Clause, Entity

_GROUNDS = {"water": "on", "grass": "on", "sand": "on", "snow": "in"}
_OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


def five(picture: Picture, draws: Draws) -> list[str]:
    """Five captions, all true of the picture, in random order; lower case, each ending in " .".

    Args:
      picture: what to describe.
      draws: where the choices come from.
    """
    captions = _of_one(picture) if picture.other is None else _of_two(picture)
    captions.remove(draws.pick(captions))
    order = sorted(captions, key=lambda _: draws.uniform())
    return [f"{caption} ." for caption in order]


def sentence(picture: Picture) -> Clause:
    """The picture as a clause, which all three languages and the parse tree can tell."""
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


def _name(entity: Entity, place: tuple[str, Entity]) -> str:
    return " ".join(trees.leaves(english.noun_phrase(dataclasses.replace(entity, place=place))))


def _tell(verb: str, entity: Entity, place: tuple[str, Entity]) -> str:
    tree = english.sentence(Clause(verb, entity, place=place))
    return " ".join(trees.leaves(tree)[:-1])


def _of_one(picture: Picture) -> list[str]:
    full, plain, where = _entity(picture.main), _entity(picture.main, sized=False), _where(picture)
    known = dataclasses.replace(plain, determiner="the", place=where)
    size = english.sentence(Clause("be", known, adjective=size_word(picture.main)))
    return [
        _name(full, where),
        _name(plain, where),
        _tell("exist", full, where),
        _tell("exist", plain, where),
        _tell("be", full, where),
        " ".join(trees.leaves(size)[:-1]),
    ]


def _of_two(picture: Picture) -> list[str]:
    main, other, where = _entity(picture.main), _entity(picture.other), _where(picture)
    plain_main, plain_other = _entity(picture.main, sized=False), _entity(picture.other, sized=False)
    return [
        _name(main, (picture.relation, other)),
        _tell("exist", main, (picture.relation, other)),
        _tell("be", main, (picture.relation, other)),
        _tell("exist", plain_main, (picture.relation, plain_other)),
        _name(plain_main, (picture.relation, dataclasses.replace(plain_other, place=where))),
        _name(other, (_OPPOSITE[picture.relation], main)),
    ]
