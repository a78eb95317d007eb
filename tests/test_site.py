"""The documentation site: it builds without a warning, fetches nothing, and has a page for all there is."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from t2tlite import declarations, registry

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` does: a broken link is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-P", "-m", "mkdocs", "build", f"--site-dir={folder}"],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_a_reader_fetches_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<(script|img|iframe)[^>]* src=.?(https?:)?//", text), page
        assert not re.search(r"<link[^>]* rel=.?(stylesheet|preconnect|preload)[^>]*(https?:)?//", text), page


def test_lists_are_lists(site):
    """Python-Markdown wants an empty line before a list, where GitHub doesn't."""
    for page in site.rglob("*.html"):
        text = re.sub(r"<pre.*?</pre>|<code.*?</code>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        paragraphs = re.findall(r"<(?:p|li)>(.*?)</", text, re.DOTALL)
        assert not [one for one in paragraphs if re.search(r"\n\s*([*-]|\d+\.) ", one)], page


def test_whatever_is_registered_is_in_the_reference(site):
    reference = "".join(
        page.read_text(encoding="utf-8") for page in (site / "reference").glob("*/index.html")
    )
    for kind in ("problem", "hparams", "metric", "experiment", *declarations.KINDS):
        for name in registry.names(kind):
            if registry.entry(kind, name).module.startswith("t2tlite."):  # and no other test's
                assert re.search(rf"<h[23][^>]*><code>{name}</code>", reference), (kind, name)
                for one in (
                    declarations.of(declarations.Part(kind, name)) if kind in declarations.KINDS else ()
                ):
                    assert f'id="{one.name}"' in reference, one.name
