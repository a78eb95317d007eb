"""metrics.jsonl and TensorBoard's events, after a stop as well."""

import json

import numpy as np
import tensorflow as tf

from t2tlite.training.log import MetricsLog


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def write(folder, start, steps):
    metrics = MetricsLog(folder, start)
    for step in steps:
        metrics.write(step, "wmt_ende", "train", {"loss": step / 2})
    metrics.close()


def test_lines(tmp_path):
    write(tmp_path, 0, [1, 2])
    assert lines(tmp_path)[1] == {"step": 2, "problem": "wmt_ende", "split": "train", "loss": 1.0}


def test_what_was_told_after_the_checkpoint_is_cut_off(tmp_path):
    write(tmp_path, 0, [1, 2, 3, 4])
    write(tmp_path, 2, [3, 4, 5])
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5]
    write(tmp_path, 0, [])
    assert lines(tmp_path) == []


def test_a_line_that_was_being_written_is_cut_off(tmp_path):
    for broken in ('{"step": 3, "pro', "5", '{"loss": 1}', "\0\0"):
        write(tmp_path, 0, [1, 2])
        with open(tmp_path / "metrics.jsonl", "a") as file:
            file.write(broken)
        write(tmp_path, 2, [3])
        assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]


def test_a_flush_puts_it_on_the_disk(tmp_path):
    metrics = MetricsLog(tmp_path, 0)
    metrics.write(1, "wmt_ende", "train", {"loss": 1.0})
    metrics.flush()
    assert len(lines(tmp_path)) == 1
    metrics.close()


def test_tensorboard(tmp_path):
    metrics = MetricsLog(tmp_path, 0)
    metrics.write(7, "wmt_ende", "train", {"loss": 1.5, "targets": 4})
    metrics.write(7, "wmt_ende", "validation", {"loss": 2.5})
    metrics.close()
    values = {}
    for split in ("train", "validation"):
        [path] = (tmp_path / "tensorboard" / split).iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                values[split, value.tag] = event.step, float(tf.make_ndarray(value.tensor))
    assert values == {
        ("train", "wmt_ende/loss"): (7, 1.5),
        ("train", "wmt_ende/targets"): (7, 4.0),
        ("validation", "wmt_ende/loss"): (7, 2.5),
    }


def events(folder):
    """(step, tag) of every event, file by file."""
    return [
        (event.step, value.tag)
        for path in sorted(folder.glob("tensorboard/*/events*"))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


def test_the_events_of_later_steps_are_cut_off(tmp_path):
    write(tmp_path, 0, [1, 2, 3, 4])
    write(tmp_path, 2, [3, 4, 5])
    assert sorted(events(tmp_path)) == [(step, "wmt_ende/loss") for step in (1, 2, 3, 4, 5)]


def test_an_event_that_was_being_written_is_cut_off(tmp_path):
    write(tmp_path, 0, [1, 2])
    [path] = tmp_path.glob("tensorboard/train/*")
    with open(path, "ab") as file:
        file.write(path.read_bytes()[-20:-3])
    write(tmp_path, 2, [])
    assert events(tmp_path) == [(1, "wmt_ende/loss"), (2, "wmt_ende/loss")]


def test_figures_and_images_for_tensorboard_alone(tmp_path):
    metrics = MetricsLog(tmp_path, 0)
    metrics.show(3, "train", {"speed/targets_per_second": 5.0}, {"experts": np.zeros((2, 4, 3), np.uint8)})
    metrics.close()
    assert lines(tmp_path) == []
    assert events(tmp_path) == [(3, "speed/targets_per_second"), (3, "experts")]
