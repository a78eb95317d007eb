"""The text of --registry_help: what is registered, by kind, or one entry in full. Needs no TensorFlow."""

import dataclasses
import textwrap

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean


def text(asked: str = "all") -> str:
    """A listing or a description.

    Args:
      asked: "all", a kind, or a name; a name may be registered for several kinds.

    Raises:
      UserError: there is nothing of this name.
    """
    if asked == "all":
        return "\n\n".join(_listing(kind) for kind in registry.KINDS if registry.names(kind))
    for kind in registry.KINDS:
        if asked in (kind, _plural(kind)):
            return _listing(kind)
    found = [kind for kind in registry.KINDS if asked in registry.names(kind)]
    if not found:
        every = {name for kind in registry.KINDS for name in [kind, *registry.names(kind)]}
        near = did_you_mean(asked, sorted(every)) or " (--registry_help lists everything)"
        raise UserError(f"nothing of the name `{asked}` is registered{near}")
    return "\n\n".join(_description(kind, asked) for kind in found)


def _listing(kind: str) -> str:
    entries = [registry.entry(kind, name) for name in registry.names(kind)]
    width = max((len(entry.name) for entry in entries), default=0)
    rows = [f"  {entry.name:{width}}  {entry.summary}".rstrip() for entry in entries]
    return "\n".join([f"{_plural(kind)}:", *(rows or ["  none"])])


def _plural(kind: str) -> str:
    plurals = {"modality": "modalities", "hparams": "hparams sets", "moe": "mixtures of experts"}
    return plurals.get(kind, kind + "s")


def _description(kind: str, name: str) -> str:
    entry = registry.entry(kind, name)
    lines = [f"{kind} {name}", f"  registered at {entry.place}"]
    if entry.doc:
        lines += ["", textwrap.indent(entry.doc, "  ")]
    facts = {"problem": _problem_facts, "hparams": _hparams_facts}.get(kind)
    if facts:
        rows = facts(name)
        width = max(len(key) for key in rows)
        lines += ["", *(f"  {key:{width}}  {value}" for key, value in rows.items())]
    return "\n".join(lines)


def _problem_facts(name: str) -> dict[str, str]:
    problem = registry.get_problem(name)
    sides = {side: type(feature).__name__.lower() for side, feature in problem.features().items()}
    return sides | {
        "command": problem.command or "none",
        "metrics": ", ".join(problem.metrics) or "-",
        "sources": ", ".join(problem.sources),
        "corpus": problem.corpus or name,
    }


def _hparams_facts(name: str) -> dict[str, str]:
    hparams = registry.get("hparams", name)()
    values = {field.name: getattr(hparams, field.name) for field in dataclasses.fields(hparams)}
    return {key: _override(value) for key, value in values.items()}


def _override(value) -> str:
    """The value as --hparams takes it."""
    if isinstance(value, tuple):
        return ";".join(_override(item) for item in value)
    return str(value).lower() if isinstance(value, bool | None) else str(value)
