"""FontFallback: any text in a picture, in fonts that have its characters, or else by their code points."""

import functools
import unicodedata
from collections.abc import Iterable

from matplotlib import font_manager

_FIRST = "DejaVu Sans"  # comes with matplotlib
_LONGEST = 24  # characters of a label
_NO_SIGN = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, surrogate, private, unassigned, line ends


class FontFallback:
    """How to write some texts.

    Matplotlib warns of every character that its fonts lack, and draws a box.

    Args:
      texts: all that will be written; installed fonts are searched for their characters.

    Attributes:
      fonts: names of font families, for matplotlib's `fontfamily`.
    """

    def __init__(self, texts: Iterable[str]):
        needed = {ord(c) for text in texts for c in text if unicodedata.category(c) not in _NO_SIGN}
        self._known = needed & _characters(font_manager.findfont(_FIRST))
        self.fonts = [_FIRST]
        for family, path in _installed() if needed - self._known else ():
            covered = (needed - self._known) & _characters(path)
            if covered:
                self._known |= covered
                self.fonts.append(family)
            if needed == self._known:
                break

    def shown(self, text: str, longest: int = _LONGEST) -> str:
        """The text with `U+4E2D` for what no font has, cut to so many characters."""
        cut = text if len(text) <= longest else text[: longest - 1] + "…"
        return "".join(c if ord(c) in self._known or c == "…" else f"U+{ord(c):04X}" for c in cut)


@functools.cache
def _installed() -> list[tuple[str, str]]:
    """Family and file of the upright fonts, by name; the last resort has boxes for everything."""
    fonts: dict[str, str] = {}
    for entry in font_manager.fontManager.ttflist:
        upright = entry.style == "normal" and entry.weight in (400, "normal", "regular")
        if upright and entry.stretch == "normal" and "Last Resort" not in entry.name:
            fonts.setdefault(entry.name, entry.fname)
    return sorted(fonts.items())


@functools.cache
def _characters(path: str) -> frozenset[int]:
    """Code points that a font has; none of one that can't be drawn at every size (color bitmaps)."""
    try:
        font = font_manager.get_font(path)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):
        return frozenset()
