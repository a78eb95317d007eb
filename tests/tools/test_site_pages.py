"""What the site makes of texts: links out of docs/, help of commands, and text that is no Markdown."""

import importlib
import pathlib
import sys

import pytest

from t2tlite import cli

FOLDER = pathlib.Path(__file__).parents[2] / "tools" / "site"


@pytest.fixture(scope="module")
def site():
    """A function that imports a module of tools/site."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        patch.setattr(sys, "modules", dict(sys.modules))
        yield importlib.import_module


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "docs/python.md#loading", "python.md#loading"),
        ("index.md", "docs/demo.png", "demo.png"),
        ("index.md", "LICENSE", "source/LICENSE.md"),
        ("index.md", "problems/sample_world/README.md", "sample_world.md"),
        ("data.md", "../benchmarks/data.py", "source/benchmarks/data.py.md"),
        ("data.md", "zero_shot.md", "zero_shot.md"),
        ("tutorials/own_part.md", "../../ARCHITECTURE.md#where", "../architecture.md#where"),
        ("tutorials/own_part.md", "../stages.md", "../stages.md"),
        ("sample_world.md", "../../docs/data.md", "data.md"),
        ("data.md", "https://example.org/a", "https://example.org/a"),
        ("data.md", "#vqa", "#vqa"),
    ],
)
def test_links(site, page, link, expected):
    as_on_site = site("outside").as_on_site
    assert as_on_site(page, f"see [it]({link}).") == f"see [it]({expected})."
    code = f"```sh\n[it]({link})\n```\n"
    assert as_on_site(page, code) == code


def test_lists_in_lists(site):
    text = "1. one\n   * two\n     more\n\n```\n   * code\n```\n"
    assert site("outside").as_on_site("data.md", text) == text.replace("   * two", "    * two")


def test_help_of_a_command(site):
    command = cli.Command("t2t-try", "Tries.", examples=[("one *try*", "t2t-try --times=1")])
    command.choice("way", "a", ["a", "b"], "a|b, or `c|d` of <e>")
    command.integer("times", None, "how often", required=True)
    written = site("commands").help_of(command)
    assert "\nOne \\*try\\*:\n\n```sh\nt2t-try --times=1\n```\n" in written
    assert "\n| `--way=a|b` | a\\|b, or `c|d` of \\<e\\> | a |\n" in written
    assert "\n| `--times=N` | how often | required |\n" in written
    assert "### Your own code, and what there is" in written
