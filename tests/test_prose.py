"""The documentation has American spelling and short sentences."""

import re
import subprocess
import sys

import pytest

from .pages import ROOT, TEXTS

PAGES = [name for name in TEXTS if not name.startswith("docs/results/")]  # t2t-experiment's reports
MOST_WORDS = 35


def sentences(text):
    """The sentences of a page: of its paragraphs, and of each item of a list, cell of a table and heading."""
    text = re.sub(r"^```.*?^```", "\n\n", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(:::.*(\n .*)*|<!--.*-->)$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "CODE", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*([*-]|\d+\.|#+) ", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^\|.*\|$", lambda row: "\n\n" + row[0].replace("|", "\n\n"), text, flags=re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n", text):
        yield from re.split(r"(?<=[.!?:])[)\"*]*\s+(?=[\"(*]*[A-Z0-9])", " ".join(paragraph.split()))


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page):
    long = [one for one in sentences(TEXTS[page]) if len(re.findall(r"\w[\w.,'’-]*", one)) > MOST_WORDS]
    assert not long


def test_spelling():
    words = ["--builtin=clear,rare,en-GB_to_en-US", "--ignore-words-list=ende,ist,sie"]
    checked = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *words, *PAGES], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_a_sentence_is():
    text = "# A title\n\nOne. `x.y` is two: Three? See [four](x.md).\n\n* five\n* six\n\n| 7 | eight. |\n"
    found = [one for one in sentences(text) if one]
    assert found == ["A title", "One.", "CODE is two:", "Three?", "See four.", "five", "six", "7", "eight."]
