"""What the documentation says of commands, flags, names and files is so."""

import importlib
import json
import math
import pathlib
import re
import shlex

import keras
import pytest

from t2tlite import declarations, hparam, problem, registry
from t2tlite.core_hparams import CORE

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        *ROOT.glob("*.md"),
        *sorted((ROOT / "docs").rglob("*.md")),
        ROOT / "benchmarks/README.md",
        ROOT / "problems/sample_world/README.md",
    )
}
README = TEXTS["README.md"]
PROBLEMS = TEXTS["docs/concepts/problems.md"]
SETS = TEXTS["docs/concepts/hyperparameters.md"]
GUIDES = "\n".join(TEXTS.values())
COMMANDS = {
    name: importlib.import_module(f"t2tlite.bin.{name.replace('-', '_')}").COMMAND
    for name in (path.stem for path in sorted((ROOT / "docs" / "commands").glob("*.md")))
}
# What else stands in shell blocks: others' programs, and the shell's own words.
OTHERS = set(
    ". .venv/bin/pip .venv/bin/pytest cat curl do done echo for make pip printf python python3 sacrebleu srun"
    " tensorboard tensorflow_model_server usr=examples/machine_targets".split()
)
# The folders of the documentation's examples, and one that only a reader would have.
USERS, READERS = {"examples/t2t_usr", "examples/machine_targets"}, {"tickets", "DIR"}
EVERYWHERE = {"help", "version"}


def blocks(language, text=GUIDES):
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines():
    """The command lines of shell blocks as lists of words, without comments and redirections."""
    for block in blocks("sh"):
        text = re.sub(r"(^|\s)# .*$", "", block.replace("\\\n", " "), flags=re.MULTILINE)
        text = text.replace("$usr", "examples/machine_targets")
        lexer = shlex.shlex(text, posix=True, punctuation_chars="\n|;<>")
        lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", " \t", True
        words = []
        for word in [*lexer, "\n"]:
            if not set(word) <= set("\n|;"):
                words.append(word)
            elif words:
                redirected = [at for at, one in enumerate(words) if one in ("<", ">")]
                yield words[: redirected[0]] if redirected else words
                words = []


LINES = list(shell_lines())


def lines_of(program):
    """The command lines of a program in the documentation, without its name."""
    return [words[1:] for words in LINES if words[0].removeprefix(".venv/bin/") == program]


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


def test_every_flag_in_the_documentation_exists():
    flags = {flag.name: flag for command in COMMANDS.values() for flag in command.flags()}
    known = {name for name, flag in flags.items() if not flag.positional}
    known |= {f"no{name}" for name, flag in flags.items() if flag.kind == "boolean"}
    for name, text in TEXTS.items():
        prose = re.sub(r"^```text.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        prose = re.sub(
            r"^.*\b(pip|python|tensorboard|tensorflow_model_server|curl|\w*xla_\w+)\b.*$",
            "",
            prose,
            flags=re.MULTILINE,
        )
        if name == "docs/from_tensor2tensor.md":
            prose = re.sub(r"^\| .*? \|", "|", prose, flags=re.MULTILINE)  # the names there
        mentioned = set(re.findall(r"(?<![\w-])--(\w+)", prose))
        assert mentioned - EVERYWHERE <= known, name


def test_names_for_tensor2tensors_exist():
    rows = re.findall(
        r"^\| .*? \| (`.*?) \|",
        TEXTS["docs/from_tensor2tensor.md"].partition("## Hyperparameters")[2].partition("##")[0],
        re.MULTILINE,
    )
    known = {one.name for _, declared in declarations.every() for one in declared} | {
        one.name for one in CORE
    }
    assert len(rows) == 10
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) <= known


def test_overrides_in_the_documentation_are_understood():
    mentioned = re.findall(r"`--hparams=(?:\"([^\"]*)\"|([^`\s]+))`", GUIDES)
    for quoted, bare in mentioned:
        override = (quoted or bare).replace("teacher=FOLDER", "teacher=/folder")
        if "NAME" not in override:
            hparam.get("multimodel_tiny", override)
    assert len(mentioned) >= 2
    for binding in re.findall(r"`--gin_bindings=\"([^\"]*)\"`", GUIDES):
        hparam.get("multimodel_tiny", gin_bindings=[binding])
    rates = r"^\| `(uniform|proportional[^`]*|\w+:\d[^`]*|linear[^`]*)` \|"
    mixings = re.findall(rates, TEXTS["docs/concepts/mixing.md"], re.MULTILINE)
    assert len(mixings) == 4
    for mixture in mixings:
        from t2tlite.data.reading import mixing

        problems = registry.problems("all")
        mixing.parse_rates(mixture, [p.name for p in problems], {p.name: 10 for p in problems})


