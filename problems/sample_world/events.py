"""Draws what happens in a scene: the clause behind a sentence for translation and parsing."""

import dataclasses

from t2tlite.problems.sample_world import english, french, german, lexicon, trees
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.scene import Clause, Entity

LEAST_WORDS, MOST_WORDS = 3, 15

# Nouns of two words stand twice: one word in German and French, they keep word-for-word translation from working.
_GROUPS = {group: tuple(key for key, noun in lexicon.NOUNS.items() if group in noun.groups for _ in key.split())
           for group in ("person", "animal", "thing", "place", "small", "food", "written", "shut", "in", "on", "under", "beside", "to")}
_GROUPS["living"] = _GROUPS["person"] + _GROUPS["animal"]
_GROUPS["any"] = _GROUPS["living"] + _GROUPS["thing"] + _GROUPS["place"]
_FITTING = {key: {first: tuple(word for word, adjective in lexicon.ADJECTIVES.items()
                               if adjective.groups & noun.groups and adjective.french_first == first) for first in (True, False)}
            for key, noun in lexicon.NOUNS.items()}
_OBJECTS = {"eat": "food", "write": "written", "open": "shut", "close": "shut", "call": "person", "help": "living", "buy": "small", "pick": "small", "find": "any", "see": "any", "hear": "living", "draw": "any", "look": "any"}
_PRONOUN_OBJECTS = ("see", "help", "look", "find")
_MANNERS = {"slowly": ("work", "dance", "go", "run"), "quickly": ("work", "dance", "go", "run"),
            "quietly": ("sing", "laugh", "play"), "loudly": ("sing", "laugh", "play")}
_SINGULAR = {"the": 52, "a": 27, "my": 9, "this": 7, "every": 5}
_PLURAL = {"the": 40, "two": 9, "three": 9, "four": 6, "five": 6, "many": 18, "my": 10, "this": 8}
OWN=0.7
_KINDS = {"intransitive": 12, "motion": 14, "transitive": 29, "ditransitive": 14, "liking": 9, "adjective": 6, "place": 2, "exist": 6, "complement": 8}
_RELATIVE_KINDS = {"intransitive": 3, "transitive": 5, "whom": 4, "place": 2}
_EMBEDDED_KINDS = {"intransitive": 3, "motion": 2, "transitive": 5, "liking": 2, "adjective": 2}


def event(draws: Draws) -> Clause | None:
  """A clause to tell, or None where this draw gave a sentence that is too short or too long.

  Args:
    draws: where the choices come from.
  """
  clause = _main(draws)
  lengths = [len(words_of(text)) for text in (english_sentence(clause), german.sentence(clause), french.sentence(clause))]
  return clause if LEAST_WORDS <= min(lengths) and max(lengths) <= MOST_WORDS else None


def english_sentence(clause: Clause) -> str:
  return " ".join(trees.leaves(english.sentence(clause)))


def words_of(text: str) -> list[str]:
  """The words of a sentence without its punctuation."""
  return [word for word in text.split() if word not in (".", "?", ",")]


def _main(draws: Draws) -> Clause:
  kind = draws.weighted(_KINDS)
  if kind == "exist":
    return _exists(draws)
  if kind == "complement":
    subject = _subject(draws, "person", simple=True)
    return Clause(draws.pick(tuple(lexicon.COMPLEMENT)), subject, past=draws.chance(0.3), complement=_embedded(draws, draws.weighted(_EMBEDDED_KINDS)))
  clause = _embedded(draws, kind, simple=False)
  return _told(draws, clause, kind)


