"""Draws what happens in a scene: the clause behind a sentence for translation and parsing."""

import dataclasses

from t2tlite.problems.sample_world import english, entities, french, german, lexicon, writing
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.scene import Clause, Entity

LEAST_WORDS, MOST_WORDS = 3, 15

# What each transitive verb can be done to: a key of `entities.GROUPS`.
_OBJECTS = {
    "see": "any",
    "find": "any",
    "look": "any",
    "hear": "living",
    "help": "living",
    "call": "person",
    "write": "written",
    "open": "shut",
    "close": "shut",
    "buy": "small",
    "pick": "small",
}
_ANIMALS_DO = ("see", "hear", "find", "help")
_PRONOUN_OBJECTS = ("see", "help", "look", "find")
_MANNERS = {
    **dict.fromkeys(("work", "dance", "go", "run"), ("slowly", "quickly")),
    **dict.fromkeys(("sing", "play"), ("quietly", "loudly")),
}

# Shares, not probabilities: how often each is drawn against the others.
_KINDS = {
    "intransitive": 12,
    "motion": 14,
    "transitive": 29,
    "ditransitive": 14,
    "liking": 9,
    "adjective": 6,
    "place": 2,
    "exist": 6,
    "complement": 8,
}
_RELATIVE_KINDS = {"intransitive": 3, "transitive": 5, "whom": 4, "place": 2}
_EMBEDDED_KINDS = {"intransitive": 3, "motion": 2, "transitive": 5, "liking": 2, "adjective": 2}
_WAYS = {"time": 46, "modal": 16, "question": 13, "negation": 12, "frequency": 14, "plain": 4}


def event(draws: Draws) -> Clause | None:
    """A clause to tell, or None where this draw gave a sentence that is too short or too long.

    Args:
      draws: where the choices come from.
    """
    clause = _main(draws)
    lengths = [len(writing.spoken(language.words(clause))) for language in (english, german, french)]
    return clause if LEAST_WORDS <= min(lengths) and max(lengths) <= MOST_WORDS else None


def _main(draws: Draws) -> Clause:
    kind = draws.weighted(_KINDS)
    if kind == "exist":
        who = entities.entity(draws, "any", simple=False, indefinite=True)
        return Clause("exist", who, place=entities.place(draws, company=False), past=draws.chance(0.35))
    if kind == "complement":
        verb = draws.pick(tuple(lexicon.COMPLEMENT))
        subject = _subject(draws, "person", simple=True)
        return Clause(verb, subject, past=draws.chance(0.3), complement=_embedded(draws))
    return _told(draws, _clause(draws, kind, simple=False))


def _told(draws: Draws, clause: Clause) -> Clause:
    """The clause with a time, a frequency, a modal verb, a negation, a question or a reason."""
    if clause.adjective and draws.chance(0.3):
        return dataclasses.replace(clause, past=False, reason=_embedded(draws))
    way = draws.weighted(_WAYS)
    if way == "time":
        past = draws.chance(0.45)
        times = [time for time in lexicon.TIMES if (time in lexicon.TIMES_PAST) == past]
        return dataclasses.replace(clause, past=past, time=draws.pick([*times, "in the evening"]))
    if way == "question":
        return dataclasses.replace(clause, question=True)
    if way == "negation" and _can_be_denied(clause):
        # A denied "be" only in the present: "n'étaient" would be too rare to be learned.
        past = clause.verb != "be" and (clause.past or _elides(clause))
        return dataclasses.replace(clause, negated=True, past=past)
    if clause.verb in ("be", *lexicon.INVERTED):
        return clause
    if way == "modal":
        # French "va aller" would need the reader to know which of the two is the verb.
        modals = [modal for modal in lexicon.MODALS if modal != "going" or clause.verb not in lexicon.MOTION]
        return dataclasses.replace(clause, past=False, modal=draws.pick(modals))
    if way == "frequency":
        return dataclasses.replace(clause, frequency=draws.pick(tuple(lexicon.FREQUENCIES)))
    return clause


def _can_be_denied(clause: Clause) -> bool:
    if clause.object is None or clause.object.is_pronoun:
        return True
    if clause.object.determiner == "a":
        # "Keinem", a liked "kein Haus" and "pas d'homme" would be too rare to be learned.
        return clause.verb not in ("help", *lexicon.INVERTED) and not entities.elides(clause.object)
    return clause.object.determiner in ("the", "my", "this")


