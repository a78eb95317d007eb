"""Tables: words to the left, numbers to the right, and everything as it is."""

from t2tlite import tables


def test_a_table(capsys):
    tables.show(
        "the title", ("who", "what", "how much"), [("a", "[b]", "1"), ("ccc", "d", "22,000")], words=2
    )
    title, *lines = capsys.readouterr().out.splitlines()
    cells = [[cell for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert title == "the title"
    assert cells == [[" a   ", " [b]  ", "        1 "], [" ccc ", " d    ", "   22,000 "]]


def test_a_table_in_a_notebook():
    html = tables.Table("a & b", ("who", "how much"), [("<b>", "1")])._repr_html_()
    assert html == (
        '<table><caption>a &amp; b</caption><tr><th style="text-align: left">who</th>'
        '<th style="text-align: right">how much</th></tr><tr><td style="text-align: left">&lt;b&gt;</td>'
        '<td style="text-align: right">1</td></tr></table>'
    )
