"""Pages of the site that the registry writes: problems, sets, parts, hyperparameters, metrics and more."""

import re
from collections.abc import Iterator
from typing import Any

from commands import plain, row, sentence

from t2tlite import declarations, registry, registry_help, typed_value
from t2tlite.core_hparams import CORE
from t2tlite.declarations import Part
from t2tlite.discovery import Entry
from t2tlite.hyperparameter import REQUIRED, Hyperparameter

_OURS = "t2tlite"
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$", re.MULTILINE)


def pages() -> dict[str, str]:
    """The text of each page, by its place in the site."""
    written = {
        "problems": problems(),
        "sets": sets(),
        "parts": parts(),
        "hyperparameters": hyperparameters(),
        "metrics": listing(
            "Metrics", "metric", "What decoded outputs are scored by; a problem names them in `metrics`."
        ),
        "experiments": listing(
            "Experiments",
            "experiment",
            "What `t2t-experiment` runs; [experiments](../experiments.md) has how to read them.",
        ),
    }
    return {f"reference/{name}.md": "\n".join(lines) + "\n" for name, lines in written.items()}


def entries(kind: str) -> list[Entry]:
    """Those of a kind that come with t2tlite."""
    every = (registry.entry(kind, name) for name in registry.names(kind))
    return [entry for entry in every if entry.module.partition(".")[0] == _OURS]


def problems() -> Iterator[str]:
    yield "# Problems\n"
    yield "What `--problems` takes. `all` is the eight of the paper."
    for entry in entries("problem"):
        yield from ("", f"## `{entry.name}`", "", described(entry), "", "| | |", "|---|---|")
        for name, value in registry_help.problem_facts(entry.name).items():
            yield row(name, plain(value))


def sets() -> Iterator[str]:
    yield "# Sets of hyperparameters\n"
    yield "What `--hparams_set` takes, each with all of its values. `--hparams=NAME=VALUE,...` changes them."
    for entry in entries("hparams"):
        hparams = registry.get("hparams", entry.name)()
        yield from (
            "",
            f"## `{entry.name}`",
            "",
            described(entry),
            "",
            "| hyperparameter | value |",
            "|---|---|",
        )
        for one in hparams.declared().values():
            yield row(_linked(one), _value(getattr(hparams, one.name)))


def parts() -> Iterator[str]:
    yield "# Parts of models\n"
    yield "Hyperparameters name them, or problems do. A part of your own is registered in the same way."
    for kind in declarations.KINDS:
        title = registry_help.plural(kind).replace("_", " ").capitalize()
        yield from ("", f"## {title}")
        for entry in entries(kind):
            declared = declarations.of(Part(kind, entry.name))
            yield from ("", f"### `{entry.name}` {{ #{kind}-{entry.name} }}", "", described(entry))
            if declared:
                yield f"\nReads {', '.join(_linked(one) for one in declared)}."


def hyperparameters() -> Iterator[str]:
    """All that are declared, in the order of the alphabet, with who reads them."""
    found: dict[Hyperparameter, list[str]] = {one: ["the core"] for one in CORE}
    for part, declared in declarations.every():
        if registry.entry(*part).module.partition(".")[0] == _OURS:
            for one in declared:
                found.setdefault(one, []).append(
                    f"the [{part.kind} `{part.name}`](parts.md#{part.kind}-{part.name})"
                )
    yield "# Hyperparameters\n"
    yield "What `--hparams` takes, and the parts that read it. What has no default has a value in every set."
    for one in sorted(found, key=lambda one: one.name):
        default = "none" if one.default is REQUIRED else _value(one.default)
        yield from ("", f"## `{one.name}` {{ #{one.name} }}", "", f"{sentence(one.described())}.", "")
        yield f"Default: {default}. Read by {', '.join(found[one])}."


def listing(title: str, kind: str, about: str) -> Iterator[str]:
    """A page with the docstring of each entry of a kind."""
    yield from (f"# {title}\n", about)
    for entry in entries(kind):
        yield from ("", f"## `{entry.name}`", "", described(entry))


def described(entry: Entry) -> str:
    """What a docstring says before its sections."""
    paragraphs = _SECTION.split(entry.doc)[0].strip().split("\n\n")
    return "\n\n".join(_as_markdown(paragraph) for paragraph in paragraphs)


def _as_markdown(paragraph: str) -> str:
    """A paragraph of a docstring: code if it is indented, and with the list that may be in it."""
    if paragraph.startswith("    "):
        return f"```text\n{paragraph}\n```"
    first, *items = re.split(r"(?:^|\n)\* ", paragraph)
    return "\n".join([f"{plain(first)}\n", *(f"* {plain(item)}" for item in items)]).strip()


def _linked(one: Hyperparameter) -> str:
    return f"[`{one.name}`](hyperparameters.md#{one.name})"


def _value(value: Any) -> str:
    """A value as `--hparams` takes it, or that there is none."""
    return f"`{written}`" if (written := typed_value.written(value)) else "empty"