def _elides(clause: Clause) -> bool:
    """Whether French would say "n'aide", a word too rare to be learned; the past has "n'a" for all verbs."""
    return french.starts_with_vowel(lexicon.VERBS[clause.verb].french_third)


def _embedded(draws: Draws) -> Clause:
    return _clause(draws, draws.weighted(_EMBEDDED_KINDS), simple=True)


def _clause(draws: Draws, kind: str, simple: bool) -> Clause:
    """A clause of a kind; a simple one has short noun phrases, to stand inside another."""
    past = draws.chance(0.35)
    if kind == "intransitive":
        verb = draws.pick(tuple(lexicon.INTRANSITIVE))
        manner = _manner(draws, verb, 0.35)
        where = entities.place(draws) if draws.chance(0.3 if manner or simple else 0.7) else None
        return Clause(verb, _subject(draws, "living", simple), manner=manner, place=where, past=past)
    if kind == "motion":
        verb = draws.pick(tuple(lexicon.MOTION))
        ways = {"come": ("out of",), "go": ("to",), "run": ("into", "through")}
        preposition = draws.pick(ways[verb])
        where = preposition, entities.entity(draws, "to" if preposition == "to" else "in")
        manner = _manner(draws, verb, 0.25)
        return Clause(verb, _subject(draws, "living", simple), manner=manner, place=where, past=past)
    if kind == "transitive":
        verb = draws.pick(tuple(lexicon.TRANSITIVE))
        subject = _subject(draws, "living" if verb in _ANIMALS_DO else "person", simple)
        if verb in _PRONOUN_OBJECTS and draws.chance(0.4):
            return Clause(verb, subject, entities.object_pronoun(draws), past=past)
        return Clause(verb, subject, entities.entity(draws, _OBJECTS[verb], simple), past=past)
    if kind == "ditransitive":
        verb = draws.pick(tuple(lexicon.DITRANSITIVE))
        subject, given = _subject(draws, "person", simple), entities.entity(draws, "small", simple)
        known = draws.chance(0.25)
        recipient = entities.object_pronoun(draws) if known else entities.entity(draws, "living")
        return Clause(verb, subject, given, recipient, past=past)
    if kind == "liking":
        subject = _subject(draws, "person", simple=True)
        if subject.determiner == "she":  # "lui" is to him and to her
            subject = Entity(determiner="he")
        return Clause("like", subject, entities.entity(draws, "any", simple), past=past)
    subject = _subject(draws, "any", simple)
    if kind == "place":
        return Clause("be", subject, place=entities.place(draws), past=past)
    adjectives = [word for word in entities.fitting(subject.noun) if word not in subject.adjectives]
    return Clause("be", subject, adjective=draws.pick(adjectives), past=past)


def _manner(draws: Draws, verb: str, probability: float) -> str:
    return draws.pick(_MANNERS[verb]) if verb in _MANNERS and draws.chance(probability) else ""


def _subject(draws: Draws, group: str, simple: bool) -> Entity:
    if group != "any" and draws.chance(0.15):
        return entities.pronoun(draws)
    subject = entities.entity(draws, group, simple)
    if simple:
        return subject
    share = draws.uniform()
    if share < 0.06:
        other = entities.entity(draws, "thing" if group == "any" else group)
        return dataclasses.replace(subject, other=other)
    if share < 0.11:
        return dataclasses.replace(subject, place=entities.place(draws, company=False))
    if share < 0.22:
        return dataclasses.replace(subject, relative=_relative(draws, subject))
    return subject


def _relative(draws: Draws, subject: Entity) -> Clause:
    kind = draws.weighted(_RELATIVE_KINDS)
    if kind != "place" and not lexicon.NOUNS[subject.noun].groups & {"person", "animal"}:
        kind = "whom"
    if kind != "whom":
        return dataclasses.replace(_clause(draws, kind, simple=True), subject=None)
    verbs = [verb for verb, group in _OBJECTS.items() if subject.noun in entities.GROUPS[group]]
    # Without the past, whose participle would agree ("vues"), and without German "denen": both too rare.
    verb = draws.pick([verb for verb in verbs if verb != "help"])
    return Clause(verb, _subject(draws, "person", simple=True))
