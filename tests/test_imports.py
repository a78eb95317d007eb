"""Who may import whom, and what is imported before it is needed."""

import ast
import graphlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

import t2tlite
from t2tlite import registry

ROOT = pathlib.Path(__file__).parents[1]
CORE = sorted((ROOT / "t2tlite").rglob("*.py"))
OUTER = ("problems", "modalities", "hparams", "experiments", "bin")


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "t2tlite" else ("t2tlite", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): str(path.relative_to(ROOT))
    for folder in ("t2tlite", *OUTER)
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def table() -> dict[str, tuple[list[str], list[str]]]:
    """The table of ARCHITECTURE.md: `{layer: (paths of its modules, layers that they may import)}`."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("### Who may import whom")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\w ]+) \| (`.*`) \| (.*) \|$", section, re.MULTILINE)
    return {
        name: (re.findall("`(.*?)`", paths), [] if others == "nothing" else others.split(", "))
        for name, paths, others in rows
    }


LAYERS = table()


def layer(module: str) -> str | None:
    """The layer of a module: the one with the longest path that holds it."""
    holding = [
        (len(path), name)
        for name, (paths, _) in LAYERS.items()
        for path in paths
        if MODULES[module] == path or (path.endswith("/") and MODULES[module].startswith(path))
    ]
    return max(holding)[1] if holding else None


def resolved(name: str) -> str:
    """The module in which a dotted name is."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def imports(source: str, package: str) -> set[str]:
    """The modules of t2tlite that a module imports, at any depth, also by a name in a string.

    Args:
      package: in which the module is, for relative imports.
    """
    modules = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if resolved_string(node.value) else []
        modules |= {resolved(name) for name in names if re.fullmatch(r"t2tlite(\.\w+)*", name)}
    return modules


def resolved_string(value: str) -> bool:
    """Whether a string names a module; that of the package alone, or of an entry point, is none."""
    return bool(re.fullmatch(r"t2tlite(\.\w+)+", value)) and resolved(value) != "t2tlite"


def imports_of(module: str) -> set[str]:
    package = module if MODULES[module].endswith("__init__.py") else module.rpartition(".")[0]
    return imports((ROOT / MODULES[module]).read_text(encoding="utf-8"), package) - {module}


def forbidden(own_layer: str, modules: set[str]) -> list[str]:
    """Those of some modules that a layer may not import."""
    return [name for name in sorted(modules) if layer(name) not in (own_layer, *LAYERS[own_layer][1])]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_its_layer_may(module):
    own_layer = layer(module)
    assert own_layer, f"{MODULES[module]} is in no row of ARCHITECTURE.md, Who may import whom"
    assert forbidden(own_layer, imports_of(module)) == []


def test_the_layers_of_the_table_have_an_order():
    """A row names rows above it, so no two layers need each other."""
    above: list[str] = []
    for name, (paths, others) in LAYERS.items():
        assert set(others) <= set(above), name
        assert all((ROOT / path).exists() for path in paths), name
        above.append(name)


