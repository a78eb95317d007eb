"""The words of the world in English, German and French, with the grammar each carries."""

import dataclasses

from t2tlite.problems.sample_world import words


@dataclasses.dataclass(frozen=True)
class Noun:
    """A noun. `groups` says what it can do in a scene; genders are m, f, n."""

    singular: str
    plural: str
    groups: frozenset[str]
    german: str
    german_plural: str
    german_gender: str
    german_oblique: str
    german_genitive: str
    french: str
    french_plural: str
    french_gender: str


@dataclasses.dataclass(frozen=True)
class Adjective:
    """An adjective. `groups` says what it fits, in terms of the groups of nouns."""

    english: str
    groups: frozenset[str]
    german: str
    french: tuple[str, str, str, str]  # masculine, feminine, masculine plural, feminine plural
    french_before_vowel: str
    french_first: bool


@dataclasses.dataclass(frozen=True)
class Verb:
    """A verb. English: base, third person, past, -ing; German and French: infinitive, third, participle."""

    base: str
    third: str
    past: str
    ing: str
    progressive: bool
    particle: str
    german: str
    german_third: str
    german_participle: str
    german_sein: bool
    german_prefix: str
    german_dative: bool
    french: str
    french_third: str
    french_plural: str
    french_participle: str
    french_etre: bool


def _rows(table: str) -> list[list[list[str]]]:
    return [[part.split() for part in line.split("|")] for line in table.strip().splitlines()]


def _genitive_ending(noun: str) -> str:
    return "s" if noun.endswith(("er", "el", "en", "ig", "ing", "y")) else "es"


def _noun(english, german, french) -> Noun:
    english = [word.replace("_", " ") for word in english]
    oblique = german[3] if len(german) > 3 else german[0]
    genitive = (
        german[0]
        if german[2] == "f"
        else oblique + ("s" if german[2] == "n" else "")
        if len(german) > 3
        else german[0] + _genitive_ending(german[0])
    )
    return Noun(  # type: ignore[call-arg]  # lists of words are of any length
        english[0], english[1], frozenset(english[2].split(",")), *german[:3], oblique, genitive, *french
    )


def _adjective(english, german, french) -> Adjective:
    first = french[0] == "+"
    forms = french[first:]
    return Adjective(
        english[0],
        frozenset(english[1].split(",")),
        german[0],
        tuple(forms[:4]),
        forms[4] if len(forms) > 4 else forms[0],
        first,
    )


def _verb(english, german, french) -> Verb:
    prefix = "".join(mark[:-1] for mark in german[3:] if mark.endswith("-"))
    return Verb(  # type: ignore[call-arg]  # as above
        *english[:4],
        "*" in english,
        english[5] if len(english) > 5 else "",
        *german[:3],
        "sein" in german,
        prefix,
        "dat" in german,
        *french[:4],
        "être" in french,
    )


def _verbs(table: str) -> dict[str, Verb]:
    return {row[0][0]: _verb(*row) for row in _rows(table)}


NOUNS = {noun.singular: noun for noun in (_noun(*row) for row in _rows(words.NOUNS))}
ADJECTIVES = {row[0][0]: _adjective(*row) for row in _rows(words.ADJECTIVES)}
INTRANSITIVE, MOTION, TRANSITIVE = _verbs(words.INTRANSITIVE), _verbs(words.MOTION), _verbs(words.TRANSITIVE)
INVERTED, DITRANSITIVE, COMPLEMENT = (
    _verbs(words.INVERTED),
    _verbs(words.DITRANSITIVE),
    _verbs(words.COMPLEMENT),
)
VERBS = INTRANSITIVE | MOTION | TRANSITIVE | INVERTED | DITRANSITIVE | COMPLEMENT

NUMBERS = {
    "two": ("zwei", "deux"),
    "three": ("drei", "trois"),
    "four": ("vier", "quatre"),
    "five": ("fünf", "cinq"),
}
# English third person and plural | German | French; all take an infinitive.
MODALS = {
    "can": (("can", "can"), ("kann", "können"), ("peut", "peuvent")),
    "have": (("has", "have"), ("muss", "müssen"), ("doit", "doivent")),
    "going": (("is going", "are going"), ("wird", "werden"), ("va", "vont")),
    "want": (("wants", "want"), ("will", "wollen"), ("veut", "veulent")),
}
# German preposition, its case, French preposition.
PREPOSITIONS = {
    "in": ("in", "dative", "dans"),
    "on": ("auf", "dative", "sur"),
    "under": ("unter", "dative", "sous"),
    "behind": ("hinter", "dative", "derrière"),
    "in front of": ("vor", "dative", "devant"),
    "next to": ("neben", "dative", "à côté de"),
    "with": ("mit", "dative", "avec"),
    "without": ("ohne", "accusative", "sans"),
    "to": ("zu", "dative", "à"),
    "into": ("in", "accusative", "dans"),
    "out of": ("aus", "dative", "de"),
    "left of": ("links von", "dative", "à gauche de"),
    "right of": ("rechts von", "dative", "à droite de"),
    "above": ("über", "dative", "au-dessus de"),
    "below": ("unterhalb von", "dative", "au-dessous de"),
    "through": ("durch", "accusative", "à travers"),
}
# German, French.
MANNERS = {
    "slowly": ("langsam", "lentement"),
    "quickly": ("schnell", "rapidement"),
    "quietly": ("leise", "doucement"),
    "loudly": ("laut", "bruyamment"),
}
FREQUENCIES = {
    "often": ("oft", "souvent"),
    "sometimes": ("manchmal", "parfois"),
    "always": ("immer", "toujours"),
}
# German, French: first in their sentences. English has most of them at its end.
TIMES = {
    "today": ("heute", "aujourd'hui"),
    "now": ("jetzt", "maintenant"),
    "yesterday": ("gestern", "hier"),
    "every day": ("jeden Tag", "chaque jour"),
    "last week": ("letzte Woche", "la semaine dernière"),
    "in the evening": ("am Abend", "le soir"),
}
TIMES_FIRST = ("today",)
TIMES_PAST = ("yesterday", "last week")
PRONOUNS = {"he": ("er", "il"), "she": ("sie", "elle"), "they": ("sie", "ils")}
# German accusative and dative, French direct and indirect object. No "her": German "sie" is her and them.
OBJECT_PRONOUNS = {"him": ("ihn", "ihm", "le", "lui"), "them": ("sie", "ihnen", "les", "leur")}
