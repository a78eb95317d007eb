"""Parallel text in TMX (Translation Memory eXchange 1.4b), read as a stream."""

import dataclasses
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from t2tlite.errors import UserError
from t2tlite.problem import Dropped
from t2tlite.problems.formats import lines

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LACKING = Dropped("a translation unit without both languages")


@dataclasses.dataclass(frozen=True)
class Part:
    """A whole file.

    Attributes:
      path: the file.
      languages: codes of the inputs and of the targets; "en" is also en-US and en_GB.
    """

    path: str
    languages: tuple[str, str]

    def pairs(self) -> Iterator[tuple[str, str] | tuple[Dropped, Dropped]]:
        """Raises a UserError where the file is no well-formed XML, or not TMX."""
        try:
            with lines.opened(self.path) as file:
                for unit in _units(file, self.path):
                    yield self._pair(unit)
        except ElementTree.ParseError as error:
            line = error.position[0]
            raise UserError(
                f"{self.path}:{line}: not well-formed XML: {error}; mend that line, or fetch the file again"
            ) from None

    def _pair(self, unit):
        texts = [next(_texts(unit, language), None) for language in self.languages]
        return (_LACKING, _LACKING) if None in texts else tuple(texts)


def _units(file, path):
    events = ElementTree.iterparse(file, ("start", "end"))
    _, root = next(events)
    if _name(root) != "tmx":
        raise UserError(f"{path} begins with <{root.tag}>; expected a TMX file, which begins with <tmx>")
    body = None
    for event, element in events:
        name = _name(element)
        if event == "start" and name == "body":
            body = element
        elif event == "end" and name == "tu":
            yield element
            # What was read would else stay in the tree until the end of the file.
            (root if body is None else body).clear()


def _texts(unit, language):
    for variant in unit:
        code = variant.get(_XML_LANG) or variant.get("lang") or ""
        if _name(variant) == "tuv" and _is(code.lower(), language.lower()):
            segment = next((child for child in variant if _name(child) == "seg"), None)
            if segment is not None:
                # Line breaks within a segment are the layout of the file.
                yield re.sub(r"\s*[\r\n]\s*", " ", _text(segment))


def _is(code, language):
    return code == language or code.startswith((f"{language}-", f"{language}_"))


def _text(element):
    """The text without the codes of the native format (bpt, ept, it, ph, ut), but with what `hi` marks."""
    inner = (
        (_text(child) if _name(child) in ("hi", "mrk") else "") + (child.tail or "") for child in element
    )
    return (element.text or "") + "".join(inner)


def _name(element):
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
