"""Transcripts of the WSJ corpora to words."""

import pytest

from t2tlite.problems.formats import transcripts

WORDS = {  # by what a .dot file has
    "The female produces a litter of two to four young in November": (
        "the female produces a litter of two to four young in november"
    ),
    "[loud_breath] Yes . no ~": "yes no",
    "a [<door_slam] b [door_slam>] c [phone_ring/] d e [/phone_ring]": "a b c d e",
    "*Qatar* <and> !never *<ev:er>* ~cut off~": "qatar and never ever cut off",
    "Mr\\. Corp\\. U\\. S\\. A\\.'s": "mr. corp. u. s. a.'s",
    "\\,COMMA two \\-\\-DASH three \\-HYPHEN four \\.PERIOD": "comma two dash three hyphen four period",
    '\\"DOUBLE\\-QUOTE \\?QUESTION\\-MARK \\"CLOSE\\-QUOTE': "double-quote question-mark close-quote",
    "\\(LEFT\\-PAREN \\)RIGHT\\-PAREN \\{LEFT\\-BRACE \\:COLON \\&AMPERSAND": (
        "left-paren right-paren left-brace colon ampersand"
    ),
    "'SINGLE-QUOTE 'CAUSE rock 'n' roll": "single-quote 'cause rock 'n' roll",
    "ten %PERCENT .POINT oh": "ten percent point oh",
    "AT\\&T's two\\-thirds fragm-": "at&t's two-thirds fragm-",
    "\\[LEFT\\-BRACKET and \\]RIGHT\\-BRACKET": "left-bracket and right-bracket",
    "O`Neill said; \"no,\" (twice)": "o'neill said no twice",
    "[cough] . ~ -- ...": "",
    "  Élan\tvital ": "élan vital",
}  # fmt: skip


@pytest.mark.parametrize("transcript", WORDS)
def test_words(transcript):
    assert transcripts.words(transcript) == WORDS[transcript]


@pytest.mark.parametrize("text", WORDS.values())
def test_words_of_words_are_the_same(text):
    assert transcripts.words(text) == text == transcripts.kaldi_words(text.upper())


def test_kaldis_text():
    assert transcripts.kaldi_words("THE <NOISE> U. S. -DASH ,COMMA <SPOKEN_NOISE> <UNK> MEN") == (
        "the u. s. dash comma <unk> men"
    )
    assert transcripts.kaldi_words("<NOISE> <sil>") == ""


def test_utterances_of_a_file():
    lines = [
        "The men (01ic0201)\n",
        "THE WOMEN (01IC0202)\r\n",
        "\n",
        "And \\(LEFT-PAREN (aside) (01ic0203 87.051.0123.1.1)\n",
        "no name here\n",
        "(01ic0204)\n",
        "again (01ic0201)\n",
    ]
    assert transcripts.utterances(lines) == {
        "01ic0201": "The men",
        "01ic0202": "THE WOMEN",
        "01ic0203": "And \\(LEFT-PAREN (aside)",
        "01ic0204": "",
    }


def test_what_is_no_utf_8():
    assert transcripts.is_text("élan") and not transcripts.is_text(
        b"\xe9lan".decode(errors="surrogateescape")
    )
