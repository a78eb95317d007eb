"""A kind of feature of a user's folder, video, through the commands: no file of t2tlite knows of it."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import t2tlite
from t2tlite.bin import t2t_data, t2t_decode, t2t_eval, t2t_export, t2t_train
from t2tlite.errors import UserError

from ..bin.runs import flags, metrics_lines

FOLDER = pathlib.Path(__file__).parent / "usr_clips"
SMALL = (
    "encoder=gru,moe=none,hidden_size=16,num_encoder_layers=1,learning_rate=0.02,"
    "learning_rate_schedule=constant,learning_rate_warmup_steps=0"
)


@pytest.fixture(scope="module")
def run(registered_here_only, tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("clips") / "run"
    more = {"t2t_usr_dir": FOLDER, "dry_run": True, "eval_steps": 0, "save_checkpoints_steps": 100}
    with registered_here_only("clips"):
        assert t2t_train.main(flags(output_dir, output_dir / "data", "moves_to", 60, SMALL, **more)) == 0
        yield output_dir


@pytest.fixture(scope="module")
def clips(run, tmp_path_factory):
    """Three videos, and the paths of their files."""
    import clips

    folder, videos = tmp_path_factory.mktemp("files"), [clips.clip(5, 2, 1), clips.clip(4, 0, -1)]
    paths = [folder / f"{i}.npy" for i in range(len(videos))]
    for path, video in zip(paths, videos, strict=True):
        np.save(path, video)
    return videos, paths


def test_it_is_learned_in_batches_of_frames(run):
    lines = metrics_lines(run)
    [validation] = [line for line in lines if line["split"] == "validation"]
    assert validation["accuracy"] == 1.0
    assert {line["targets"] for line in lines if line["split"] == "train"} <= {8, 12}  # 48 / 6, 48 / 4
    assert json.loads((run / "data" / "moves_to" / "manifest.json").read_text())["features"] == {
        "inputs": "video",
        "targets": "label",
    }


def test_evaluation(run, eagerly, tmp_path):
    path = tmp_path / "scores.jsonl"
    assert t2t_eval.main([f"--output_dir={run}", f"--output_file={path}"]) == 0
    shown = [json.loads(line) for line in path.read_text().splitlines()]
    assert shown[1]["top1"] == 100 and shown[1]["errors"] == 0


def test_arrays_bytes_and_paths_are_decoded(run, clips, eagerly):
    videos, paths = clips
    predictor = t2tlite.load(run)
    inputs = [*videos, paths[0], paths[1].read_bytes()]
    assert [one.text for one in predictor.predict("moves_to", inputs)] == ["right", "left"] * 2
    with pytest.raises(UserError, match=r"can't read the video: float64 of shape \(2, 3\); expected uint8"):
        predictor.predict("moves_to", [np.zeros([2, 3])])


def test_a_file_of_paths_is_decoded(run, clips, eagerly, tmp_path):
    (tmp_path / "in").write_text("".join(f"{path}\n" for path in clips[1]))
    arguments = [
        f"--output_dir={run}",
        f"--decode_from_file={tmp_path}/in",
        f"--decode_to_file={tmp_path}/out",
    ]
    assert t2t_decode.main(arguments) == 0
    assert [line.split("\t")[0] for line in (tmp_path / "out").read_text().splitlines()] == ["right", "left"]


def test_an_export_reads_it(run, clips, tmp_path):
    assert t2t_export.main([f"--output_dir={run}", f"--export_dir={tmp_path}/export"]) == 0
    signature = tf.saved_model.load(f"{tmp_path}/export").signatures["moves_to"]
    for video, direction in zip(clips[0], (b"right", b"left"), strict=True):
        assert signature(inputs=tf.constant(video[None]))["label"].numpy()[0, 0] == direction
    assert "tf.zeros([1, 4, 6, 6], tf.uint8)" in (tmp_path / "export" / "README.md").read_text()


def test_its_data_are_shown(run, capsys, tmp_path):
    arguments = [f"--data_dir={run / 'data'}", "--problems=moves_to", f"--t2t_usr_dir={FOLDER}"]
    assert t2t_data.main([*arguments, f"--output_dir={tmp_path}/shown"]) == 0, capsys.readouterr().err
    assert "inputs: frames of a video" in capsys.readouterr().out


def test_a_wrong_value_is_refused(run):
    from t2tlite import registry

    with pytest.raises(ValueError, match=r"float64 of shape \(4,\); expected uint8"):
        registry.get("feature", "video")().to_record(np.zeros(4))
