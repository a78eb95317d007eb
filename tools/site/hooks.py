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


def on_config(config: MkDocsConfig) -> None:
    """Lists the guides: whatever lies in docs/ itself and is not in the navigation yet."""
    listed = re.findall(r"[\w/-]+\.md", str(config.nav))
    [guides] = [section["Guides"] for section in config.nav if "Guides" in section]
    guides += sorted({path.name for path in pathlib.Path(config.docs_dir).glob("*.md")} - set(listed))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for place, text in (outside.pages() | registered.pages()).items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    place = page.file.src_uri
    if place.startswith("source/"):
        return markdown
    return commands.with_help(outside.as_on_site(place, markdown))
