"""Draws short sentences of the world from the words that the voice can pronounce."""

import dataclasses

from t2tlite.problems.sample_world import lexicon
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.phonemes import SPOKEN
from t2tlite.problems.sample_world.scene import Clause, Entity

MOST_WORDS = 10  # of a scene that is told aloud

_NOUNS = tuple(noun for noun in lexicon.NOUNS if noun in SPOKEN)
_LIVING = tuple(noun for noun in _NOUNS if lexicon.NOUNS[noun].groups & {"person", "animal"})
_ADJECTIVES = {
    noun: tuple(
        word
        for word, adjective in lexicon.ADJECTIVES.items()
        if word in SPOKEN and adjective.groups & lexicon.NOUNS[noun].groups
    )
    for noun in _NOUNS
}
_PLACES = {
    word: tuple(noun for noun in _NOUNS if group in lexicon.NOUNS[noun].groups)
    for word, group in (("in", "in"), ("on", "on"), ("under", "under"), ("behind", "beside"))
}
_SEES = tuple(verb for verb in lexicon.VERBS if lexicon.VERBS[verb].third in SPOKEN)
_DOES = tuple(verb for verb in lexicon.INTRANSITIVE if lexicon.INTRANSITIVE[verb].ing in SPOKEN)


def utterance(draws: Draws) -> Clause:
    """A clause of 4 to 6 words, all of them in `phonemes.SPOKEN`."""
    kind = draws.weighted({"adjective": 3, "place": 3, "doing": 2, "seeing": 4})
    if kind == "adjective":
        subject = _entity(draws, _NOUNS, 0.4)
        adjectives = [word for word in _ADJECTIVES[subject.noun] if word not in subject.adjectives]
        return Clause("be", subject, adjective=draws.pick(adjectives))
    if kind == "place":
        preposition = draws.pick(tuple(_PLACES))
        where = preposition, _entity(draws, _PLACES[preposition], 0.0)
        return Clause("be", _entity(draws, _NOUNS, 0.0), place=where)
    if kind == "doing":
        return Clause(draws.pick(_DOES), _entity(draws, _LIVING, 0.6))
    subject = _entity(draws, _LIVING, 0.35)
    return Clause(draws.pick(_SEES), subject, _entity(draws, _NOUNS, 0.0 if subject.adjectives else 0.5))


def _entity(draws: Draws, nouns: tuple[str, ...], described: float) -> Entity:
    noun = draws.pick(nouns)
    entity = Entity(noun, draws.weighted({"the": 5, "a": 3, "my": 2, "this": 1}))
    if draws.chance(described):
        entity = dataclasses.replace(entity, adjectives=(draws.pick(_ADJECTIVES[noun]),))
    # The voice has no "an".
    if entity.determiner == "a" and (entity.adjectives or (noun,))[0][0] in "aeiou":
        return dataclasses.replace(entity, determiner="the")
    return entity
