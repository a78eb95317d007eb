"""What registered parts declare in `HPARAMS`, read from their source: TensorFlow is not imported for it."""

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from t2tlite import registry
from t2tlite.discovery import Entry
from t2tlite.errors import UserError
from t2tlite.hyperparameter import REQUIRED, Hyperparameter

# Kinds of parts that may declare hyperparameters, and those of them that problems choose.
KINDS = ("model", "encoder", "mixer", "decoder", "moe", "modality", "objective", "feature", "loss_weighting")
OF_PROBLEMS = ("feature", "objective")
_ATTRIBUTE = "HPARAMS"


class Part(NamedTuple):
    """A registered part: its kind and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} `{self.name}`"


def of(part: Part) -> tuple[Hyperparameter, ...]:
    """The hyperparameters that a part declares.

    Raises:
      UserError: there is no such part, or its `HPARAMS` is no tuple of `Hyperparameter`s.
    """
    entry = registry.entry(*part)
    thing = registry.loaded(*part)
    declared = _read(entry) if thing is None else getattr(thing, _ATTRIBUTE, ())
    if not isinstance(declared, tuple) or not all(isinstance(one, Hyperparameter) for one in declared):
        raise UserError(
            f"{_ATTRIBUTE} of the {part} must be a tuple of Hyperparameters; received {declared!r:.60}"
            f" ({entry.place})"
        )
    return declared


def every() -> Iterator[tuple[Part, tuple[Hyperparameter, ...]]]:
    """All registered parts, with what they declare."""
    for kind in KINDS:
        for name in registry.names(kind):
            yield Part(kind, name), of(Part(kind, name))


def owners(name: str) -> list[Part]:
    """The registered parts that declare a hyperparameter of this name."""
    return [part for part, declared in every() if any(one.name == name for one in declared)]


def chosen(
    core: Iterable[Hyperparameter], values: Mapping[str, Any], parts: Iterable[Part] = ()
) -> dict[str, Hyperparameter]:
    """The hyperparameters that there are, by name: those of the core and of every part that is chosen.

    Features and objectives are, since problems choose among them, and what a hyperparameter `names`.

    Args:
      core: declared by no part.
      values: by name; what they don't have has its default.
      parts: further ones that are chosen.

    Raises:
      UserError: a part is not registered, or two of them declare a name differently.
    """
    hyperparameters: dict[str, Hyperparameter] = {}
    of_part: dict[str, Part | None] = {}
    waiting: list[tuple[Part | None, tuple[Hyperparameter, ...]]] = [(None, tuple(core))]
    seen = dict.fromkeys(Part(kind, name) for kind in OF_PROBLEMS for name in registry.names(kind))
    seen |= dict.fromkeys(parts)
    waiting += [(part, of(part)) for part in seen]
    while waiting:
        part, declared = waiting.pop(0)
        for one in declared:
            if hyperparameters.setdefault(one.name, one) != one:
                other = of_part[one.name] or "core of t2tlite"
                raise UserError(
                    f"the {other} and the {part} declare the hyperparameter `{one.name}` differently; give"
                    " one of them another name, or let both refer to the same Hyperparameter"
                )
            of_part.setdefault(one.name, part)
            value = values.get(one.name, one.default)
            if one.names and value not in (REQUIRED, None):
                named = Part(one.names, one.checked(value))
                if named not in seen:
                    seen[named] = None
                    waiting.append((named, of(named)))
    return hyperparameters


@functools.cache
def _read(entry: Entry) -> Any:
    """`HPARAMS` of a class that is not imported yet; where its source doesn't tell, it is."""
    with open(entry.file, "rb") as stream:
        tree = ast.parse(stream.read(), entry.file)
    expression = _assigned(tree, entry.attribute)
    if expression is not None:
        try:
            return _evaluated(entry, tree, expression)
        except NameError:  # a name that is no import and no assignment of the module
            pass
    return getattr(registry.get(entry.kind, entry.name), _ATTRIBUTE, ())


def _assigned(tree: ast.Module, class_name: str) -> ast.expr | None:
    """What is assigned to `HPARAMS` in a class, or in the base classes that stand in the same file."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        return None
    for node in classes[class_name].body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _ATTRIBUTE in _bound(node):
            return node.value
    for base in classes[class_name].bases:
        if isinstance(base, ast.Name) and (value := _assigned(tree, base.id)) is not None:
            return value
    return None


def _evaluated(entry: Entry, tree: ast.Module, expression: ast.expr) -> Any:
    """The value of an expression, of which only those imports and assignments are executed that it needs."""
    needed = _names(expression)
    statements: list[ast.stmt] = []
    for node in reversed(tree.body):
        if (
            isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)
            and _bound(node) & needed
        ):
            statements.insert(0, node)
            needed |= _names(node)
    names = {"__name__": entry.module, "__package__": entry.module.rpartition(".")[0]}
    exec(compile(ast.Module(statements, []), entry.file, "exec"), names)
    return eval(compile(ast.Expression(expression), entry.file, "eval"), names)


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _bound(node: ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign) -> set[str]:
    """The names that an import or an assignment binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
