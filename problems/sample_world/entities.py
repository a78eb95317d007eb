"""Draws who and what there is in a scene, and where."""

import dataclasses

from t2tlite.problems.sample_world import french, lexicon
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.scene import Entity

_NAMES = (
    "person",
    "animal",
    "thing",
    "place",
    "small",
    "written",
    "shut",
    "in",
    "on",
    "under",
    "beside",
    "to",
)
# Nouns of two words stand twice: one word in German and French, they keep word-for-word translation from
# working.
GROUPS = {
    name: tuple(key for key, noun in lexicon.NOUNS.items() if name in noun.groups for _ in key.split())
    for name in _NAMES
}
GROUPS["living"] = GROUPS["person"] + GROUPS["animal"]
GROUPS["any"] = GROUPS["living"] + GROUPS["thing"] + GROUPS["place"]

_SINGULAR = {"the": 56, "a": 25, "my": 8, "this": 6, "every": 5}
_PLURAL = {"the": 40, "two": 9, "three": 9, "four": 6, "five": 6, "many": 18, "my": 10, "this": 8}
_INDEFINITE = {"a": 1}, {"two": 2, "three": 2, "four": 1, "five": 1, "many": 2}
_OWNERS = {"the": 5, "my": 2, "this": 1}
_PREPOSITIONS = {"in": 30, "on": 14, "under": 14, "behind": 9, "in front of": 9, "next to": 9}
_COMPANY = {"with": 9, "without": 6}


def fitting(noun: str, first: bool | None = None) -> list[str]:
    """The adjectives that fit a noun; with `first`, those that French puts before it (or after it)."""
    groups = lexicon.NOUNS[noun].groups
    adjectives = lexicon.ADJECTIVES.items()
    return [
        key
        for key, adjective in adjectives
        if adjective.groups & groups and first in (None, adjective.french_first)
    ]


_FITTING = {(noun, first): fitting(noun, first) for noun in GROUPS["any"] for first in (True, False)}


def entity(draws: Draws, group: str, simple: bool = True, indefinite: bool = False) -> Entity:
    """Somebody or something.

    Args:
      draws: where the choices come from.
      group: a key of GROUPS.
      simple: few adjectives, for a phrase inside another.
      indefinite: no "the", "my" or "this".
    """
    noun = draws.pick(GROUPS[group])
    plural = draws.chance(0.25)
    adjectives = _adjectives(draws, noun, simple)
    determiner = draws.weighted(_INDEFINITE[plural] if indefinite else _PLURAL if plural else _SINGULAR)
    owned = 0.25 if "person" in lexicon.NOUNS[noun].groups else 0.7
    if determiner == "the" and draws.chance(owned):
        owner = Entity(draws.pick(GROUPS["person"]), draws.weighted(_OWNERS))
        return Entity(noun, "the", plural, adjectives, owner=owner)
    drawn = Entity(noun, determiner, plural, adjectives)
    if determiner == "many" and elides(drawn):
        return dataclasses.replace(drawn, determiner="three")
    return drawn


def pronoun(draws: Draws) -> Entity:
    """He, she or they."""
    return Entity(determiner=draws.pick(tuple(lexicon.PRONOUNS)))


def object_pronoun(draws: Draws) -> Entity:
    """Him or them."""
    return Entity(determiner=draws.pick(tuple(lexicon.OBJECT_PRONOUNS)))


def place(draws: Draws, company: bool = True) -> tuple[str, Entity]:
    """Where: a preposition and an entity that suits it; `company` allows "with" and "without" somebody."""
    preposition = draws.weighted(_PREPOSITIONS | _COMPANY if company else _PREPOSITIONS)
    if preposition in _COMPANY:
        return preposition, entity(draws, "living")
    return preposition, entity(draws, preposition if preposition in GROUPS else "beside")


def elides(drawn: Entity) -> bool:
    """Whether French says "d'" before the entity: forms like "d'homme" are too rare to be learned."""
    words = french.noun_phrase(dataclasses.replace(drawn, determiner="two"))
    return french.starts_with_vowel(words[1])


def _adjectives(draws: Draws, noun: str, simple: bool) -> tuple[str, ...]:
    if not draws.chance(0.25 if simple else 0.4):
        return ()
    # Most stand after the noun in French: those are the ones that change places.
    before, after = draws.pick(_FITTING[noun, True]), draws.pick(_FITTING[noun, False])
    share = draws.uniform()
    if share < 0.1 and not simple:
        return before, after
    return (before,) if share < 0.35 else (after,)
