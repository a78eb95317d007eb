"""A scene's clause in German: gender, case, adjective endings, verb second and verb last, separable verbs."""

from t2tlite.problems.sample_world import lexicon, writing
from t2tlite.problems.sample_world.scene import Clause, Entity, turned

# Endings of "dieser", which "der" and "jeder" share; plural under "p".
_DER = {
    "nominative": {"m": "er", "f": "e", "n": "es", "p": "e"},
    "accusative": {"m": "en", "f": "e", "n": "es", "p": "e"},
    "dative": {"m": "em", "f": "er", "n": "em", "p": "en"},
    "genitive": {"m": "es", "f": "er", "n": "es"},
}
_ARTICLE = {
    "nominative": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "accusative": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "dative": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
    "genitive": {"m": "des", "f": "der", "n": "des"},
}
_RELATIVE = _ARTICLE | {"dative": _ARTICLE["dative"] | {"p": "denen"}}
_CONTRACTIONS = {
    ("in", "dem"): "im",
    ("in", "das"): "ins",
    ("von", "dem"): "vom",
    ("zu", "dem"): "zum",
    ("zu", "der"): "zur",
}


def sentence(clause: Clause) -> str:
    """The whole sentence as people write it."""
    return writing.written(words(clause))


def words(clause: Clause) -> list[str]:
    """The words and marks of the sentence; the first is lower case unless it is a noun."""
    if not clause.verb:
        return [*noun_phrase(clause.subject, "nominative"), "."]
    if clause.question:
        return [*_clause(clause, "question"), "?"]
    return [*_clause(clause, "main"), "."]


def noun_phrase(entity: Entity, case: str, negated: bool = False, last: bool = False) -> list[str]:
    """The words of an entity.

    Args:
      entity: what to name.
      case: nominative, accusative, dative or genitive.
      negated: "kein" in place of "ein".
      last: the sentence ends here, so that a relative clause needs no closing comma.
    """
    if entity.determiner in lexicon.OBJECT_PRONOUNS:
        return [lexicon.OBJECT_PRONOUNS[entity.determiner][case == "dative"]]
    if entity.is_pronoun:
        return [lexicon.PRONOUNS[entity.determiner][0]]
    noun = lexicon.NOUNS[entity.noun]
    gender = "p" if entity.plural else noun.german_gender
    words = [_determiner(entity.determiner, case, gender, negated)]
    words += [_adjective(adjective, entity.determiner, case, gender) for adjective in entity.adjectives]
    words.append(_head(noun, case, entity.plural))
    if entity.owner:
        words += noun_phrase(entity.owner, "genitive")
    if entity.other:
        words += ["und", *noun_phrase(entity.other, case)]
    if entity.place:
        words += place_phrase(*entity.place)
    if entity.relative:
        words += [",", *_relative(entity, gender)]
        if not last:
            words.append(",")
    return words


def place_phrase(preposition: str, entity: Entity) -> list[str]:
    """The words of a preposition and its entity, contracted where German does (im, ins, vom, zum, zur)."""
    word, case, _ = lexicon.PREPOSITIONS[preposition]
    phrase = noun_phrase(entity, case)
    *first, last = word.split()
    contracted = _CONTRACTIONS.get((last, phrase[0]))
    return [*first, contracted, *phrase[1:]] if contracted else [*first, last, *phrase]


def _head(noun: lexicon.Noun, case: str, plural: bool) -> str:
    if case == "genitive":
        return noun.german_genitive
    if not plural:
        unchanged = case == "nominative" or (case, noun.german_gender) == ("accusative", "n")
        return noun.german if unchanged else noun.german_oblique
    if case == "dative" and noun.german_plural[-1] not in "ns":
        return noun.german_plural + "n"
    return noun.german_plural


def _determiner(determiner: str, case: str, gender: str, negated: bool) -> str:
    if determiner == "the":
        return _ARTICLE[case][gender]
    if determiner in ("a", "my"):
        stem = "mein" if determiner == "my" else "kein" if negated else "ein"
        bare = (case, gender) in {("nominative", "m"), ("nominative", "n"), ("accusative", "n")}
        return stem if bare else stem + _DER[case][gender]
    if determiner in lexicon.NUMBERS:
        return lexicon.NUMBERS[determiner][0]
    return {"this": "dies", "every": "jed", "many": "viel"}[determiner] + _DER[case][gender]


