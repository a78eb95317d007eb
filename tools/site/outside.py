"""Pages of the site that are files outside docs/: texts as they are, and sources that a page links to."""

import os
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[2]
# Texts with a page of their own, by their place in the repository.
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    "problems/sample_world/README.md": "sample_world.md",
}
_ORIGINS = {page: origin for origin, page in PAGES.items()}
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
_NESTED = re.compile(r"^ {2,3}(?=\* )", re.MULTILINE)
_LANGUAGES = {".py": "python", ".sh": "sh"}


def pages() -> dict[str, str]:
    """The text of each page from outside docs/, by its place in the site."""
    texts = {page: _text(origin) for origin, page in PAGES.items()}
    everything = texts | {
        path.relative_to(ROOT / "docs").as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "docs").rglob("*.md")
    }
    sources = {}
    for page, text in everything.items():
        for target in _targets(page, text):
            if not target.startswith("docs/") and target not in PAGES:
                language = _LANGUAGES.get(pathlib.PurePath(target).suffix, "text")
                sources[_source(target)] = f"# `{target}`\n\n```{language}\n{_text(target)}\n```\n"
    return texts | sources


def as_on_site(page: str, text: str) -> str:
    """The text of a page as mkdocs wants it; code stays as it is.

    A link to a file of the repository leads to its page in the site. Lists within lists are indented by four
    spaces, by which Python-Markdown knows them; GitHub takes fewer.
    """

    def of_the_site(match: re.Match[str]) -> str:
        target = _in_repository(page, match[1])
        inside = target.removeprefix("docs/") if target.startswith("docs/") else _source(target)
        return os.path.relpath(PAGES.get(target, inside), pathlib.PurePath(page).parent)

    pieces = re.split(rf"({_CODE.pattern})", text, flags=_CODE.flags)
    pieces[::2] = [_NESTED.sub("    ", _LINK.sub(of_the_site, prose)) for prose in pieces[::2]]
    return "".join(pieces)


def _targets(page: str, text: str) -> Iterator[str]:
    for match in _LINK.finditer(_CODE.sub("", text)):
        yield _in_repository(page, match[1])


def _in_repository(page: str, link: str) -> str:
    """Where a link of a page leads, seen from the root of the repository."""
    origin = pathlib.PurePath(_ORIGINS.get(page, f"docs/{page}"))
    return os.path.normpath(origin.parent / link)


def _source(path: str) -> str:
    return f"source/{path}.md"


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8").rstrip("\n")
