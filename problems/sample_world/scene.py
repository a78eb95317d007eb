"""What a scene is: entities with properties and relations, and the clause that tells what happens."""

import dataclasses

from t2tlite.problems.sample_world import lexicon


@dataclasses.dataclass(frozen=True)
class Entity:
    """Somebody or something.

    Attributes:
      noun: a key of `lexicon.NOUNS`, or "" for a pronoun.
      determiner: the, a, this, my, every, a number, many; for a pronoun, a key of `lexicon.PRONOUNS` or
        `lexicon.OBJECT_PRONOUNS`.
      plural: whether there are several.
      adjectives: keys of `lexicon.ADJECTIVES`, in English order.
      owner: whose it is, as in "the king 's dog".
      place: a preposition and where the entity is, as in "the dog in the garden".
      relative: a clause about the entity; its subject or its object is None, and that is the entity.
      other: a second entity, joined by "and".
    """

    noun: str = ""
    determiner: str = "the"
    plural: bool = False
    adjectives: tuple[str, ...] = ()
    owner: "Entity | None" = None
    place: "tuple[str, Entity] | None" = None
    relative: "Clause | None" = None
    other: "Entity | None" = None

    @property
    def is_pronoun(self) -> bool:
        return not self.noun

    @property
    def is_plural(self) -> bool:
        return self.plural or self.other is not None or self.determiner in ("they", "them")

    @property
    def is_person(self) -> bool:
        return "person" in lexicon.NOUNS[self.noun].groups


@dataclasses.dataclass(frozen=True)
class Clause:
    """What happens, or how something is.

    Attributes:
      verb: a key of `lexicon.VERBS`, "be", "exist" (there is ...), or "" where the subject is only named.
      subject: who; None in a relative clause about the subject.
      object: whom; None without one, and in a relative clause about the object.
      recipient: to whom, with giving verbs.
      adjective: with "be": how the subject is.
      place: a preposition and where.
      manner, frequency, time, modal: keys of the lexicon's tables, or "".
      past, negated, question: how it is told.
      complement: what is said or thought.
      reason: the clause after "because".
    """

    verb: str
    subject: Entity | None = None
    object: Entity | None = None
    recipient: Entity | None = None
    adjective: str = ""
    place: tuple[str, Entity] | None = None
    manner: str = ""
    frequency: str = ""
    time: str = ""
    modal: str = ""
    past: bool = False
    negated: bool = False
    question: bool = False
    complement: "Clause | None" = None
    reason: "Clause | None" = None


def turned(clause: Clause) -> Clause:
    """The clause as German and French see it: what is liked is the subject, who likes it is in the dative."""
    if clause.verb not in lexicon.INVERTED or clause.subject is None:
        return clause
    pronouns = {"he": "him", "they": "them"}
    who = dataclasses.replace(
        clause.subject, determiner=pronouns.get(clause.subject.determiner, clause.subject.determiner)
    )
    return dataclasses.replace(clause, subject=clause.object, object=None, recipient=who)