def _told(draws: Draws, clause: Clause, kind: str) -> Clause:
  """The clause with a time, a frequency, a modal verb, a negation, a question or a reason."""
  if kind == "adjective" and draws.chance(0.3):
    return dataclasses.replace(clause, past=False, reason=_embedded(draws, draws.weighted(_EMBEDDED_KINDS)))
  way = draws.weighted({"time": 40, "modal": 16, "question": 12, "negation": 12, "frequency": 14, "plain": 6})
  acts = clause.verb != "be"
  if way == "time":
    past = draws.chance(0.45)
    times = [time for time in lexicon.TIMES if time == "in the evening" or (time in lexicon.TIMES_PAST) == past]
    return dataclasses.replace(clause, past=past, time=draws.pick(times))
  if kind == "liking" and way in ("modal", "frequency"):
    return clause
  if way == "modal" and acts:
    modals = [modal for modal in lexicon.MODALS if not (modal == "going" and clause.verb in lexicon.MOTION)]
    return dataclasses.replace(clause, past=False, modal=draws.pick(modals))
  if way == "question":
    return dataclasses.replace(clause, question=True)
  if way == "negation" and _can_be_denied(clause):
    return dataclasses.replace(clause, negated=True, past=clause.past or _elides(clause))
  if way == "frequency" and acts:
    return dataclasses.replace(clause, frequency=draws.pick(tuple(lexicon.FREQUENCIES)))
  return clause


def _can_be_denied(clause: Clause) -> bool:
  if clause.object is None or clause.object.is_pronoun:
    return True
  if clause.object.determiner == "a":
    # "Keinem", a liked "kein Haus" and "pas d'homme" would be too rare to be learned.
    return clause.verb not in ("help", "like") and not _starts_with_vowel(clause.object)
  return clause.object.determiner in ("the", "my", "this")


def _starts_with_vowel(entity: Entity) -> bool:
  """Whether French would elide the "de" before the entity."""
  return french.starts_with_vowel(french.noun_phrase(dataclasses.replace(entity, determiner="two"))[1])


def _elides(clause: Clause) -> bool:
  """Whether French would say "n'aime", a word too rare to be learned; the past has "n'a" for all verbs."""
  return clause.verb != "be" and french.starts_with_vowel(lexicon.VERBS[clause.verb].french_third)


def _embedded(draws: Draws, kind: str, simple: bool = True) -> Clause:
  """A clause of a kind. A simple one has short noun phrases, to stand inside another."""
  past = draws.chance(0.35)
  if kind == "intransitive":
    verb = draws.pick(tuple(lexicon.INTRANSITIVE))
    subject = _subject(draws, "living", simple)
    manners = [manner for manner, verbs in _MANNERS.items() if verb in verbs]
    manner = draws.pick(manners) if manners and draws.chance(0.35) else ""
    place = _place(draws) if draws.chance(0.3 if manner or simple else 0.7) else None
    return Clause(verb, subject, manner=manner, place=place, past=past)
  if kind == "motion":
    verb = draws.pick(tuple(lexicon.MOTION))
    preposition = "out of" if verb == "come" else "to" if verb == "go" else draws.pick(("into", "through"))
    manners = [manner for manner, verbs in _MANNERS.items() if verb in verbs]
    manner = draws.pick(manners) if manners and draws.chance(0.25) else ""
    goal = _entity(draws, "in" if preposition != "to" else "to", simple=True)
    return Clause(verb, _subject(draws, "living", simple), manner=manner, place=(preposition, goal), past=past)
  if kind == "transitive":
    verb = draws.pick(tuple(lexicon.TRANSITIVE))
    subject = _subject(draws, "living" if verb in ("see", "hear", "find", "eat", "help") else "person", simple)
    target = _entity(draws, _OBJECTS[verb], simple)
    if verb in _PRONOUN_OBJECTS and draws.chance(0.4):
      target = _object_pronoun(draws)
    return Clause(verb, subject, target, past=past)
  if kind == "ditransitive":
    verb = draws.pick(tuple(lexicon.DITRANSITIVE))
    recipient = _object_pronoun(draws) if draws.chance(0.25) else _entity(draws, "living", simple=True)
    return Clause(verb, _subject(draws, "person", simple), _entity(draws, "small", simple), recipient, past=past)
  if kind == "liking":
    subject = _subject(draws, "person", simple=True)
    if subject.determiner == "she":
      subject = Entity(determiner="he")
    return Clause("like", subject, _entity(draws, "any", simple), past=past)
  if kind == "place":
    return Clause("be", _subject(draws, "any", simple), place=_place(draws), past=past)
  subject = _subject(draws, "any", simple)
  noun = subject.noun or "man"
  fitting = [word for first in (True, False) for word in _FITTING[noun][first] if word not in subject.adjectives]
  return Clause("be", subject, adjective=draws.pick(fitting), past=past)


