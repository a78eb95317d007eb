"""The code in the documentation: command lines are understood by their commands, and Python runs."""

import json
import pathlib
import re
import shlex

import pytest

from t2tlite import hparam, problem, registry

from .pages import COMMANDS, GUIDES, LINES, ROOT, TEXTS, blocks, lines_of

# What else stands in shell blocks: others' programs, and the shell's own words.
OTHERS = set(
    ". .venv/bin/pip .venv/bin/pytest cat curl do done echo for make pip printf python python3 sacrebleu srun"
    " tensorboard tensorflow_model_server usr=examples/machine_targets".split()
)
# The folders of the documentation's examples, and one that only a reader would have.
USERS, READERS = {"examples/t2t_usr", "examples/machine_targets"}, {"tickets", "DIR"}


def values(name, argv):
    flags = COMMANDS[name].parse(argv)
    missing = [f.name for f in COMMANDS[name].flags() if f.required and getattr(flags, f.name) is None]
    assert not missing, argv
    return flags


@pytest.fixture
def users(registered_here_only):
    """A function that imports the users' folders of a command; what they register is gone after the test."""
    modules = [path.stem for folder in USERS for path in (ROOT / folder).glob("*.py")]
    with registered_here_only(*modules):
        yield lambda folders: [registry.import_usr_dir(ROOT / folder) for folder in folders]


@pytest.mark.parametrize(
    "argv", [*lines_of("t2t-train"), *(words[1:] for words in lines_of("srun"))], ids=" ".join
)
def test_a_training_is_understood(argv, users):
    if any(word.startswith(("--help", "--registry_help")) for word in argv):
        return
    flags = values("t2t-train", argv)
    if set(flags.t2t_usr_dir) & READERS:
        return
    assert set(flags.t2t_usr_dir) <= USERS
    users(flags.t2t_usr_dir)
    problems = registry.problems(flags.problems)
    hparam.get(flags.hparams_set, flags.hparams, flags.gin_file, flags.gin_bindings, problems)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "t2t-train"])
def test_other_commands_are_understood(name, users):
    lines = lines_of(name)
    assert lines
    for argv in lines:
        flags = values(name, argv)
        if set(flags.t2t_usr_dir) <= USERS:
            users(flags.t2t_usr_dir)
            if getattr(flags, "problem", None):
                registry.get_problem(flags.problem)
            if getattr(flags, "experiment", None):
                registry.get("experiment", flags.experiment)


def test_examples_of_commands_are_understood():
    for name, command in COMMANDS.items():
        for _, line in command.examples:
            if line.startswith(f"{name} "):
                command.parse(shlex.split(line.partition(" < ")[0])[1:])


def test_every_command_has_a_page_with_its_help():
    scripts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.scripts]")[2]
    assert sorted(re.findall(r"^(t2t-\w+) = ", scripts, re.MULTILINE)) == sorted(COMMANDS)
    for name in COMMANDS:
        assert f"\n<!-- help of {name} -->\n" in TEXTS[f"docs/commands/{name}.md"]


def test_what_else_is_in_shell_blocks_is_there():
    assert {words[0].removeprefix(".venv/bin/") for words in LINES} <= {
        *COMMANDS,
        *(name.removeprefix(".venv/bin/") for name in OTHERS),
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target, *_ in lines_of("make"):
        assert f"\n{target}:" in makefile
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
    for words in lines_of("pip"):
        for extra in re.findall(r"\[(.*)\]", " ".join(words)):
            assert set(extra.split(",")) <= extras
    for words in lines_of("python"):
        if script := next((word for word in words if word.endswith(".py")), None):
            source = (ROOT / script).read_text(encoding="utf-8")
            for flag in (word.partition("=")[0] for word in words if word.startswith("--")):
                assert f'"{flag}"' in source or f'"{flag[2:]}"' in source, (script, flag)


def test_blocks_are_of_kinds_that_are_checked():
    kinds = set(re.findall(r"^```(\w*)$", GUIDES, re.MULTILINE))
    assert kinds <= {"", "bibtex", "json", "python", "sh", "text"}
    for block in blocks("json"):
        for line in block.splitlines():
            json.loads(line)


def test_the_problem_in_the_readme_is_the_example():
    [block] = [block for block in blocks("python", TEXTS["README.md"]) if "register_problem" in block]
    example = (ROOT / "examples/t2t_usr/polite_english.py").read_text(encoding="utf-8")
    code = block[block.index("@registry") :]
    assert code in example and code in TEXTS["docs/tutorials/own_problem.md"]
    assert all(line in example for line in block.splitlines())
    assert len(code.splitlines()) <= 20


def test_the_part_in_the_tutorial_is_the_example():
    encoder, gated_set = blocks("python", TEXTS["docs/tutorials/own_part.md"])
    for block, name in ((encoder, "gated_encoder"), (gated_set, "gated_sets")):
        example = (ROOT / f"examples/t2t_usr/{name}.py").read_text(encoding="utf-8")
        assert all(line in example for line in block.splitlines())


# Pages whose Python runs in other tests, which give it a run, a service or a folder.
ELSEWHERE = {
    "README.md": "bin/test_python_guide.py",
    "docs/python.md": "bin/test_python_guide.py",
    "docs/from_keras.md": "bin/test_python_guide.py",
    "docs/export.md": "bin/test_t2t_export.py",
    "docs/experiments.md": "bin/test_t2t_experiment.py",
    "docs/tutorials/own_part.md": "examples/test_t2t_usr.py",
}


@pytest.mark.parametrize(
    "name", [name for name, text in TEXTS.items() if blocks("python", text) and name not in ELSEWHERE]
)
def test_the_python_of_a_page_runs(name, users):
    names = {"__name__": name}
    for number, block in enumerate(blocks("python", TEXTS[name])):
        exec(compile(block, f"{name}, block {number}", "exec"), names)


def test_python_that_runs_elsewhere_does():
    for name, test in ELSEWHERE.items():
        assert blocks("python", TEXTS[name])
        assert pathlib.PurePath(name).name in (ROOT / "tests" / test).read_text("utf-8") or "own_part" in name


def test_the_problems_of_the_tutorial_have_examples(users, tmp_path):
    names = {"__name__": "tutorial"}
    for block in blocks("python", TEXTS["docs/tutorials/own_problem.md"]):
        exec(compile(block, "own_problem.md", "exec"), names)
    polite, ticket = registry.problems("polite_english,ticket_topic")
    splits = [list(polite.examples(split, "sample")) for split in problem.SPLITS]
    assert sum(map(len, splits)) == 2 * 27 and len(splits[0]) > 27
    (tmp_path / "test.csv").write_text("text,topic\nI can't log in,login\n")
    assert list(ticket.examples("test", "files", tmp_path)) == [
        {"inputs": "I can't log in", "targets": "login"}
    ]
    assert "login" in ticket.labels("files", tmp_path)
