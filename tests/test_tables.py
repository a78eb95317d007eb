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
