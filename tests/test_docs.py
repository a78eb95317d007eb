"""What the documentation says of commands, flags, names and files is so."""

import importlib
import itertools
import math
import pathlib
import re
import shlex

import keras
import pytest

from t2tlite import hparam, registry

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
        "problems/sample_world/README.md",
    )
}
README = TEXTS["README.md"]
GUIDES = README + "".join(
    TEXTS[f"docs/{name}.md"] for name in ("data", "stages", "experiments", "sharing", "sweeps")
)
COMMANDS = {
    f"t2t-{name}": importlib.import_module(f"t2tlite.bin.t2t_{name}").COMMAND
    for name in (
        "train",
        "decode",
        "datagen",
        "data",
        "eval",
        "avg",
        "show",
        "analyze",
        "export",
        "serve",
        "experiment",
        "sweep",
    )
}
EVERYWHERE = {"help", "version"}


def blocks(language):
    """The code blocks of README and guides in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDES, re.MULTILINE | re.DOTALL)


def lines_of(program):
    """The command lines of a program in the README, without its name."""
    shell = "".join(blocks("sh")).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in shell.splitlines()]
    return [line[1:] for line in lines if line[:1] == [program]]


def values(name, argv):
    flags = COMMANDS[name].parse(argv)
    missing = [f.name for f in COMMANDS[name].flags() if f.required and getattr(flags, f.name) is None]
    assert not missing, argv
    return flags


@pytest.mark.parametrize("argv", lines_of("t2t-train"), ids=" ".join)
def test_a_training_in_the_readme_is_understood(argv):
    flags = values("t2t-train", argv)
    if not flags.t2t_usr_dir:
        registry.problems(flags.problems)
        hparam.get(flags.hparams_set, flags.hparams, flags.gin_file, flags.gin_bindings)
    for folder in flags.t2t_usr_dir:
        names = "".join(path.read_text() for path in (ROOT / folder).glob("*.py"))
        assert f"def {flags.hparams_set}(" in names
        assert f"class {''.join(part.title() for part in flags.problems.split('_'))}(" in names


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "t2t-train"])
def test_other_commands_in_the_readme_are_understood(name):
    for argv in lines_of(name):
        flags = values(name, argv)
        if getattr(flags, "problem", None):
            registry.get_problem(flags.problem)
    assert lines_of("t2t-decode") and lines_of("t2t-train")


def test_every_flag_in_the_readme_exists_and_the_commands_have_no_other():
    prose = re.sub(r"^(pip|python|tensorboard) .*$", "", README, flags=re.MULTILINE)
    prose = re.sub(r"`(pip|python|tensorboard) [^`]*`", "", prose)
    mentioned = set(re.findall(r"(?<![\w-])--(\w+)", prose))
    flags = [flag for command in COMMANDS.values() for flag in command.flags()]
    known = {flag.name for flag in flags if not flag.positional}
    assert mentioned - EVERYWHERE <= known
    assert known <= mentioned


def test_the_reference_has_every_flag_of_t2t_train_and_its_default():
    section = README.partition("### t2t-train")[2].partition("###")[0]
    rows = re.findall(r"^\| (`--.*?) \| (.*) \|$", section, re.MULTILINE)
    named = [re.findall(r"`--(\w+)`", first) for first, _ in rows]
    known = {flag.name: flag.default for flag in COMMANDS["t2t-train"].flags()}
    assert sorted(itertools.chain(*named)) == sorted(known)
    for names, (_, default) in zip(named, rows, strict=True):
        defaults = [known[name] for name in names]
        numbers = iter(re.findall(r"\d+", default))  # in the order of the flags
        assert all(str(value) in numbers for value in defaults if type(value) is int), names
        for word in (value for value in defaults if value and isinstance(value, str)):
            assert f"`{word}` (default)" in default or f"default `{word}`" in default, names
        assert ("`true`" in default) == any(value is True for value in defaults), names


def test_overrides_in_the_readme_are_understood():
    mentioned = re.findall(r"`--hparams=(?:\"([^\"]*)\"|([^`\s]+))`", README)
    for quoted, bare in mentioned:
        hparam.get("multimodel_tiny", quoted or bare)
    assert len(mentioned) >= 2
    for binding in re.findall(r"`--gin_bindings=\"([^\"]*)\"`", README):
        hparam.get("multimodel_tiny", gin_bindings=[binding])
    for rates in re.findall(
        r"^\| `(uniform|proportional[^`]*|\w+:\d[^`]*|linear[^`]*)` \|", README, re.MULTILINE
    ):
        from t2tlite.data.reading import mixing

        problems = registry.problems("all")
        mixing.parse_rates(rates, [p.name for p in problems], {p.name: 10 for p in problems})


def test_the_table_of_problems():
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (?:`(to_\w+)`|none) \|.*\| ([^|]*) \|$", README, re.MULTILINE)
    problems = registry.problems("all")
    assert [(name, command) for name, command, _ in rows] == [(p.name, p.command) for p in problems]
    for (_, _, sources), problem in zip(rows, problems, strict=True):
        assert re.findall(r"`(\w+)`", sources) == list(problem.sources)


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
    table = README.partition("## Hyperparameters")[2].partition("\n\n")[2].partition("\n\n")[0]
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
    [block] = [block for block in blocks("python") if "register_problem" in block]
    example = (ROOT / "examples/t2t_usr/polite_english.py").read_text(encoding="utf-8")
    code = block[block.index("@registry") :]
    assert code in example
    assert all(line in example for line in block.splitlines())
    assert len(code.splitlines()) <= 20


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


def test_the_scene_in_the_readme_is_the_sample_worlds():
    from t2tlite.problems.sample_world import tour

    scene = tour.tour("test", 16)
    lines = [scene.captions[0], scene.english, scene.german, scene.french, scene.tree]
    assert "```\n" + "\n".join(lines) + "\n```" in README


def test_nothing_is_left_to_be_filled_in():
    for name, text in TEXTS.items():
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), name
