"""examples/t2t_usr through the commands: its problem, encoder and set are trained with, and decoded with."""

import json
import pathlib

import pytest

from t2tlite import registry
from t2tlite.bin import t2t_decode, t2t_train

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "t2t_usr"
SMALL = (
    "hidden_size=16,filter_size=8,num_heads=2,moe_num_experts=2,gated_blocks=2,"
    "vocabulary_size=300,batch_tokens=64,length_bounds=32"
)


@pytest.fixture(scope="module", autouse=True)
def registrations(registered_here_only):
    """Takes what the folder registers and imports back out, so that no other test sees it."""
    with registered_here_only(*(path.stem for path in FOLDER.glob("*.py"))):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("polite") / "run"
    status = t2t_train.main(
        [
            f"--t2t_usr_dir={FOLDER}",
            "--problems=polite_english",
            "--source=sample",
            "--hparams_set=gated_tiny",
            f"--hparams={SMALL}",
            f"--output_dir={folder}",
            "--train_steps=4",
            "--log_steps=2",
            "--eval_steps=1",
        ]
    )
    assert status == 0
    return folder


def test_training(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["split"]) for line in lines] == [
        (2, "train"),
        (4, "train"),
        (4, "validation"),
    ]
    assert {line["problem"] for line in lines} == {"polite_english"}
    description = json.loads((run / "run.json").read_text())
    assert description["usr_dirs"] == [str(FOLDER)]
    assert (description["hparams"]["encoder"], description["hparams"]["gated_blocks"]) == ("gated", 2)


def test_help_shows_what_the_encoder_declares(capsys):
    assert t2t_train.main([f"--t2t_usr_dir={FOLDER}", "--registry_help=gated"]) == 0
    out = capsys.readouterr().out
    assert "gated_blocks  3      gated convolutions (an integer, positive)" in out
    assert "hidden_size   -      channels of the body" in out


@pytest.mark.parametrize(
    ("hparams", "message"),
    [
        ("gated_block=2", "unknown hyperparameter `gated_block`; did you mean `gated_blocks`"),
        ("encoder=lstm,gated_blocks=2", "`gated_blocks` has no effect: it is of the encoder `gated`"),
        ("gated_kernel=4", "gated_kernel must be odd; received gated_kernel=4"),
    ],
)
def test_what_the_encoder_declares_is_checked(hparams, message, tmp_path, capsys):
    flags = [f"--t2t_usr_dir={FOLDER}", "--problems=polite_english", "--source=sample"]
    flags += ["--hparams_set=gated_tiny", f"--hparams={hparams}", f"--output_dir={tmp_path}/run"]
    assert t2t_train.main(flags) == 2
    assert message in capsys.readouterr().err


def test_decoding_needs_only_the_run(run, tmp_path, capsys):
    source = tmp_path / "blunt"
    source.write_text("gimme the red cup\n\n")
    flags = [f"--output_dir={run}", f"--decode_from_file={source}", f"--decode_to_file={tmp_path / 'polite'}"]
    assert t2t_decode.main([*flags, "--decode_hparams=decode_length=4"]) == 0, capsys.readouterr().err
    lines = (tmp_path / "polite").read_text().split("\n")
    assert len(lines) == 3 and not lines[1].startswith("#") and lines[2] == ""


def test_the_model_has_the_encoder_of_the_folder(run):
    from t2tlite.run import Run

    encoder = Run.load(run).make_model().encoder
    assert type(encoder).__name__ == "GatedEncoder" and len(encoder.convs) == 2
    paths = {variable.path for variable in encoder.variables}
    assert any(path.endswith("conv1/pointwise_kernel") for path in paths)


def test_every_sentence_of_the_problem_is_in_one_split():
    problem = registry.get_problem("polite_english")
    splits = {split: list(problem.examples(split, "sample")) for split in ("train", "validation", "test")}
    inputs = {split: {example["inputs"] for example in examples} for split, examples in splits.items()}
    assert sum(map(len, splits.values())) == len(set().union(*inputs.values()))
    assert len(splits["train"]) > 5000 and min(len(splits["validation"]), len(splits["test"])) > 200
    assert all(example["inputs"] != example["targets"] for example in splits["train"])
