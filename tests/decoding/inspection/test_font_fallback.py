"""FontFallback: characters that a font has are written, the others told by their code points."""

from matplotlib import font_manager

from t2tlite.decoding.inspection import font_fallback
from t2tlite.decoding.inspection.font_fallback import FontFallback


def test_plain_text_stays_as_it_is():
    texts = ["a red circle", "größer", "\u2581Kreis", "</s>", "Ж≤ß", ""]
    letters = FontFallback(texts)
    assert [letters.shown(text) for text in texts] == texts
    assert letters.fonts == ["DejaVu Sans"]


def test_what_no_font_has_is_told_by_its_code(monkeypatch):
    monkeypatch.setattr(font_fallback, "_installed", lambda: [])
    letters = FontFallback(["a中b", "\x07", "\n", "\ud800", "\ue000", "\u2028"])
    assert letters.shown("a中b") == "aU+4E2Db"
    assert letters.shown("\x07\n") == "U+0007U+000A"
    assert letters.shown("\ud800\ue000\u2028") == "U+D800U+E000U+2028"


def test_installed_fonts_are_searched(monkeypatch):
    """A mathematical alphabet that DejaVu Sans lacks stands in for a script of which a font is installed."""
    path = next(e.fname for e in font_manager.fontManager.ttflist if e.name == "STIXNonUnicode")
    lacking = chr(min(set(font_manager.get_font(path).get_charmap()) - font_fallback._characters(_default())))
    monkeypatch.setattr(font_fallback, "_NO_SIGN", set())
    monkeypatch.setattr(font_fallback, "_installed", lambda: [("Empty", "/no.ttf"), ("Found", path)])
    letters = FontFallback([lacking])
    assert letters.fonts == ["DejaVu Sans", "Found"]
    assert letters.shown(lacking) == lacking
    assert FontFallback(["plain"]).fonts == ["DejaVu Sans"]


def _default():
    return font_manager.findfont("DejaVu Sans")


def test_installed_fonts_are_upright_and_no_last_resort():
    names = [name for name, _ in font_fallback._installed()]
    assert "DejaVu Sans" in names and names == sorted(set(names))
    assert not [name for name in names if "Last Resort" in name]


def test_long_text_is_cut():
    letters = FontFallback(["abc"])
    assert letters.shown("abc" * 20) == "abc" * 7 + "ab…"
    assert letters.shown("abcabc", 3) == "ab…"
    assert letters.shown("abc", 3) == "abc"
