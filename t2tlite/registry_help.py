"""The text of --registry_help: what is registered, by kind, or one entry in full. Needs no TensorFlow."""

import textwrap
from collections.abc import Iterable

from t2tlite import declarations, registry, typed_value
from t2tlite.errors import UserError
from t2tlite.hyperparameter import REQUIRED, Hyperparameter
from t2tlite.nearest import did_you_mean


def text(topic: str = "all") -> str:
    """A listing or a description.

    Args:
      topic: "all", a kind, or a name; a name may be registered for several kinds.

    Raises:
      UserError: there is nothing of this name.
    """
    if topic == "all":
        return "\n\n".join(_listing(kind) for kind in registry.KINDS if registry.names(kind))
    for kind in registry.KINDS:
        if topic in (kind, plural(kind)):
            return _listing(kind)
    kinds = [kind for kind in registry.KINDS if topic in registry.names(kind)]
    if not kinds:
        every = {name for kind in registry.KINDS for name in [kind, *registry.names(kind)]}
        near = did_you_mean(topic, sorted(every)) or " (--registry_help lists everything)"
        raise UserError(f"nothing of the name `{topic}` is registered{near}")
    return "\n\n".join(_description(kind, topic) for kind in kinds)


def _listing(kind: str) -> str:
    entries = [registry.entry(kind, name) for name in registry.names(kind)]
    width = max((len(entry.name) for entry in entries), default=0)
    rows = [f"  {entry.name:{width}}  {entry.summary}".rstrip() for entry in entries]
    return "\n".join([f"{plural(kind)}:", *(rows or ["  none"])])


def plural(kind: str) -> str:
    """What entries of a kind are called."""
    plurals = {"modality": "modalities", "hparams": "hparams sets", "moe": "mixtures of experts"}
    return plurals.get(kind, kind + "s")


def _description(kind: str, name: str) -> str:
    entry = registry.entry(kind, name)
    lines = [f"{kind} {name}", f"  registered at {entry.place}"]
    if entry.doc:
        lines += ["", textwrap.indent(entry.doc, "  ")]
    if kind == "problem":
        lines += ["", *_aligned((key, value) for key, value in problem_facts(name).items())]
    elif kind == "hparams":
        hparams = registry.get(kind, name)()
        values = {one: getattr(hparams, one.name) for one in hparams.declared().values()}
        lines += [
            "",
            *_aligned((one.name, typed_value.written(value), one.help) for one, value in values.items()),
        ]
    elif kind in declarations.KINDS and (declared := declarations.of(declarations.Part(kind, name))):
        lines += ["", "  hyperparameters, with their defaults:", *map("  {}".format, _declared(declared))]
    return "\n".join(lines)


def _declared(several: Iterable[Hyperparameter]) -> list[str]:
    return _aligned(
        (one.name, "-" if one.default is REQUIRED else typed_value.written(one.default), one.described())
        for one in several
    )


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The rows of a table, as lines; the last column is as wide as it is."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    cells = ([f"{cell:{width}}" for cell, width in zip(row[:-1], widths, strict=True)] for row in rows)
    return ["  " + "  ".join([*first, row[-1]]) for first, row in zip(cells, rows, strict=True)]


def problem_facts(name: str) -> dict[str, str]:
    """What goes in and comes out of a problem, and how it is scored, in words."""
    problem = registry.get_problem(name)
    sides = {side: type(feature).__name__.lower() for side, feature in problem.features().items()}
    return sides | {
        "command": problem.command or "none",
        "metrics": ", ".join(problem.metrics) or "-",
        "sources": ", ".join(problem.sources),
        "corpus": problem.corpus or name,
    }