def test_no_modules_need_each_other():
    graph = {module: imports_of(module) for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises a CycleError that has the cycle


@pytest.mark.parametrize(
    "line",
    [
        "import t2tlite.problems",
        "from t2tlite import problems",
        "from t2tlite.problems.wmt import WmtEnde",
        "from .. import bin",
        "def f():\n  from ..hparams import multimodel",
        "if TYPE_CHECKING:\n  from t2tlite.decoding.predictor import Predictor",
        "importlib.import_module('t2tlite.modalities.image')",
        "import t2tlite\nt2tlite.modalities.image",
        "import t2tlite.training.step as step",
        "from t2tlite import load",
    ],
)
def test_the_rule_above_sees(line):
    assert forbidden("data", imports(line, "t2tlite.data"))


@pytest.mark.parametrize(
    "line",
    [
        "from t2tlite import registry",
        "from t2tlite.errors import UserError",
        "from . import records",
        "def f():\n  from t2tlite.progress import Board",
        "entry_points(group='t2tlite.plugins')",
    ],
)
def test_the_rule_above_lets_pass(line):
    assert not forbidden("data", imports(line, "t2tlite.data"))


def test_core_names_no_problem():
    names = set(registry.names("problem"))
    for path in CORE:
        strings = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not names & strings, path


def branches_on_a_kind(tree: ast.AST, kinds: set[str]) -> list[str]:
    """What tells kinds of features apart: comparisons, sets and dictionaries of kinds, `isinstance`."""

    def named(node):
        return any(isinstance(inner, ast.Constant) and inner.value in kinds for inner in ast.walk(node))

    def only_kinds(nodes, least):
        return len(nodes) >= least and all(isinstance(n, ast.Constant) and n.value in kinds for n in nodes)

    branches = []
    for node in ast.walk(tree):
        text = ast.unparse(node) if isinstance(node, ast.Compare | ast.Set | ast.Dict | ast.Call) else ""
        if (
            (isinstance(node, ast.Compare) and re.search("kind|reads|writes", text) and named(node))
            or (isinstance(node, ast.Set) and only_kinds(node.elts, 1))
            or (isinstance(node, ast.Dict) and only_kinds(node.keys, 2))
            or re.match(r"isinstance\(.*(?<!tfds\.features\.)\b(Text|Image|Audio|Label)\b", text)
        ):
            branches.append(text)
    return branches


def test_no_branch_on_the_kind_of_a_feature():
    """What depends on the kind is said by the feature, in `t2tlite/features/`."""
    kinds = set(registry.names("feature"))
    by_file = {}
    for path in [*CORE, *(path for folder in OUTER for path in sorted((ROOT / folder).rglob("*.py")))]:
        if "features" not in path.relative_to(ROOT).parts and "formats" not in path.parts:
            branches = branches_on_a_kind(ast.parse(path.read_text(encoding="utf-8")), kinds)
            if branches:
                by_file[str(path.relative_to(ROOT))] = branches
    assert not by_file


@pytest.mark.parametrize(
    "line",
    [
        'feature.kind == "text"',
        '"audio" in reader.kinds',
        'kind in ("text", "image")',
        '{"text", "audio"} & kinds',
        '{"text": 1, "image": 2}[kind]',
        "isinstance(feature, problem.Image)",
    ],
)
def test_that_rule_sees(line):
    assert branches_on_a_kind(ast.parse(line), {"text", "image", "audio"})


def fresh(program: str, cwd) -> str:
    """What a new interpreter prints, started where the repository does not shadow the installed package."""
    completed = subprocess.run([sys.executable, "-P", "-c", program], cwd=cwd, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


@pytest.mark.parametrize(
    "program",
    [
        "import t2tlite",
        "import t2tlite.problem, t2tlite.hparam, t2tlite.cli",
        "from t2tlite import registry_help; registry_help.text('all')",
        "from t2tlite import registry_help as r; [r.text(name) for k in r.registry.KINDS"
        " for name in r.registry.names(k)]",
        "from t2tlite import cli; cli.Command('x', 'y').main(None, ['--help'])",
        "from t2tlite import cli; cli.Command('x', 'y').main(None, ['--registry_help'])",
    ],
)
def test_without_tensorflow_or_gin(program, tmp_path):
    heavy = "import sys; print([m for m in ('tensorflow', 'keras', 'gin') if m in sys.modules])"
    assert fresh(f"{program}\n{heavy}", tmp_path).splitlines()[-1] == "[]"


def test_every_module_can_be_imported(tmp_path):
    """A module missing from the installed package, or one that works only after another, shows here."""
    program = f"import importlib\nfor name in {list(MODULES)}: importlib.import_module(name)\nprint('all')"
    assert fresh(program, tmp_path).endswith("all\n")


@pytest.mark.skipif(not os.environ.get("T2TLITE_TEST_INSTALLED"), reason="`make test` asks for it")
def test_the_installed_package_is_tested():
    assert "site-packages" in pathlib.Path(t2tlite.__file__).parts


def test_the_package_says_that_it_is_typed():
    assert (pathlib.Path(t2tlite.__file__).parent / "py.typed").is_file()