def _exists(draws: Draws) -> Clause:
  subject = _entity(draws, "any", simple=False, determiners=({"a": 1}, {"two": 2, "three": 2, "four": 1, "five": 1, "many": 2}))
  return Clause("exist", subject, place=_place(draws, company=False), past=draws.chance(0.35))


def _subject(draws: Draws, group: str, simple: bool) -> Entity:
  if group != "any" and draws.chance(0.15):
    return Entity(determiner=draws.pick(tuple(lexicon.PRONOUNS)))
  entity = _entity(draws, group, simple)
  if simple:
    return entity
  if draws.chance(0.06):
    return dataclasses.replace(entity, other=_entity(draws, group if group != "any" else "thing", simple=True))
  if draws.chance(0.05):
    return dataclasses.replace(entity, place=_place(draws, company=False))
  if draws.chance(0.13):
    return dataclasses.replace(entity, relative=_relative(draws, entity))
  return entity


def _object_pronoun(draws: Draws) -> Entity:
  return Entity(determiner=draws.pick(tuple(lexicon.OBJECT_PRONOUNS)))


def _relative(draws: Draws, entity: Entity) -> Clause:
  kind = draws.weighted(_RELATIVE_KINDS)
  living = lexicon.NOUNS[entity.noun].groups & {"person", "animal"}
  if not living and kind != "place":
    kind = "whom"
  if kind == "whom":
    verbs = [verb for verb, group in _OBJECTS.items() if entity.noun in _GROUPS[group] and verb != "help"]
    return Clause(draws.pick(verbs), _subject(draws, "person", simple=True))
  clause = _embedded(draws, kind)
  return dataclasses.replace(clause, subject=None)


def _place(draws: Draws, company: bool = True) -> tuple[str, Entity]:
  """Where: a preposition and an entity that suits it."""
  weights = {"in": 30, "on": 14, "under": 14, "behind": 9, "in front of": 9, "next to": 9, "with": 9 * company, "without": 6 * company}
  preposition = draws.weighted(weights)
  group = {"in": "in", "on": "on", "under": "under", "with": "living", "without": "living"}.get(preposition, "beside")
  return preposition, _entity(draws, group, simple=True)


def _entity(draws: Draws, group: str, simple: bool, determiners: tuple[dict[str, float], dict[str, float]] = (_SINGULAR, _PLURAL)) -> Entity:
  noun = draws.pick(_GROUPS[group])
  plural = draws.chance(0.25)
  adjectives = ()
  if draws.chance(0.25 if simple else 0.4):
    first, second = draws.pick(_FITTING[noun][True]), draws.pick(_FITTING[noun][False])
    count = draws.uniform()
    adjectives = (first, second) if count < 0.1 and not simple else (first,) if count < 0.35 else (second,)
  determiner = draws.weighted(determiners[plural])
  if determiner == "the" and draws.chance(0.25 if "person" in lexicon.NOUNS[noun].groups else OWN):
    return Entity(noun, "the", plural, adjectives, owner=Entity(draws.pick(_GROUPS["person"]), draws.weighted({"the": 5, "my": 2, "this": 1})))
  entity = Entity(noun, determiner, plural, adjectives)
  if determiner == "many" and _starts_with_vowel(entity):
    return dataclasses.replace(entity, determiner="the")
  return entity