def _adjective(adjective: str, determiner: str, case: str, gender: str) -> str:
    stem = lexicon.ADJECTIVES[adjective].german.removesuffix("e")
    if determiner == "many" or determiner in lexicon.NUMBERS:
        return stem + ("en" if case == "dative" else "e")
    if case in ("dative", "genitive") or gender == "p" or (case, gender) == ("accusative", "m"):
        return stem + "en"
    if determiner in ("a", "my"):
        return stem + _DER[case][gender]
    return stem + "e"


def _relative(entity: Entity, gender: str) -> list[str]:
    clause = entity.relative
    if clause.subject is None:
        return [_RELATIVE["nominative"][gender], *_clause(clause, "last", entity)]
    return [_RELATIVE[_object_case(clause)][gender], *_clause(clause, "last")]


def _object_case(clause: Clause) -> str:
    return "dative" if lexicon.VERBS[clause.verb].german_dative else "accusative"


def _verbs(clause: Clause, plural: bool) -> tuple[str, list[str], str]:
    """The finite verb, its separable prefix (or none), and what closes the clause."""
    if clause.verb in ("be", "exist"):
        return (("waren" if plural else "war") if clause.past else ("sind" if plural else "ist")), [], ""
    verb = lexicon.VERBS[clause.verb]
    if clause.modal:
        return lexicon.MODALS[clause.modal][1][plural], [], verb.german_prefix + verb.german
    if clause.past:
        auxiliary = ("sind" if plural else "ist") if verb.german_sein else ("haben" if plural else "hat")
        return auxiliary, [], verb.german_participle
    return (
        (verb.german if plural else verb.german_third),
        [verb.german_prefix] if verb.german_prefix else [],
        "",
    )


def _middle(clause: Clause) -> list[str]:
    """What stands between the finite verb (and the subject) and the end of the clause."""
    words = []
    pronoun = clause.object is not None and clause.object.is_pronoun
    if pronoun:
        words += noun_phrase(clause.object, _object_case(clause))
    if clause.recipient and clause.recipient.is_pronoun:
        words += noun_phrase(clause.recipient, "dative")
    if clause.frequency:
        words.append(lexicon.FREQUENCIES[clause.frequency][0])
    if clause.recipient and not clause.recipient.is_pronoun:
        words += noun_phrase(clause.recipient, "dative")
    indefinite = clause.object is not None and clause.object.determiner == "a"
    if clause.object and not pronoun:
        words += noun_phrase(clause.object, _object_case(clause), clause.negated and indefinite, last=True)
    if clause.negated and not indefinite:
        words.append("nicht")
    if clause.manner:
        words.append(lexicon.MANNERS[clause.manner][0])
    if clause.place:
        words += place_phrase(*clause.place)
    if clause.adjective:
        words.append(lexicon.ADJECTIVES[clause.adjective].german)
    return words


def _clause(clause: Clause, order: str, agreement: Entity | None = None) -> list[str]:
    """The words of a clause.

    Args:
      clause: what to say.
      order: "main" (finite verb second), "question" (first) or "last".
      agreement: who the verb agrees with where the clause has no subject of its own.
    """
    clause = turned(clause)
    if clause.verb == "exist":
        return _exists(clause)
    subject = clause.subject or agreement
    assert subject is not None, clause
    finite, prefix, closing = _verbs(clause, subject.is_plural)
    middle = _middle(clause)
    named = noun_phrase(clause.subject, "nominative") if clause.subject else []
    if order == "last":
        end = [closing] if closing else []
        words = [*named, *middle, *end, "".join([*prefix, finite])]
    else:
        end = [closing] if closing else prefix
        if order == "question":
            words = [finite, *named, *middle, *end]
        elif clause.time:
            words = [*lexicon.TIMES[clause.time][0].split(), finite, *named, *middle, *end]
        else:
            words = [*named, finite, *middle, *end]
    if clause.complement:
        words += [",", "dass", *_clause(clause.complement, "last")]
    if clause.reason:
        words += [",", "weil", *_clause(clause.reason, "last")]
    return words


def _exists(clause: Clause) -> list[str]:
    finite, _, _ = _verbs(clause, clause.subject.is_plural)
    return [*place_phrase(*clause.place), finite, *noun_phrase(clause.subject, "nominative")]
