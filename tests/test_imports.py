"""Who may import whom, and what is imported before it is needed."""

import ast
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
OUTER = ("problems", "modalities", "hparams", "bin")
_OUTER = re.compile(rf"t2tlite\.({'|'.join(OUTER)})(\.\w+)*")


def outer_imports(source: str, package: str) -> list[str]:
    """The outer modules that a core module imports, at any depth, also by a name in a string."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        found += [name for name in names if _OUTER.fullmatch(name)]
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_imports_nothing_of_the_outer_folders(path):
    package = ".".join(path.relative_to(ROOT).parent.parts)
    assert outer_imports(path.read_text(encoding="utf-8"), package) == []


@pytest.mark.parametrize(
    "line",
    [
        "import t2tlite.problems",
        "from t2tlite import problems",
        "from t2tlite.problems.wmt import WmtEnde",
        "from .. import bin",
        "def f():\n  from ..hparams import multimodel",
        "importlib.import_module('t2tlite.modalities.image')",
        "import t2tlite\nt2tlite.modalities.image",
    ],
)
def test_the_rule_above_sees(line):
    assert outer_imports(line, "t2tlite.data")


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

    found = []
    for node in ast.walk(tree):
        text = ast.unparse(node) if isinstance(node, ast.Compare | ast.Set | ast.Dict | ast.Call) else ""
        if (
            (isinstance(node, ast.Compare) and re.search("kind|reads|writes", text) and named(node))
            or (isinstance(node, ast.Set) and only_kinds(node.elts, 1))
            or (isinstance(node, ast.Dict) and only_kinds(node.keys, 2))
            or re.match(r"isinstance\(.*(?<!tfds\.features\.)\b(Text|Image|Audio|Label)\b", text)
        ):
            found.append(text)
    return found


def test_no_branch_on_the_kind_of_a_feature():
    """What depends on the kind is said by the feature, in `t2tlite/features/`."""
    kinds = set(registry.names("feature"))
    found = {}
    for path in [*CORE, *(path for folder in OUTER for path in sorted((ROOT / folder).rglob("*.py")))]:
        if "features" not in path.relative_to(ROOT).parts and "formats" not in path.parts:
            branches = branches_on_a_kind(ast.parse(path.read_text(encoding="utf-8")), kinds)
            if branches:
                found[str(path.relative_to(ROOT))] = branches
    assert not found


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
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    folders = {"t2tlite": ROOT / "t2tlite"} | {f"t2tlite.{name}": ROOT / name for name in OUTER}
    modules = []
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            modules.append(".".join([package, *(part for part in parts if part != "__init__")]))
    program = f"import importlib\nfor name in {modules}: importlib.import_module(name)\nprint('all')"
    assert fresh(program, tmp_path).endswith("all\n")


@pytest.mark.skipif(not os.environ.get("T2TLITE_TEST_INSTALLED"), reason="`make test` asks for it")
def test_the_installed_package_is_tested():
    assert "site-packages" in pathlib.Path(t2tlite.__file__).parts
