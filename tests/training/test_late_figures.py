"""Figures of an update are read while the next one is computed; what comes of them is the same."""

import json
import types

import pytest
import tensorflow as tf

from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.errors import UserError
from t2tlite.training import launch, trainer

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(num_encoder_layers=1, num_mixer_layers=0, num_decoder_layers=1)
NAN = float("nan")
pytestmark = pytest.mark.usefixtures("eagerly")


class Loss:
    """A scalar of an update, which notes when it is read."""

    def __init__(self, step, value, events):
        self.step, self.value, self.events = step, value, events

    def __float__(self):
        self.events.append(f"read {self.step}")
        return self.value


class Updates:
    """Stands for the compiled updates: the loss is the number of the step, and of some not a number."""

    def __init__(self, bad, events):
        self.bad, self.events = bad, events

    def __call__(self, batches, step):
        self.events.append(f"made {step}")
        loss = Loss(step, NAN if step in self.bad else float(step), self.events)
        return [{"loss": loss, "gradient_norm": tf.constant(1.0), "targets": tf.constant(1.0)}]

    def check_sources(self, step):
        pass

    def enter(self, step):
        return False

    def leave(self):
        self.events.append("went back")


def a_loop(data, folder, bad=(), mode="skip", steps=8):
    """A training without computations, and what will have happened in it, in order."""
    run = launch.make_run(folder, "wmt_ende", HPARAMS, data, "sample")
    intervals = trainer.Intervals(steps, save=4, log=4, evaluate=0, keep=99)
    loop = trainer.Trainer(run, intervals, on_nonfinite=mode, try_first=False)
    events, save = [], loop.save
    loop._updates = Updates(bad, events)

    def save_and_note():
        save()
        events.append(f"saved {loop.step}")

    loop.save = save_and_note
    loop.evaluator = types.SimpleNamespace(evaluate=lambda *args: {})
    return loop, events


def lines(folder):
    every = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [
        (line["step"], line["loss"], line["updates"], line.get("skipped", 0))
        for line in every
        if "loss" in line
    ]


def test_figures_are_read_one_update_late_but_before_what_needs_them(sample_data, tmp_path):
    loop, events = a_loop(sample_data, tmp_path, steps=5)
    loop.train()
    begin = ["made 0", "made 1", "read 0", "made 2", "read 1", "made 3", "read 2", "read 3", "saved 4"]
    assert events == [*begin, "made 4", "read 4", "saved 5"]
    assert lines(tmp_path) == [(4, 1.5, 4, 0), (5, 4.0, 1, 0)]


def test_updates_that_are_left_out_count_where_they_were_made(sample_data, tmp_path):
    loop, _ = a_loop(sample_data, tmp_path, bad={3, 5})
    loop.train()
    assert lines(tmp_path) == [(4, 1.0, 3, 1), (8, (4 + 6 + 7) / 3, 3, 1)]


def test_no_checkpoint_is_written_after_an_update_that_stops_the_run(sample_data, tmp_path):
    for bad, kept in ((3, []), (5, ["step-00000004"]), (7, ["step-00000004"])):
        folder = tmp_path / str(bad)
        loop, _ = a_loop(sample_data, folder, {bad}, "stop")
        with pytest.raises(UserError, match=f"at step {bad} is nan"):
            loop.train()
        assert sorted(path.name for path in folder.glob(f"{CHECKPOINTS}/step-*")) == kept


@pytest.mark.parametrize("bad", [4, 5, 7])
def test_going_back_forgets_what_was_made_since(sample_data, tmp_path, bad):
    loop, events = a_loop(sample_data, tmp_path, {bad}, "restore")
    loop.train()
    back = events.index("went back")
    assert events.index("saved 4") < back and f"made {bad}" in events[:back]
    made = [event for event in events[back:] if event.startswith("made")]
    assert made == [f"made {step}" for step in range(4, 8) if step != bad]
    good = [step for step in range(4, 8) if step != bad]
    assert lines(tmp_path) == [(4, 1.5, 4, 0), (8, sum(good) / 3, 3, 1)]