def test_the_table_of_problems():
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (?:`(to_\w+)`|none) \|.*\| ([^|]*) \|$", PROBLEMS, re.MULTILINE)
    problems = registry.problems("all")
    assert [(name, command) for name, command, _ in rows] == [(p.name, p.command) for p in problems]
    for (_, _, sources), one in zip(rows, problems, strict=True):
        assert re.findall(r"`(\w+)`", sources) == list(one.sources)


def parameters(hparams, monkeypatch):
    """How many parameters a model with one net of each kind has, counted without making them."""
    sizes = []
    classes = 24 if hparams.vocabulary_size < 8192 else 1000
    with monkeypatch.context() as patch:
        patch.setattr(
            keras.layers.Layer, "add_weight", lambda self, shape=(), **kwargs: sizes.append(math.prod(shape))
        )
        components = [
            registry.get(part, getattr(hparams, part)).from_hparams(hparams)
            for part in ("encoder", "mixer", "decoder")
        ]
        for name, size in (
            ("language", hparams.vocabulary_size),
            ("categorical", classes),
            ("image", None),
            ("spectral", None),
        ):
            components.append(registry.get("modality", name).from_hparams(hparams, size=size))
        for layer in components:
            layer.build((None, None, hparams.hidden_size))
    return sum(sizes) / 1e6


def test_the_table_of_sets(monkeypatch):
    table = SETS.partition("## Sets")[2].partition("\n\n")[2].partition("\n\n")[0]
    rows = {
        row.split("`")[1]: [cell.strip() for cell in row.split("|")[2:-1]] for row in table.splitlines()[2:]
    }
    shipped = [
        n for n in registry.names("hparams") if registry.entry("hparams", n).module.startswith("t2tlite")
    ]
    assert sorted(rows) == shipped
    for name, (width, experts, blocks_told, total, of_experts, _) in rows.items():
        hparams = hparam.get(name)
        assert int(width) == hparams.hidden_size
        none = hparams.moe == "none"
        assert experts == ("no" if none else f"{hparams.moe_num_experts}, {hparams.moe_k} a position")
        mixer = getattr(hparams, "num_mixer_layers", 0)
        assert blocks_told == f"{hparams.num_encoder_layers}, {mixer}, {hparams.num_decoder_layers}"
        count = parameters(hparams, monkeypatch)
        rest = parameters(hparams.replace(moe="none"), monkeypatch)
        digits = 1 if count < 10 else 0
        assert total == f"{count:,.{digits}f} M" and of_experts == f"{count - rest:,.{digits}f} M", name


def test_the_problem_in_the_readme_is_the_example():
    [block] = [block for block in blocks("python", README) if "register_problem" in block]
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


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    prose = re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / name).parent.joinpath(path) if path else ROOT / name
        assert there.exists(), target  # a picture, too
        if anchor:
            titles = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(_anchor, titles), target


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_paths_in_the_architecture_exist_and_every_folder_is_there():
    tops = "t2tlite|problems|modalities|hparams|experiments|bin|examples|tests|tools|benchmarks"
    mentioned = set(
        re.findall(rf"(?<![\w/.-])((?:{tops})/[\w/.-]*|setup\.py|pyproject\.toml)", TEXTS["ARCHITECTURE.md"])
    )
    mentioned = {path.rstrip(".") for path in mentioned}
    assert not [path for path in mentioned if not (ROOT / path).exists()]
    assert {path for path in mentioned if path.endswith(".py")} >= {"t2tlite/run.py", "bin/t2t_train.py"}
    folders = {path.parent for top in tops.split("|")[:6] for path in (ROOT / top).rglob("*.py")}
    assert {f"{folder.relative_to(ROOT)}/" for folder in folders} <= mentioned


def test_files_of_a_run_in_the_architecture_are_those_of_the_code():
    from t2tlite import run
    from t2tlite.checkpoints import CHECKPOINTS, checkpoint
    from t2tlite.training import log

    for name in (
        run.RUN_FILE,
        run.VOCABULARY_FILE,
        CHECKPOINTS,
        log.METRICS_FILE,
        checkpoint._META,
    ):
        assert name in TEXTS["ARCHITECTURE.md"]


def test_the_scene_in_the_documentation_is_the_sample_worlds():
    from t2tlite.problems.sample_world import tour

    scene = tour.tour("test", 16)
    lines = [scene.captions[0], scene.english, scene.german, scene.french, scene.tree]
    assert "```\n" + "\n".join(lines) + "\n```" in PROBLEMS


def test_nothing_is_left_to_be_filled_in():
    for name, text in TEXTS.items():
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), name
