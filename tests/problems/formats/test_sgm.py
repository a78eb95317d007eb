"""WMT's and NIST's test sets: pairs by document and segment, references by sysid."""

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import sgm

SOURCE = """<srcset setid="newstest2013" srclang="any">
<doc sysid="ref" docid="bbc/one" genre="news" origlang="en">
<hl>
<seg id="1">Profit &amp; loss at AT&T: &quot;&#252;ber&quot; &lt;b&gt;</seg>
</hl>
<p>
<seg id="2">The second.</seg>
</p>
</doc>
<DOC docid="bbc/two"><seg id=1>Other
 document.</seg></h1></DOC>
</srcset>
"""
REFERENCE = """<refset setid="newstest2013" srclang="any" trglang="de">
<doc docid='bbc/two' sysid='ref'><seg id='1'>Anderes Dokument.</seg></doc>
<doc sysid="ref" docid="bbc/one" genre="news" origlang="en">
<seg id="2">Der zweite.</seg>
<seg id="1">Gewinn</seg>
</doc>
</refset>
"""
FIRST = 'Profit & loss at AT&T: "über" <b>'


def read(folder, source=SOURCE, reference=REFERENCE):
    paths = [folder / "x-src.en.sgm", folder / "x-ref.de.sgm"]
    for path, content in zip(paths, (source, reference), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    parts, count = sgm.parts(*map(str, paths))
    return [pair for part in parts for pair in part.pairs()], count


def test_pairs_are_found_by_document_and_number(tmp_path):
    found, count = read(tmp_path)
    assert found == [
        (FIRST, "Gewinn"),
        ("The second.", "Der zweite."),
        ("Other document.", "Anderes Dokument."),
    ]
    assert count == 3


def test_references_by_several_translators_are_a_list(tmp_path):
    more = (
        '<doc sysid="B" docid="bbc/one"><seg id="1">Ertrag</seg><seg id="2">Nummer zwei.</seg></doc></refset>'
    )
    found, _ = read(tmp_path, reference=REFERENCE.replace("</refset>", more))
    assert [targets for _, targets in found] == [
        ["Gewinn", "Ertrag"],
        ["Der zweite.", "Nummer zwei."],
        "Anderes Dokument.",
    ]


def test_a_segment_that_the_other_file_lacks(tmp_path):
    reference = REFERENCE.replace('<seg id="2">', '<seg id="3">')
    found, _ = read(tmp_path, reference=reference)
    source_lacks = Broken(f"no such segment in {tmp_path}/x-src.en.sgm", f"{tmp_path}/x-ref.de.sgm:4")
    reference_lacks = Broken(f"no such segment in {tmp_path}/x-ref.de.sgm", f"{tmp_path}/x-src.en.sgm:7")
    assert found == [
        (FIRST, "Gewinn"),
        (reference_lacks,) * 2,
        ("Other document.", "Anderes Dokument."),
        (source_lacks,) * 2,
    ]


def test_a_segment_that_is_not_utf8(tmp_path):
    reference = REFERENCE.encode().replace(b"Gewinn", b"Gewinn f\xfcr")
    found, _ = read(tmp_path, reference=reference)
    assert found[0] == (FIRST, Broken("not UTF-8", f"{tmp_path}/x-ref.de.sgm:5 at byte 9 of the segment"))
    assert found[1] == ("The second.", "Der zweite.")


def test_a_file_without_segments(tmp_path):
    with pytest.raises(UserError, match="x-ref.de.sgm has no segments; expected SGML with <seg"):
        read(tmp_path, reference="just a line\n")
