"""What TensorBoard's HParams page reads of a sweep: `tensorboard --logdir=OUTPUT_DIR/trials`."""

import pathlib
import time
from typing import Any

from t2tlite.study.trials import FOLDER, Trials

_SUFFIX = ".hparams"  # of the files' names, by which they are found again


def write_experiment(trials: Trials) -> None:
    """Writes what is searched and which figures there are, once for the sweep."""
    from tensorboard.plugins.hparams import api

    hparams = []
    for one in trials.space:
        domain: Any = None
        if one.choices:
            domain = api.Discrete(list(one.choices), dtype=str)
        elif isinstance(one.low, int):
            domain = api.IntInterval(one.low, int(one.high))
        else:
            domain = api.RealInterval(one.low, one.high)
        hparams.append(api.HParam(one.name, domain))
    figure = trials.settings.metric.partition("/")[2]
    metrics = [api.Metric(f"{name}/{figure}", group="validation") for name in trials.watched]
    _write(trials.folder / FOLDER, api.hparams_config_pb(hparams=hparams, metrics=metrics))


def write_trial(trials: Trials, number: int) -> None:
    """Writes a trial's hyperparameters beside the figures that its training writes, once."""
    from tensorboard.plugins.hparams import api

    folder = trials.folder_of(number)
    choices = {one.name for one in trials.space if one.choices}
    values = {
        name: str(value) if name in choices or not isinstance(value, int | float) else value
        for name, value in trials.hyperparameters(number).items()
    }
    _write(folder / "tensorboard", api.hparams_pb(values, trial_id=folder.name))


def _write(folder: pathlib.Path, summary: Any) -> None:
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    if any(folder.glob(f"events.out.tfevents.*{_SUFFIX}")):
        return
    writer = EventFileWriter(str(folder), filename_suffix=_SUFFIX)
    writer.add_event(event_pb2.Event(wall_time=time.time(), summary=summary))
    writer.close()
