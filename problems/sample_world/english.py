"""A scene's clause in English, as a parse tree: the sentence is its leaves."""

from t2tlite.problems.sample_world import lexicon, trees, writing
from t2tlite.problems.sample_world.scene import Clause, Entity
from t2tlite.problems.sample_world.trees import Tree

_TAGS = {"my": "PRP$"} | dict.fromkeys(lexicon.NUMBERS, "CD")


def sentence(clause: Clause) -> str:
    """The whole sentence as people write it."""
    return writing.written(words(clause))


def words(clause: Clause) -> list[str]:
    """The words and marks of the sentence, as the Treebank parts them."""
    return trees.leaves(tree(clause))


def tree(clause: Clause) -> Tree:
    """The tree of a whole sentence, its first word with a capital, with its full stop or question mark.

    Args:
      clause: what to say.

    Returns:
      (TOP (S ... (. .))), (TOP (SQ ... (. ?))), or (TOP (NP ... (. .))) where something is only named.
    """
    return trees.capitalised(_sentence(clause))


def _sentence(clause: Clause) -> Tree:
    if not clause.verb:
        _, *parts = noun_phrase(clause.subject)
        return ("TOP", ("NP", *parts, (".", ".")))
    if clause.question:
        auxiliary, inner = _question_verb(clause)
        return ("TOP", ("SQ", auxiliary, noun_phrase(clause.subject), *inner, (".", "?")))
    time = (_time(clause.time),) if clause.time in lexicon.TIMES_FIRST else ()
    return ("TOP", ("S", *time, *_clause(clause), (".", ".")))


def noun_phrase(entity: Entity) -> Tree:
    """The tree of an entity with all that is said of it."""
    if entity.is_pronoun:
        return ("NP", ("PRP", entity.determiner))
    if entity.other:
        return ("NP", _plain(entity), ("CC", "and"), noun_phrase(entity.other))
    if entity.place:
        return ("NP", _plain(entity), place_phrase(*entity.place))
    if entity.relative:
        word = ("WP", "who") if entity.is_person else ("WDT", "that")
        agreement = entity if entity.relative.subject is None else None
        return ("NP", _plain(entity), ("SBAR", ("WHNP", word), ("S", *_clause(entity.relative, agreement))))
    return _plain(entity)


def place_phrase(preposition: str, entity: Entity) -> Tree:
    """The tree of "in the garden", "next to the house", "in front of the car" and the like."""
    phrase = noun_phrase(entity)
    if preposition == "in front of":
        return ("PP", ("IN", "in"), ("NP", ("NP", ("NN", "front")), ("PP", ("IN", "of"), phrase)))
    if preposition in ("next to", "left of", "right of"):
        word, second = preposition.split()
        return ("ADVP", ("RB", word), ("PP", ("TO" if second == "to" else "IN", second), phrase))
    if preposition == "out of":
        return ("PP", ("IN", "out"), ("PP", ("IN", "of"), phrase))
    return ("PP", ("TO" if preposition == "to" else "IN", preposition), phrase)


def _plain(entity: Entity) -> Tree:
    noun = lexicon.NOUNS[entity.noun]
    *first, last = (noun.plural if entity.plural else noun.singular).split()
    head = [*(("NN", word) for word in first), ("NNS" if entity.plural else "NN", last)]
    rest = [*(("JJ", adjective) for adjective in entity.adjectives), *head]
    if entity.owner:
        return ("NP", (*_plain(entity.owner), ("POS", "'s")), *rest)
    if entity.determiner == "many":
        return ("NP", ("NP", ("DT", "a"), ("NN", "lot")), ("PP", ("IN", "of"), ("NP", *rest)))
    word = entity.determiner
    if word == "a" and rest[0][1][0] in "aeiou":
        word = "an"
    if word == "this" and entity.plural:
        word = "these"
    return ("NP", (_TAGS.get(entity.determiner, "DT"), word), *rest)


def _time(time: str) -> Tree:
    if time == "in the evening":
        return ("PP", ("IN", "in"), ("NP", ("DT", "the"), ("NN", "evening")))
    words = time.split()
    if time == "now":
        return ("ADVP", ("RB", time))
    return ("NP", *((("DT" if word == "every" else "JJ"), word) for word in words[:-1]), ("NN", words[-1]))


