"""What mkdocs calls as it builds the site: adds the pages that are not in docs/, and mends links to them."""

import pathlib
import re
from typing import Any

import commands
import outside
import registered
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Sections of the navigation to which pages are added that stand nowhere in it.
_REST = {"Guides": "*.md", "Results": "results/*.md"}


def on_config(config: MkDocsConfig) -> None:
    """Completes the navigation."""
    docs = pathlib.Path(config.docs_dir)
    listed = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    for section in config.nav or []:
        for title in section.keys() & _REST.keys():
            pages = {path.relative_to(docs).as_posix() for path in docs.glob(_REST[title])}
            section[title] += sorted(pages - listed)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for place, text in (outside.pages() | registered.pages()).items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    place = page.file.src_uri
    if place.startswith("source/"):
        return markdown
    return commands.with_help(outside.as_on_site(place, markdown))
