"""How long an update of each problem takes, and what share of it waits for data.

    python benchmarks/step.py --data_dir=/tmp/data --steps=20 --hparams_set=multimodel_tiny

The problems take turns, so that whatever else the machine does slows all of them; read the ratios.
"""

import pathlib
import tempfile
import time

import numpy as np

from t2tlite import cli, quiet, tables
from t2tlite.errors import UserError

COMMAND = cli.Command(
    "step",
    "Prints how long an update of each problem takes, relative to that of one of them, and what share of it "
    "waits for data. Sample data that is missing is generated first.",
    examples=[("on the sample world", "python benchmarks/step.py --data_dir=/tmp/data --steps=20")],
)
COMMAND.group("Flags")
COMMAND.string("problems", "all", "names separated by commas, or all")
COMMAND.string("data_dir", "data", "folder of the prepared data")
COMMAND.integer("steps", 20, "updates of each problem that are measured", at_least=1)
COMMAND.integer("warm_up", 3, "updates of each problem before those; the first is compiled", at_least=1)
COMMAND.string("hparams_set", "multimodel_tiny", "a registered set of hyperparameters")
COMMAND.string("hparams", "", "changes to it, as for t2t-train", may_be_empty=True)
COMMAND.string("relative_to", "wmt_ende", "the problem that the others are compared with")


def benchmark(flags):
    from t2tlite import hparam, registry

    problems = registry.problems(flags.problems)
    names = [problem.name for problem in problems]
    if flags.relative_to not in names:
        raise UserError(f"--relative_to={flags.relative_to} must be one of {', '.join(names)}")
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    quiet.start_tensorflow()
    from t2tlite.training import launch
    from t2tlite.training.trainer import Intervals, Trainer

    launch.prepare(problems, flags.data_dir, "sample", may_generate=True)
    with tempfile.TemporaryDirectory() as folder:
        run = launch.make_run(pathlib.Path(folder) / "run", flags.problems, hparams, flags.data_dir, "sample")
        trainer = Trainer(run, Intervals(train_steps=1))
        rows = measure(trainer, flags.warm_up, flags.steps)
    write_table(rows, flags.relative_to, f"{flags.hparams_set}: {flags.steps} updates of each problem")


def measure(trainer, warm_up, steps):
    """`{problem: {"waited", "updated" (seconds of each update), "targets"}}`, the problems taking turns."""
    rows = {name: {"waited": [], "updated": [], "targets": []} for name in trainer.iterators}
    for turn in range(warm_up + steps):
        for name, iterator in trainer.iterators.items():
            start = time.perf_counter()
            batch = next(iterator)
            waited = time.perf_counter()
            [figures] = trainer._updates([(name, batch)], turn)
            targets = float(figures["targets"])  # waits for the result
            updated = time.perf_counter()
            if turn >= warm_up:
                rows[name]["waited"].append(waited - start)
                rows[name]["updated"].append(updated - waited)
                rows[name]["targets"].append(targets)
    return rows


def write_table(rows, relative_to, title):
    headings = "problem", "update, ms", f"of {relative_to}'s", "fastest, ms", "targets/s", "waits for data"
    table = []
    whole = {name: np.add(row["waited"], row["updated"]) for name, row in rows.items()}
    for name, row in rows.items():
        seconds = whole[name]
        cells = (
            name,
            f"{1000 * seconds.mean():.1f}",
            f"{seconds.mean() / whole[relative_to].mean():.2f}",
            f"{1000 * seconds.min():.1f}",
            f"{np.sum(row['targets']) / seconds.sum():,.0f}",
            f"{100 * np.sum(row['waited']) / seconds.sum():.1f}%",
        )
        table.append(cells)
    tables.show(title, headings, table)


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
