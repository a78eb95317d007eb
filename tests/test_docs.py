"""What the documentation says of flags, names, tables, links and files is so."""

import math
import re
import types

import keras
import pytest

from t2tlite import declarations, hparam, registry
from t2tlite.core_hparams import CORE

from .pages import COMMANDS, GUIDES, ROOT, TEXTS

PROBLEMS = TEXTS["docs/concepts/problems.md"]
SETS = TEXTS["docs/concepts/hyperparameters.md"]
EVERYWHERE = {"help", "version"}


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

    def add_weight(self, shape=(), **kwargs):
        sizes.append(math.prod(shape))
        return types.SimpleNamespace()

    classes = 24 if hparams.vocabulary_size < 8192 else 1000
    with monkeypatch.context() as patch:
        patch.setattr(keras.layers.Layer, "add_weight", add_weight)
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
