"""Parallel text in the SGML of NIST's and WMT's test sets: a file of sources, a file of references.

The files are not well-formed (bare `&`, tags that don't match), so only `doc` and `seg` are looked at.
"""

import dataclasses
import html
import re
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines

_TAGS = re.compile(rb"<doc\b([^>]*)>|<seg\b([^>]*)>(.*?)</seg\s*>", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&(?:\w+|#\d+|#[xX][0-9a-fA-F]+);")
_VALUE = rb"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_ATTRIBUTES = {name: re.compile(rb"\b" + name + _VALUE, re.IGNORECASE) for name in (b"docid", b"id")}


@dataclasses.dataclass(frozen=True)
class Part:
    """A file of the inputs, and a file of the targets with one or several references for each."""

    first: str
    second: str

    def pairs(self) -> Iterator[tuple[str | Broken, str | list[str] | Broken]]:
        """Pairs of segments with the same document and number, in the order of the first file.

        Several references (documents of the same name by several `sysid`) are a list. A segment that the
        other file lacks gives `Broken`.
        """
        references: dict[tuple[bytes, bytes], list] = {}
        wheres = {}
        for key, text, where in _segments(self.second):
            references.setdefault(key, []).append(text)
            wheres[key] = where
        seen = set()
        for key, text, where in _segments(self.first):
            if key in seen:
                continue
            seen.add(key)
            yield _sides(text, references.get(key), Broken(f"no such segment in {self.second}", where))
        for key in (key for key in wheres if key not in seen):
            broken = Broken(f"no such segment in {self.first}", wheres[key])
            yield broken, broken


def parts(first: str, second: str) -> tuple[list[Part], int]:
    """The one part, and its number of segments.

    Raises:
      UserError: a file has no segments.
    """
    counts = [_count(path) for path in (first, second)]
    return [Part(first, second)], counts[0]


def _count(path):
    with lines.opened(path) as file:
        count = len(re.findall(rb"<seg\b", file.read(), re.IGNORECASE))
    if not count:
        raise UserError(f'{path} has no segments; expected SGML with <seg id="1">...</seg> in <doc>')
    return count


def _sides(text, references, lacking):
    if references is None:
        return lacking, lacking
    faults = [reference for reference in references if isinstance(reference, Broken)]
    if faults:
        return text, faults[0]
    return text, references if len(references) > 1 else references[0]


def _segments(path):
    """Yields ((document, number), text or Broken, where)."""
    with lines.opened(path) as file:
        content = file.read()
    document, line, byte = b"", 1, 0
    for match in _TAGS.finditer(content):
        line, byte = line + content.count(b"\n", byte, match.start()), match.start()
        if match[1] is not None:
            document = _attribute(match[1], b"docid")
        else:
            where = f"{path}:{line}"
            yield (document, _attribute(match[2], b"id")), _text(match[3], where), where


def _attribute(tag, name):
    match = _ATTRIBUTES[name].search(tag)
    return next(value for value in match.groups() if value is not None) if match else b""


def _text(content, where):
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return Broken("not UTF-8", f"{where} at byte {error.start + 1} of the segment")
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return re.sub(r"\s*[\r\n]\s*", " ", text)
