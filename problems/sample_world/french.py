"""A scene's clause in French: gender and number, adjective order, elision, contraction, negation."""

from t2tlite.problems.sample_world import lexicon, writing
from t2tlite.problems.sample_world.scene import Clause, Entity, turned

# Every h of this lexicon is mute.
_VOWELS = "aeiouhéèêàâôîœy"
_ELIDED = {"le", "la", "de", "ne", "que"}
_CONTRACTIONS = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}


def sentence(clause: Clause) -> str:
    """The whole sentence as people write it: French sets a question mark apart."""
    return writing.written(words(clause), apart=("?",))


def words(clause: Clause) -> list[str]:
    """The words and marks of the sentence; all lower case."""
    if not clause.verb:
        return [*_join(noun_phrase(clause.subject)), "."]
    if clause.question:
        return [*_join(["est-ce", "que", *_clause(clause)]), "?"]
    return [*_join(_clause(clause)), "."]


def noun_phrase(entity: Entity, negated: bool = False) -> list[str]:
    """The words of an entity, before elision and contraction; a negated "un" is "de"."""
    if entity.is_pronoun:
        return [lexicon.PRONOUNS[entity.determiner][1]]
    noun = lexicon.NOUNS[entity.noun]
    feminine = noun.french_gender == "f"
    adjectives = [lexicon.ADJECTIVES[adjective] for adjective in entity.adjectives]
    words = [noun.french_plural if entity.plural else noun.french]
    for adjective in reversed([adjective for adjective in adjectives if adjective.french_first]):
        words.insert(0, _agree(adjective, feminine, entity.plural, words[0]))
    words += [
        _agree(adjective, feminine, entity.plural) for adjective in adjectives if not adjective.french_first
    ]
    words = [*_determiner(entity, feminine, starts_with_vowel(words[0]), negated), *words]
    if entity.owner:
        words += ["de", *noun_phrase(entity.owner)]
    if entity.other:
        words += ["et", *noun_phrase(entity.other)]
    if entity.place:
        words += place_phrase(*entity.place)
    if entity.relative:
        words += _relative(entity)
    return words


def place_phrase(preposition: str, entity: Entity) -> list[str]:
    return [*lexicon.PREPOSITIONS[preposition][2].split(), *noun_phrase(entity)]


def is_feminine(entity: Entity) -> bool:
    """Whether what is said of the entity takes the feminine: of a mixed company it does not."""
    if entity.is_pronoun:
        return entity.determiner == "she"
    feminine = lexicon.NOUNS[entity.noun].french_gender == "f"
    return feminine and (entity.other is None or is_feminine(entity.other))


def starts_with_vowel(word: str) -> bool:
    """Whether a word makes the one before it elide."""
    return word[0] in _VOWELS


def _agree(adjective: lexicon.Adjective, feminine: bool, plural: bool, following: str = "") -> str:
    if following and not feminine and not plural and starts_with_vowel(following):
        return adjective.french_before_vowel
    return adjective.french[feminine + 2 * plural]


def _determiner(entity: Entity, feminine: bool, before_vowel: bool, negated: bool) -> list[str]:
    determiner = entity.determiner
    if determiner == "the":
        return ["les" if entity.plural else "la" if feminine else "le"]
    if determiner == "a":
        return ["de"] if negated else ["une" if feminine else "un"]
    if determiner == "this":
        return ["ces" if entity.plural else "cette" if feminine else "cet" if before_vowel else "ce"]
    if determiner == "my":
        return ["mes" if entity.plural else "ma" if feminine and not before_vowel else "mon"]
    if determiner in lexicon.NUMBERS:
        return [lexicon.NUMBERS[determiner][1]]
    return {"every": ["chaque"], "many": ["beaucoup", "de"]}[determiner]


def _relative(entity: Entity) -> list[str]:
    clause = entity.relative
    if clause.subject is None:
        return ["qui", *_clause(clause, agreement=entity)]
    return ["que", *_clause(clause, antecedent=entity)]


def _verbs(clause: Clause, subject: Entity, antecedent: Entity | None) -> tuple[str, str]:
    """The finite verb and what stands after the negation: an infinitive, a participle, or nothing."""
    plural = subject.is_plural
    if clause.verb == "be":
        return (("étaient" if plural else "était") if clause.past else ("sont" if plural else "est")), ""
    verb = lexicon.VERBS[clause.verb]
    if clause.modal:
        return lexicon.MODALS[clause.modal][2][plural], verb.french
    if not clause.past:
        return (verb.french_plural if plural else verb.french_third), ""
    participle = verb.french_participle
    if verb.french_etre:
        return ("sont" if plural else "est"), _participle(participle, subject)
    if clause.object and clause.object.is_pronoun:
        antecedent = clause.object
    # With "avoir" the participle agrees with an object only where that stands before it.
    return ("ont" if plural else "a"), _participle(participle, antecedent) if antecedent else participle


def _clitics(clause: Clause) -> list[str]:
    """The pronouns that stand before the verb."""
    if clause.object and clause.object.is_pronoun:
        return [lexicon.OBJECT_PRONOUNS[clause.object.determiner][2]]
    if clause.recipient and clause.recipient.is_pronoun:
        return [lexicon.OBJECT_PRONOUNS[clause.recipient.determiner][3]]
    return []


def _participle(participle: str, entity: Entity) -> str:
    return participle + ("e" if is_feminine(entity) else "") + ("s" if entity.is_plural else "")


def _clause(clause: Clause, agreement: Entity | None = None, antecedent: Entity | None = None) -> list[str]:
    clause = turned(clause)
    if clause.verb == "exist":
        return [
            *place_phrase(*clause.place),
            "il",
            "y",
            "avait" if clause.past else "a",
            *noun_phrase(clause.subject),
        ]
    subject = clause.subject or agreement
    assert subject is not None, clause
    finite, closing = _verbs(clause, subject, antecedent)
    words = lexicon.TIMES[clause.time][1].split() if clause.time else []
    words += noun_phrase(clause.subject) if clause.subject else []
    clitics = _clitics(clause)
    verb = [finite] if clause.modal else [*clitics, finite]
    words += ["ne", *verb, "pas"] if clause.negated else verb
    if clause.frequency:
        words.append(lexicon.FREQUENCIES[clause.frequency][1])
    if closing:
        words += [*clitics, closing] if clause.modal else [closing]
    if clause.adjective:
        words.append(_agree(lexicon.ADJECTIVES[clause.adjective], is_feminine(subject), subject.is_plural))
    if clause.manner:
        words.append(lexicon.MANNERS[clause.manner][1])
    if clause.object and not clause.object.is_pronoun:
        words += noun_phrase(clause.object, clause.negated)
    if clause.recipient and not clause.recipient.is_pronoun:
        words += ["à", *noun_phrase(clause.recipient)]
    if clause.place:
        words += place_phrase(*clause.place)
    if clause.complement:
        words += ["que", *_clause(clause.complement)]
    if clause.reason:
        words += ["parce", "que", *_clause(clause.reason)]
    return words


def _join(words: list[str]) -> list[str]:
    """Elides and contracts: l'homme, du jardin, aux enfants, qu'il."""
    joined: list[str] = []
    waiting = ""
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if waiting:
            word, waiting = waiting + word, ""
        elided = word in _ELIDED and following and starts_with_vowel(following)
        if elided:
            waiting = word[:-1] + "'"
        elif joined and (joined[-1], word) in _CONTRACTIONS:
            joined[-1] = _CONTRACTIONS[joined[-1], word]
        else:
            joined.append(word)
    return joined
