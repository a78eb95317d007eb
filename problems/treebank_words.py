"""An English sentence as people write it to the words of the Penn Treebank."""

import re

# Their full stop is part of the word. So is that of a word with another one in it, such as "U.S.".
_ABBREVIATIONS = frozenset(
    "adm aug ave bros calif capt co col corp dec del dr feb fla gen gov inc jan jr lt ltd mass messrs mr mrs"
    " ms nov oct prof rep rev sen sept sgt sr st va vs etc".split()
)
_BRACKETS = {"(": "-LRB-", ")": "-RRB-", "[": "-LSB-", "]": "-RSB-", "{": "-LCB-", "}": "-RCB-"}
# Applied in this order; after R. MacIntyre's tokenizer.sed, which the Treebank is distributed with.
_RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("[‘’]", "'"),
        ("“", "``"),
        ("”", "''"),
        (r'(^|[\s(\[{])"', r"\1 `` "),
        ('"', " '' "),
        (r"``|''|\.\.\.|--|[;?!#$%]|(?<!\S)&(?!\S)", r" \g<0> "),
        (r"[,:](?!\d)|(?<!\d)[,:]", r" \g<0> "),  # not in 1,000 and 10:30
        (r"(?<=[^\s'])'(?=\s|$)", " ' "),
        (r"(?i)(?<=[^\s'])'(?:[smd]|ll|re|ve)(?!\w)", r" \g<0>"),
        (r"(?i)(?<=\w)n't\b", r" \g<0>"),
        (r"(?i)\b(can)(not)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b", r"\1\3\5 \2\4\6"),
    )
]
_LAST = re.compile(r"(?P<word>\S*[^\s.])\.(?P<closing>(?: (?:''|'|-RRB-|-RSB-|-RCB-))*)$")


def treebank_words(sentence: str) -> str:
    """The words and marks of a sentence, separated by spaces; those that are so already stay as they are.

    The full stop of the last word is a mark, that of others is part of them: the text is one sentence.

    Args:
      sentence: English, as people write it.
    """
    for pattern, replacement in _RULES:
        sentence = pattern.sub(replacement, sentence)
    for bracket, name in _BRACKETS.items():
        sentence = sentence.replace(bracket, f" {name} ")
    return _LAST.sub(_part_full_stop, " ".join(sentence.split()))


def _part_full_stop(found: re.Match) -> str:
    word = found["word"]
    whole = word.lower() in _ABBREVIATIONS or "." in word
    return found[0] if whole else f"{word} .{found['closing']}"
