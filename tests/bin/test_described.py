"""Problems over tables through the commands: after the first one, the run's folder is all they need."""

import io
import json

import PIL.Image
import pytest

from t2tlite import registry
from t2tlite.bin import t2t_decode, t2t_eval, t2t_show, t2t_train

from .runs import flags, metrics_lines

TOML = """
[colour]
inputs = {kind = "image", column = "path"}
targets = {kind = "label", column = "class"}
files = "all.csv"
held_out = {validation = 0.3, test = 0.3}

[colour_in_words]
inputs = {kind = "image", column = "path"}
targets = {kind = "text", column = "text"}
metrics = ["wer"]
files = "all.csv"
held_out = {validation = 0.3, test = 0.3}
"""
NAMES = "colour,colour_in_words"


@pytest.fixture(scope="module")
def run(tmp_path_factory, eager, registered_here_only):
    """A folder of tables, and the run that two updates left; what was imported for it is forgotten."""
    folder = tmp_path_factory.mktemp("tables")
    (folder / "problems.toml").write_text(TOML)
    rows = ["path,class,text"]
    for number in range(20):
        colour = ("red", "blue")[number % 2]
        made = io.BytesIO()
        PIL.Image.new("RGB", (32, 32), colour).save(made, "PNG")
        (folder / f"{number}.png").write_bytes(made.getvalue())
        rows.append(f"{number}.png,{colour},this is {colour}")
    (folder / "all.csv").write_text("\n".join(rows))
    with eager(), registered_here_only():
        argv = flags(folder / "run", folder / "data", NAMES, 2, source="files", save_checkpoints_steps=1)
        assert t2t_train.main([*argv, f"--t2t_usr_dir={folder}", "--generate_data"]) == 0
    return folder / "run"


@pytest.fixture
def forgotten(registered_here_only):
    with registered_here_only():
        assert "colour" not in registry.names("problem")
        yield


def test_both_problems_are_trained(run):
    assert [line["problem"] for line in metrics_lines(run) if line["split"] == "train"] == NAMES.split(",")


def test_a_training_goes_on_without_the_folder_of_the_description(run, forgotten, eagerly, capsys):
    description = (run / "run.json").read_bytes()
    argv = flags(run, run.parent / "data", NAMES, 4, source="files", save_checkpoints_steps=1)
    assert t2t_train.main(argv) == 0
    assert "going on from step 2" in capsys.readouterr().err
    assert (run / "run.json").read_bytes() == description


def test_evaluation_decoding_and_listing(run, forgotten, eagerly, capsys):
    assert t2t_eval.main([f"--output_dir={run}", "--split=test", "--limit=2"]) == 0
    capsys.readouterr()
    (run.parent / "paths.txt").write_text(f"{run.parent}/0.png\n{run.parent}/1.png\n")
    argv = [f"--output_dir={run}", "--problem=colour", f"--decode_from_file={run.parent}/paths.txt"]
    assert t2t_decode.main([*argv, f"--decode_to_file={run.parent}/classes.txt"]) == 0
    lines = (run.parent / "classes.txt").read_text().splitlines()
    assert len(lines) == 2 and {line.split()[0] for line in lines} <= {"red", "blue"}
    argv = [f"--output_dir={run}", "--problem=colour", f"--input={run.parent}/0.png"]
    assert t2t_show.main([*argv, "--what=experts", f"--to_file={run.parent}/shown.png"]) == 0
    assert json.loads((run / "run.json").read_text())["labels"]["colour"] == ["blue", "red"]


def test_a_mistake_in_a_description_is_one_line(tmp_path, mistake_in_a_process):
    (tmp_path / "problems.toml").write_text(TOML.replace('kind = "label"', 'kind = "lable"'))
    argv = [f"--t2t_usr_dir={tmp_path}", f"--problems={NAMES}", f"--output_dir={tmp_path}/run"]
    message = mistake_in_a_process("t2t_train", *argv)
    assert "problems.toml: [colour]: unknown feature `lable`; did you mean `label`?" in message
