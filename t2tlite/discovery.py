"""Finding what installed packages register, by reading their source and not by importing them."""

import ast
import dataclasses
import importlib.machinery
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator

from t2tlite.errors import UserError

GROUP = "t2tlite.plugins"
KINDS = (
    "problem",
    "feature",
    "modality",
    "objective",
    "loss_weighting",
    "hparams",
    "model",
    "encoder",
    "mixer",
    "decoder",
    "moe",
    "metric",
    "experiment",
    "user_file",
)
_DECORATORS = {f"register_{kind}": kind for kind in KINDS}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One registered name: what it is, where it stands, and what its docstring says.

    Attributes:
      kind: one of `KINDS`.
      name: the registered name.
      module: dotted name of the module that registers it.
      file, line: the place of its decorator.
      attribute: its name in the module.
      doc: its docstring, with the indentation removed; "" where it has none.
    """

    kind: str
    name: str
    module: str
    file: str
    line: int
    attribute: str
    doc: str = ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.strip().partition("\n")[0].strip()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def snake_case(name: str) -> str:
    """`WmtEnde2` -> "wmt_ende2", `HTTPServer` -> "http_server", `already_snake` stays."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def scan_plugins() -> Iterator[Entry]:
    """Yields what the packages named by entry points of the group `t2tlite.plugins` register.

    Raises:
      UserError: a package is missing, or a file of it cannot be parsed.
    """
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.value):
        spec = _find_spec(point.module)
        if spec is None:
            raise UserError(
                f"entry point `{point.name}` of group {GROUP} names the module `{point.module}`, which is not"
                " there; reinstall or uninstall the package that declares it"
            )
        if spec.submodule_search_locations is None:
            assert spec.origin is not None  # a module that is no package has a file
            yield from scan_file(spec.origin, point.module)
        else:
            for folder in spec.submodule_search_locations:
                yield from _scan_folder(folder, point.module)


def scan_file(file: str, module: str) -> Iterator[Entry]:
    """Yields what the top level of one source file registers by decorator.

    Raises:
      UserError: the file does not parse, or a decorator's name is computed and so cannot be read.
    """
    with open(file, "rb") as stream:
        source = stream.read()
    if b"register_" not in source:  # parsing is what takes the time
        return
    try:
        tree = ast.parse(source, file)
    except SyntaxError as error:
        raise UserError(f"{file}:{error.lineno}: {type(error).__name__}: {error.msg}") from error
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            for decorator in node.decorator_list:
                kind = _DECORATORS.get(_last_name(decorator))
                if kind:
                    name = _explicit_name(decorator, file) or snake_case(node.name)
                    doc = ast.get_docstring(node) or ""
                    yield Entry(kind, name, module, file, decorator.lineno, node.name, doc)


def _scan_folder(folder: str, package: str) -> Iterator[Entry]:
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        stem, extension = os.path.splitext(item.name)
        if item.is_dir() and item.name.isidentifier() and item.name != "__pycache__":
            yield from _scan_folder(item.path, f"{package}.{item.name}")
        elif extension == ".py" and stem.isidentifier():
            yield from scan_file(item.path, package if stem == "__init__" else f"{package}.{stem}")


def _find_spec(module: str) -> importlib.machinery.ModuleSpec | None:
    """Like `importlib.util.find_spec`, but does not import the parents of the module."""
    path, spec = None, None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        specs = (finder.find_spec(name, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _last_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return str(getattr(called, "attr", None) or getattr(called, "id", ""))


def _explicit_name(decorator: ast.expr, file: str) -> str | None:
    if not isinstance(decorator, ast.Call):
        return None
    arguments = decorator.args[:1] + [word.value for word in decorator.keywords if word.arg == "name"]
    if not arguments:
        return None
    if isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str | None):
        return arguments[0].value
    raise UserError(
        f"{file}:{decorator.lineno}: the name given to `{_last_name(decorator)}` must be a literal string,"
        " so that it can be listed without importing the module"
    )
