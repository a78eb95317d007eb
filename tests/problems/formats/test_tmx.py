"""Translation memories: languages by prefix, inline codes left out, memory that does not grow."""

import gzip
import tracemalloc

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Dropped
from t2tlite.problems.formats import tmx

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4">
 <header srclang="en-US" adminlang="en" segtype="sentence" datatype="plaintext" o-tmf="x" creationtool="x"
  creationtoolversion="1"><note>tu</note></header>
 <body>
"""
TAIL = " </body>\n</tmx>\n"
LACKING = Dropped("a translation unit without both languages")


def unit(*variants, attribute="xml:lang"):
    inner = "".join(f'<tuv {attribute}="{code}"><seg>{text}</seg></tuv>\n' for code, text in variants)
    return f'<tu tuid="1"><note>about</note><prop type="x">y</prop>\n{inner}</tu>\n'


def read(path, units, head=HEAD, tail=TAIL):
    content = (head + "".join(units) + tail).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return list(tmx.Part(str(path), ("en", "de")).pairs())


@pytest.mark.parametrize("name", ["x.tmx", "x.tmx.gz"])
def test_pairs(tmp_path, name):
    units = [
        unit(("en", "dog"), ("de", "Hund")),
        unit(("fr", "chat"), ("DE-AT", "Katze"), ("EN_us", "cat")),
        unit(("en", "R &amp; D &lt;x&gt; &#228;"), ("de", "F\u2028E")),
        unit(("en", "old"), ("de", "alt"), attribute="lang"),
    ]
    assert read(tmp_path / name, units) == [
        ("dog", "Hund"),
        ("cat", "Katze"),
        ("R & D <x> ä", "F\u2028E"),
        ("old", "alt"),
    ]


def test_inline_codes_are_left_out_but_not_what_they_mark(tmp_path):
    marked = (
        'Press <bpt i="1">&lt;b&gt;</bpt><hi type="t">the <ph>{0}</ph>red</hi><ept i="1">&lt;/b&gt;</ept> '
        "button<ph>\\f<sub>note</sub></ph>.\n      Now"
    )
    (pair,) = read(tmp_path / "x.tmx", [unit(("en", marked), ("de", "Drücken"))])
    assert pair == ("Press the red button. Now", "Drücken")


def test_a_unit_without_a_language_is_dropped(tmp_path):
    units = [unit(("en", "a"), ("den", "b")), unit(("de", "c")), unit(), unit(("en", ""), ("de", "d"))]
    units.append("<tu><tuv xml:lang='en'/><tuv xml:lang='de'><seg>e</seg></tuv></tu>")
    lacking = (LACKING, LACKING)
    assert read(tmp_path / "x.tmx", units) == [lacking, lacking, lacking, ("", "d"), lacking]


@pytest.mark.parametrize(
    ("units", "tail", "message"),
    [
        (["<tu>\n", "<tuv>\n", "</tu>"], TAIL, r"x.tmx:9: not well-formed XML: mismatched tag"),
        ([unit(("en", "a & b"))], TAIL, r"x.tmx:8: not well-formed XML"),
        ([unit(("en", "a"), ("de", "b"))], "", r"x.tmx:\d+: not well-formed XML: no element found"),
    ],
)
def test_an_error_of_syntax_names_the_line(tmp_path, units, tail, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path / "x.tmx", units, tail=tail)


def test_what_is_no_tmx(tmp_path):
    with pytest.raises(UserError, match="x.tmx begins with <html>; expected a TMX file"):
        read(tmp_path / "x.tmx", [], "<html>", "</html>")


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(number):
        path = tmp_path / f"{number}.tmx"
        units = (unit(("en", f"dog {n}"), ("de", f"Hund {n}")) for n in range(number))
        path.write_text(HEAD + "".join(units) + TAIL)
        tracemalloc.start()
        count = sum(1 for _ in tmx.Part(str(path), ("en", "de")).pairs())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == number
        return found

    assert peak(5000) < 1.5 * peak(1000)
