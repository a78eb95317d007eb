"""The grammar of `treebank.py`: trees in the Penn Treebank's brackets, with traces and functions."""

import random

from treebank_lexicon import PREPOSITIONS, Lexicon, gerund, past, plural

_DETERMINERS = "the the the the a a this that some any no its their each".split()
_PRONOUNS = "he she it they we I you".split()
_MODALS = "will would could may can should might must".split()
_SUBORDINATORS = "because if while although since as after before until".split()
_ADVERBS = "also still now even then already however again too once".split()
_TIMES = ["yesterday", "today", "tomorrow"]
_NOISE = 0.15  # of the choices that words make otherwise
_SHALLOWER = 0.86  # times as likely is what makes a tree larger, a level deeper


def node(label: str, *parts: str) -> str:
    return f"({label} {' '.join(filter(None, parts))})"


class Grammar:
    """Draws trees; a deeper place has fewer and shorter constituents.

    A prepositional phrase belongs to the verb or to the noun before it, by what those like; a coordination
    joins what stands next to it or more; a verb's frame is the verb's own.

    Args:
      lexicon: the words.
      draw: what is drawn from.
    """

    def __init__(self, lexicon: Lexicon, draw: random.Random):
        self._lexicon = lexicon
        self._draw = draw
        self._traces = 0

    def tree(self) -> str:
        """A sentence, in the brackets of a file of the Treebank."""
        self._traces = 0
        kind = self._draw.choices(["plain", "pair", "quoted", "fronted", "phrase"], [52, 20, 12, 14, 2])[0]
        end = node(".", self._draw.choices([".", "?", "!"], [96, 3, 1])[0])
        if kind == "phrase":
            return f"( {node('NP', *self._inner(self._np(0)), end)} )"
        if kind == "pair":
            first, second = self._s(1), self._s(1)
            joint = [node(",", ",")] if self._chance(0.6) else []
            return f"( {node('S', first, *joint, self._and(), second, end)} )"
        if kind == "quoted":
            self._traces += 1
            mark = f"-{self._traces}"
            said = node("VP", node("VBD", "said"), node("S", f"(-NONE- *T*{mark})"))
            opened, closed = ("``", "''") if self._chance(0.5) else ("", "")
            quoted = node(f"S-TPC{mark}", *self._inner(self._s(0)))
            parts = [opened and node("``", opened), quoted, node(",", ","), closed and node("''", closed)]
            return f"( {node('S', *parts, self._subject(3), said, end)} )"
        front = []
        if kind == "fronted":
            fronts = [self._pp(1), self._sbar(1), node("ADVP", self._adverb())]
            front = [self._draw.choices(fronts, [4, 3, 3])[0], node(",", ",")]
        return f"( {node('S', *front, *self._inner(self._s(0)), end)} )"

    def _chance(self, probability, depth=0):
        return self._draw.random() < probability * _SHALLOWER**depth

    def _pick(self, options):
        return self._draw.choice(options)

    def _inner(self, tree):
        """The parts of a constituent, in one string."""
        return [tree[tree.index(" ") + 1 : -1]]

    def _and(self):
        return node("CC", self._draw.choices(["and", "or", "but"], [8, 1, 2])[0])

    def _adverb(self):
        if self._chance(0.5):
            return node("RB", self._pick(_ADVERBS))
        return node("RB", f"{self._word('adjective').stem}ly")

    def _word(self, kind):
        return self._lexicon.draw(self._draw, kind)

    def _s(self, depth):
        subject, many = self._subject_and_number(depth)
        adverb = [node("ADVP", self._adverb())] if self._chance(0.12, depth) else []
        return node("S", subject, *adverb, self._finite(depth, many))

    def _subject(self, depth):
        return self._subject_and_number(depth)[0]

    def _subject_and_number(self, depth):
        if self._chance(0.25):
            pronoun = self._pick(_PRONOUNS)
            many = pronoun not in ("he", "she", "it")
            return node("NP-SBJ", node("PRP", pronoun)), many
        tree = self._np(depth + 1)
        return node("NP-SBJ", *self._inner(tree)), "(NNS" in tree.split("(PP")[0]

    def _np(self, depth):
        head, noun = self._base()
        if noun and self._chance(0.42, depth):
            return node("NP", head, self._pp(depth + 1, self._preposition(noun)))
        kinds = ["plain", "relative", "pair", "apposition", "reduced", "two"]
        kind = (
            self._draw.choices(kinds, [8, 1.7, 1.7, 0.9, 0.9, 0.6])[0] if self._chance(1, depth) else "plain"
        )
        if kind == "relative":
            inside = self._relative(depth + 2)
            return (
                node("NP", head, node(",", ","), inside, node(",", ","))
                if self._chance(0.4)
                else node("NP", head, inside)
            )
        if kind == "pair":
            return self._pair(head, depth)
        if kind == "apposition":
            return node("NP", head, node(",", ","), self._np(depth + 2), node(",", ","))
        if kind == "reduced":
            verb = self._word("verb")
            by = self._pp(depth + 2, "by") if self._chance(0.7) else self._pp(depth + 2, verb.preposition)
            return node("NP", head, node("VP", node("VBN", past(verb.stem)), node("NP", "(-NONE- *)"), by))
        if kind == "two":
            return node("NP", head, self._pp(depth + 1), self._pp(depth + 1))
        return head

    def _pair(self, head, depth):
        """A coordination of noun phrases, of three now and then; the last may have phrases attached to it."""
        second = self._np(depth + 1) if self._chance(0.4) else self._base()[0]
        if self._chance(0.2):
            third = self._base()[0]
            return node("NP", head, node(",", ","), third, node(",", ","), self._and(), second)
        return node("NP", head, self._and(), second)

    def _base(self):
        """A noun phrase without others in it, and its noun, if it has one that others may attach to."""
        draw = self._draw
        kind = draw.choices(["noun", "name", "number", "money", "owner", "percent"], [66, 16, 5, 4, 6, 3])[0]
        if kind == "name":
            first = [node("NNP", self._pick(["Mr.", "Ms.", "Dr."]))] if self._chance(0.25) else []
            names = [node("NNP", self._word("name").stem) for _ in range(draw.choice([1, 1, 2, 2, 3]))]
            return node("NP", *first, *names), None
        if kind == "number":
            return node("NP", self._number(), node("NNS", plural(self._word("noun").stem))), None
        if kind == "money":
            amount = [node("$", "$"), self._number(), node("CD", self._pick(["million", "billion"]))]
            amount = [node("QP", node("RB", "about"), *amount)] if self._chance(0.3) else amount
            return node("NP", *amount), None
        if kind == "percent":
            return node("NP", self._number(), node("NN", "%")), None
        noun = self._word("noun")
        many = self._chance(0.35)
        tag = node("NNS", plural(noun.stem)) if many else node("NN", noun.stem)
        if kind == "owner":
            owner = node("NP", node("NNP", self._word("name").stem), node("POS", "'s"))
            return node("NP", owner, *self._modifiers(), tag), noun
        first = []
        if self._chance(0.75):
            possessive = self._chance(0.1)
            first = (
                [node("PRP$", self._pick(["his", "her", "its", "their"]))]
                if possessive
                else [node("DT", self._pick(_DETERMINERS))]
            )
        return node("NP", *first, *self._modifiers(), tag), noun

    def _modifiers(self):
        modifiers = []
        while self._chance(0.33) and len(modifiers) < 3:
            adjective = self._chance(0.65)
            modifiers.append(
                node("JJ", self._word("adjective").stem) if adjective else node("NN", self._word("noun").stem)
            )
        return modifiers

    def _number(self):
        value = self._draw.choice([self._draw.randrange(2, 100), self._draw.randrange(100, 3000)])
        written = f"{value / 10:.1f}" if self._chance(0.3) else f"{value:,}"
        return node("CD", written)

    def _preposition(self, word):
        return self._pick(["of", *PREPOSITIONS]) if self._chance(_NOISE) else word.preposition

    def _pp(self, depth, preposition=None):
        preposition = preposition or self._pick(["of", *PREPOSITIONS])
        if preposition != "of" and self._chance(0.06):
            return node("PP", node("IN", preposition), self._gerund(depth + 1))
        return node("PP", node("IN", preposition), self._np(depth + 1))

    def _gerund(self, depth):
        verb = self._word("verb")
        inside = node("VP", node("VBG", gerund(verb.stem)), *self._arguments(verb, depth))
        return node("S-NOM", node("NP-SBJ", "(-NONE- *)"), inside)

    def _sbar(self, depth):
        return node("SBAR", node("IN", self._pick(_SUBORDINATORS)), self._s(depth + 1))

    def _relative(self, depth):
        """A relative clause, of its subject or of its object, with or without a pronoun."""
        self._traces += 1
        trace = f"(-NONE- *T*-{self._traces})"
        pronoun = self._pick([node("WDT", "that"), node("WDT", "which"), node("WP", "who")])
        if self._chance(0.6):
            clause = node("S", node("NP-SBJ", trace), self._finite(depth, self._chance(0.4)))
        else:
            verb = self._word("verb")
            clause = node(
                "S", self._subject(depth), node("VP", node("VBD", past(verb.stem)), node("NP", trace))
            )
            pronoun = "(-NONE- 0)" if self._chance(0.4) else pronoun
        return node("SBAR", node(f"WHNP-{self._traces}", pronoun), clause)

    def _finite(self, depth, many):
        """A verb phrase with a finite verb, two of them joined now and then."""
        if self._chance(0.1, depth):
            return node("VP", self._finite(depth + 2, many), self._and(), self._finite(depth + 2, many))
        verb = self._word("verb")
        kind = self._draw.choices(
            ["past", "present", "modal", "perfect", "passive", "be"], [34, 18, 15, 9, 10, 14]
        )[0]
        if kind == "past":
            return node("VP", node("VBD", past(verb.stem)), *self._rest(verb, depth))
        if kind == "present":
            tag = node("VBP", verb.stem) if many else node("VBZ", plural(verb.stem))
            return node("VP", tag, *self._rest(verb, depth))
        if kind == "modal":
            inside = node("VP", node("VB", verb.stem), *self._rest(verb, depth))
            no = [node("RB", self._pick(["not", "n't"]))] if self._chance(0.15) else []
            return node("VP", node("MD", self._pick(_MODALS)), *no, inside)
        if kind == "perfect":
            has = node("VBP", "have") if many else node("VBZ", "has")
            return node("VP", has, node("VP", node("VBN", past(verb.stem)), *self._rest(verb, depth)))
        be = self._pick(
            [node("VBD", "were"), node("VBP", "are")] if many else [node("VBD", "was"), node("VBZ", "is")]
        )
        if kind == "passive":
            by = [self._pp(depth + 1, "by")] if self._chance(0.5) else []
            return node(
                "VP",
                be,
                node(
                    "VP",
                    node("VBN", past(verb.stem)),
                    node("NP", "(-NONE- *-1)"),
                    *by,
                    *self._adjuncts(depth),
                ),
            )
        return node("VP", be, self._predicate(depth), *self._adjuncts(depth))

    def _predicate(self, depth):
        kind = self._draw.choice(["quality", "quality", "thing", "place"])
        if kind == "thing":
            return node("NP-PRD", *self._inner(self._np(depth + 1)))
        if kind == "place":
            return node("PP-PRD", *self._inner(self._pp(depth + 1)))
        return self._quality(depth)

    def _quality(self, depth):
        word = self._word("adjective")
        degree = [node("RB", self._pick(["very", "so", "too", "more"]))] if self._chance(0.25) else []
        more = [self._pp(depth + 2, word.preposition)] if self._chance(0.25, depth) else []
        return node("ADJP-PRD", *degree, node("JJ", word.stem), *more)

    def _rest(self, verb, depth):
        return [*self._arguments(verb, depth), *self._adjuncts(depth)]

    def _arguments(self, verb, depth):
        """What the verb's frame asks for; the object's own phrases are not among them."""
        frame = "object" if self._chance(_NOISE) else verb.frame
        if depth > 5 and frame in ("that", "to_do"):
            frame = "object"
        if frame == "object":
            return [self._np(depth + 1)]
        if frame == "place":
            return [self._np(depth + 2), self._pp(depth + 1, self._preposition(verb))]
        if frame == "that":
            that = node("IN", "that") if self._chance(0.6) else "(-NONE- 0)"
            return [node("SBAR", that, self._s(depth + 1))]
        if frame == "to_do":
            other = self._word("verb")
            inside = node("VP", node("VB", other.stem), *self._rest(other, depth + 1))
            return [node("S", node("NP-SBJ", "(-NONE- *-1)"), node("VP", node("TO", "to"), inside))]
        if frame == "gives":
            return [self._base()[0], self._np(depth + 1)]
        if frame == "quality":
            return [self._quality(depth)]
        if frame == "particle":
            return [node("PRT", node("RP", self._pick(["up", "out", "off", "down"]))), self._np(depth + 1)]
        return [self._pp(depth + 1, self._preposition(verb))] if self._chance(0.5) else []

    def _adjuncts(self, depth):
        adjuncts = []
        if self._chance(0.12, depth):
            adjuncts.append(node("NP-TMP", node("NN", self._pick(_TIMES))))
        if self._chance(0.3, depth):
            adjuncts.append(self._pp(depth + 1))
        if self._chance(0.1, depth):
            adjuncts.append(node("ADVP", self._adverb()))
        if self._chance(0.1, depth):
            adjuncts.append(self._sbar(depth + 1))
        return adjuncts