def _clause(clause: Clause, agreement: Entity | None = None) -> list[Tree]:
    subject = clause.subject or agreement
    parts = [noun_phrase(clause.subject)] if clause.subject else []
    if clause.verb == "exist":
        return [
            ("NP", ("EX", "there")),
            ("VP", _be(clause.subject, clause.past), noun_phrase(clause.subject), *_tail(clause)),
        ]
    if clause.frequency:
        parts.append(("ADVP", ("RB", clause.frequency)))
    parts.append(_verb_phrase(clause, subject))
    return parts


def _be(subject: Entity, past: bool) -> Tree:
    if past:
        return ("VBD", "were" if subject.is_plural else "was")
    return ("VBP", "are") if subject.is_plural else ("VBZ", "is")


def _do(subject: Entity, past: bool) -> Tree:
    if past:
        return ("VBD", "did")
    return ("VBP", "do") if subject.is_plural else ("VBZ", "does")


def _is_progressive(clause: Clause) -> bool:
    habit = clause.frequency or clause.time == "every day"
    return lexicon.VERBS[clause.verb].progressive and not clause.past and not habit and not clause.modal


def _verb_phrase(clause: Clause, subject: Entity) -> Tree:
    tail = _tail(clause)
    negation = (("RB", "not"),) if clause.negated else ()
    if clause.verb == "be":
        return ("VP", _be(subject, clause.past), *negation, *tail)
    verb = lexicon.VERBS[clause.verb]
    if clause.modal:
        if clause.modal == "going":
            return (
                "VP",
                _be(subject, False),
                ("VP", ("VBG", "going"), ("S", ("VP", ("TO", "to"), ("VP", ("VB", verb.base), *tail)))),
            )
        word = lexicon.MODALS[clause.modal][0][subject.is_plural]
        bare = ("VP", ("VB", verb.base), *tail)
        if clause.modal != "can":
            return ("VP", ("VBP" if subject.is_plural else "VBZ", word), ("S", ("VP", ("TO", "to"), bare)))
        return ("VP", ("MD", word), bare)
    if _is_progressive(clause):
        return ("VP", _be(subject, False), *negation, ("VP", ("VBG", verb.ing), *tail))
    if clause.negated:
        return ("VP", _do(subject, clause.past), *negation, ("VP", ("VB", verb.base), *tail))
    if clause.past:
        return ("VP", ("VBD", verb.past), *tail)
    return ("VP", ("VBP", verb.base) if subject.is_plural else ("VBZ", verb.third), *tail)


def _question_verb(clause: Clause) -> tuple[Tree, list[Tree]]:
    tail = _tail(clause)
    if clause.verb == "be":
        return _be(clause.subject, clause.past), tail
    verb = lexicon.VERBS[clause.verb]
    if clause.modal == "going":
        return _be(clause.subject, False), [
            ("VP", ("VBG", "going"), ("S", ("VP", ("TO", "to"), ("VP", ("VB", verb.base), *tail))))
        ]
    if clause.modal:
        return ("MD", clause.modal), [("VP", ("VB", verb.base), *tail)]
    if _is_progressive(clause):
        return _be(clause.subject, False), [("VP", ("VBG", verb.ing), *tail)]
    return _do(clause.subject, clause.past), [("VP", ("VB", verb.base), *tail)]


def _tail(clause: Clause) -> list[Tree]:
    """What follows the verb: objects, place, manner, time, and the clauses."""
    parts: list[Tree] = []
    particle = lexicon.VERBS[clause.verb].particle if clause.verb in lexicon.VERBS else ""
    if clause.adjective:
        parts.append(("ADJP", ("JJ", clause.adjective)))
    if particle == "up":
        parts.append(("PRT", ("RP", particle)))
    if clause.recipient:
        parts.append(noun_phrase(clause.recipient))
    if particle == "for":
        parts.append(
            ("PP", ("IN", particle), noun_phrase(clause.object))
            if clause.object
            else ("PP", ("IN", particle))
        )
    elif clause.object:
        parts.append(noun_phrase(clause.object))
    if clause.place:
        parts.append(place_phrase(*clause.place))
    if clause.manner:
        parts.append(("ADVP", ("RB", clause.manner)))
    if clause.time and clause.time not in lexicon.TIMES_FIRST:
        parts.append(_time(clause.time))
    if clause.complement:
        parts.append(("SBAR", ("S", *_clause(clause.complement))))
    if clause.reason:
        parts.append(("SBAR", ("IN", "because"), ("S", *_clause(clause.reason))))
    return parts
