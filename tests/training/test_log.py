"""metrics.jsonl after a stop, TensorBoard, and the progress line."""

import json

import tensorflow as tf

from t2tlite.training import log
from t2tlite.training.log import MetricsLog, Progress


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
    seen = {}
    for split in ("train", "validation"):
        [path] = (tmp_path / "tensorboard" / split).iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                seen[split, value.tag] = event.step, float(tf.make_ndarray(value.tensor))
    assert seen == {
        ("train", "wmt_ende/loss"): (7, 1.5),
        ("train", "wmt_ende/targets"): (7, 4.0),
        ("validation", "wmt_ende/loss"): (7, 2.5),
    }


def test_the_progress_line(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: clock[0])
    progress = Progress(10, 50)
    clock[0] += 60
    progress.update(11, "wmt_ende", 4.0, 1000, waited=50.0)  # compiled: counts for nothing but its loss
    for step in range(12, 21):
        clock[0] += 2
        progress.update(step, "wmt_ende", 3.0, 100, waited=0.5)
    progress.log(20)
    loss = 3 + 0.9**9
    assert capsys.readouterr().err == (
        f"step 20/50  1:00 left  wmt_ende {loss:.2f}  50 targets/s  25.0% waiting for data\n"
    )
    progress.say("hello")
    assert capsys.readouterr().err == "hello\n"


def test_a_terminal_has_one_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2, raising=False)
    monkeypatch.setattr(log.os, "get_terminal_size", lambda fd: log.os.terminal_size((40, 20)))
    clock = [0.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: clock[0])
    progress = Progress(0, 9)
    for step in range(1, 5):
        clock[0] += 0.6
        progress.update(step, "wmt_ende", 3.0, 100, waited=0.0)
    shown = capsys.readouterr().err
    assert shown.count("\r") == 2 and "\n" not in shown
    assert all(len(line) == 39 for line in shown.split("\r")[1:])
    progress.log(4)
    progress.say("hello")
    assert capsys.readouterr().err == "\r\033[Khello\n"


def test_durations():
    told = {0.4: "0:00", 59.6: "1:00", 61: "1:01", 3600: "1:00:00", 90061: "25:01:01"}
    assert {seconds: log.duration(seconds) for seconds in told} == told
