"""How far training and decoding are from what the machine can do: shares of its peak, ratios to a roofline.

    python benchmarks/limit.py --data_dir=/tmp/data
    python benchmarks/limit.py --bodies=512 --sections=bodies

The machine's matrix product and memory are measured first, and the product again beside every body, since
machines are noisy. The least time of a part is that of its operations at that peak or of its bytes at that
bandwidth, whichever is longer; `flops.py` and `drawn.py` say what is counted. A roofline is the sum over the
parts. MFU is the share of the peak that the operations which the model needs would take of the time measured.
"""

import functools
import math
import re
import time
import types

import drawn
import flops
from drawn import Update

from t2tlite import cli, quiet, tables
from t2tlite.errors import UserError

SECTIONS = ("bodies", "decoding", "sample")
COMMAND = cli.Command(
    "limit",
    "Prints what share of the machine's peak training and decoding reach, and the ratio to a roofline.",
    examples=[
        ("all that fits into ten minutes", "python benchmarks/limit.py --data_dir=/tmp/data"),
        ("of one width", "python benchmarks/limit.py --sections=bodies --bodies='512'"),
    ],
)
COMMAND.group("Flags")
COMMAND.string("sections", ",".join(SECTIONS), "which to run, separated by commas")
COMMAND.string("bodies", "", "only those whose name has this regular expression", may_be_empty=True)
COMMAND.string("precision", "float32", "float32, or mixed_bfloat16 for a GPU")
COMMAND.boolean("jit", False, "compile with XLA, as on a GPU")
COMMAND.number("minutes", 10.0, "after which no further body is begun", at_least=0.1)
COMMAND.string("data_dir", "data", "for sample: folder of the prepared data; what is missing is generated")
_OPTIMIZER = 8  # reads and writes of a weight, its two moments and its gradient: 7, and once for the norm
_WEIGHT = 3  # read forward, read backward, and its gradient written
_LENGTH = 64


def bodies(precision: str, jit: bool) -> list[Update]:
    """What is measured, the quick ones first."""

    def one(name, hparams_set, changes="", tokens=2048, **how):
        given = {"rows": tokens // _LENGTH, "precision": precision, "jit": jit, **how}
        return Update(name, hparams_set, changes, **given)

    def width(hidden, experts, tokens):
        changes = (
            f"hidden_size={hidden},filter_size={4 * hidden},moe_num_experts={experts},vocabulary_size=8192"
        )
        return one(
            f"width {hidden}, {experts} experts, {tokens:,} tokens", "multimodel_base", changes, tokens
        )

    widths = [width(h, n, t) for t in (2048, 16384) for h in (256, 512) for n in (8, 60, 240)]
    return [
        one("multimodel_tiny", "multimodel_tiny", tokens=512),
        one("multimodel_tiny, 5 s of sound", "multimodel_tiny", rows=6, length=16, seconds=5.0),
        one("multimodel_tiny, pictures of 64", "multimodel_tiny", rows=32, length=0),
        one("transformer_base", "transformer_base"),
        one("multimodel_base, pictures of 299", "multimodel_base", "moe_num_experts=8", rows=8, length=0),
        *widths,
    ]


def benchmark(flags):
    sections = flags.sections.split(",")
    if unknown := [name for name in sections if name not in SECTIONS]:
        raise UserError(f"--sections={unknown[0]} must be among {', '.join(SECTIONS)}")
    quiet.start_tensorflow()
    machine = Machine(flags.precision)
    print(f"matrix products: {machine.peak() / 1e9:,.0f} GFLOP/s in {flags.precision}")
    print(f"memory: {machine.bandwidth / 1e9:,.1f} GB/s", flush=True)
    for section in SECTIONS:
        if section in sections:
            globals()[f"_{section}"](flags, machine)


class Machine:
    """What the machine reaches in plain matrix products and in reading and writing memory.

    Attributes:
      width: bytes of a value between layers.
      bandwidth: bytes a second.
    """

    def __init__(self, precision):
        import tensorflow as tf

        self._gpu = bool(tf.config.list_physical_devices("GPU"))
        dtype = "float32" if precision == "float32" else precision.removeprefix("mixed_")
        self.width = tf.as_dtype(dtype).size
        size = 8192 if self._gpu else 2048
        x = tf.cast(tf.random.stateless_normal([size, size], [1, 2]), dtype)
        self._product = functools.partial(tf.function(lambda x: tf.matmul(x, x)[0, 0]), x)
        self._operations = 2 * size**3
        variable = tf.Variable(tf.zeros([2**29 if self._gpu else 2**26]))
        negate = tf.function(lambda: variable.assign(-variable)[0], jit_compile=self._gpu)
        self.bandwidth = 2 * 4 * variable.shape[0] / seconds(negate, 0.5)

    def peak(self) -> float:
        """Operations a second, now: the best of a few products."""
        self._product().numpy()
        return self._operations / min(_once(self._product) for _ in range(8))

    def least(self, work: flops.Work, peak: float) -> float:
        """Seconds that work takes at least."""
        return max(work.flops / peak, self.width * work.values / self.bandwidth)


def seconds(call, long: float = 1.0) -> float:
    """The median of the seconds of a call whose result is read, after one that is not counted."""
    call().numpy()
    first = _once(call)
    times = sorted([first, *(_once(call) for _ in range(max(2, min(20, round(long / first)))))])
    return times[len(times) // 2]


def _once(call):
    start = time.perf_counter()
    call().numpy()
    return time.perf_counter() - start


def _bodies(flags, machine):
    import tensorflow as tf

    end = time.monotonic() + 60 * flags.minutes
    rows, parts = [], []
    for update in bodies(flags.precision, flags.jit):
        if not re.search(flags.bodies, update.name):
            continue
        if time.monotonic() > end:
            print(f"not begun after {flags.minutes:g} minutes: {update.name}", flush=True)
            continue
        start = time.perf_counter()
        made = drawn.make(update)
        made.train(tf.constant(0))["loss"].numpy()
        first = time.perf_counter() - start
        measured = seconds(lambda made=made: made.train(tf.constant(1))["loss"], 3.0)
        peak = machine.peak()
        least = limits(made, machine, peak)
        roofline = sum(least.values())
        needed = flops.total(flops.training(made.forward))
        rows.append(
            (
                update.name,
                f"{made.parameters / 1e6:.1f}",
                f"{needed / 1e9:,.1f}",
                f"{1000 * measured:,.1f}",
                f"{100 * needed / peak / measured:.1f}%",
                f"{1000 * roofline:,.1f}",
                f"{measured / roofline:.2f}",
                f"{made.targets / measured:,.0f}",
                f"{first:.1f}",
            )
        )
        shares = ", ".join(f"{name} {100 * time / roofline:.0f}%" for name, time in least.items())
        parts.append((update.name, shares))
        print(
            f"{update.name}: {1000 * measured:,.1f} ms, {measured / roofline:.2f} x the roofline", flush=True
        )
        del made
    headings = (
        "update",
        "M parameters",
        "GFLOP",
        "ms",
        "MFU",
        "roofline, ms",
        "ratio",
        "targets/s",
        "first, s",
    )
    tables.show(f"training, {flags.precision}{', XLA' if flags.jit else ''}", headings, rows)
    tables.show("of which the roofline consists", ("update", "parts"), parts)


def limits(made: drawn.Made, machine: Machine, peak: float) -> dict[str, float]:
    """Least seconds of an update by part."""
    least = {name: machine.least(work, peak) for name, work in flops.training(made.forward).items()}
    least["weights"] = _WEIGHT * machine.width * made.at_work / machine.bandwidth
    least["optimizer"] = _OPTIMIZER * 4 * made.at_work / machine.bandwidth
    return least


def _decoding(flags, machine):
    import decoding
    import keras

    from t2tlite import hparam

    rows = []
    wide = f"precision={flags.precision},moe_num_experts=60,vocabulary_size=8192"
    sets = (("multimodel_tiny", f"precision={flags.precision}"), ("multimodel_base", wide))
    for hparams_set, changes in sets:
        hparams = hparam.get(hparams_set, changes)
        keras.config.set_dtype_policy(hparams.precision)
        given = types.SimpleNamespace(vocabulary=hparams.vocabulary_size, inputs=16)
        model = decoding.Model(given, hparams)
        _spread_choices(model.model)
        for batch in (1, 8, 32):
            decode = model.decoder(batch, _LENGTH)
            decode()
            measured = min(_clock(decode) for _ in range(3)) / _LENGTH
            peak = machine.peak()
            work = sum(flops.text_position(hparams, 16, _LENGTH // 2, batch).values(), flops.Work())
            weights = _weights(model.model, hparams, batch)
            floating, reading = work.flops / peak, machine.width * weights / machine.bandwidth
            rows.append(
                (
                    f"{hparams_set}, {hparams.moe_num_experts} experts",
                    f"{batch}",
                    f"{1000 * measured:.3f}",
                    f"{1000 * floating:.3f}",
                    f"{1000 * reading:.3f}",
                    f"{measured / (floating + reading):.1f}",
                    f"{batch / measured:,.0f}",
                )
            )
    headings = ("greedily", "batch", "ms a position", "floating, ms", "weights, ms", "ratio", "tokens/s")
    tables.show("decoding with state, goal: a ratio of at most 2 at batch 8", headings, rows)


def _clock(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _spread_choices(model):
    """Gates that send each position elsewhere, as trained ones do; fresh ones choose the same for all."""
    import tensorflow as tf

    for variable in model.trainable_variables:
        if variable.name == "gate":
            variable.assign(tf.random.stateless_normal(variable.shape, [0, 0]))


def _weights(model, hparams, batch):
    """Weights that a position of the output needs: those of what runs there, of experts the chosen.

    Rows that choose evenly choose so large a share of them: 1 - (1 - k / n) ** rows.
    """
    encoding = ("encoder", "command", "spectral", "image")
    chosen = 1 - (1 - hparams.moe_k / hparams.moe_num_experts) ** batch
    number = 0.0
    for variable in model.trainable_variables:
        if not variable.path.startswith(tuple(f"{model.name}/{part}" for part in encoding)):
            expert = len(variable.shape) == 3 and variable.shape[0] == hparams.moe_num_experts
            number += math.prod(variable.shape) * (chosen if expert else 1)
    return number


def _sample(flags, machine):
    """The joint run: shares of the peak by problem, on its own batches, and how long each waits for data."""
    import pathlib
    import tempfile

    import numpy as np
    import step

    from t2tlite import hparam, registry
    from t2tlite.training import launch
    from t2tlite.training.trainer import Intervals, Trainer

    hparams = hparam.get("multimodel_tiny", f"precision={flags.precision}")
    launch.prepare(registry.problems("all"), flags.data_dir, "sample", may_generate=True)
    with tempfile.TemporaryDirectory() as folder:
        run = launch.make_run(pathlib.Path(folder) / "run", "all", hparams, flags.data_dir, "sample")
        trainer = Trainer(run, Intervals(train_steps=1))
        works = {name: [] for name in trainer.iterators}
        trainer.iterators = {
            name: _noting(iterator, works[name], registry.get_problem(name), hparams)
            for name, iterator in trainer.iterators.items()
        }
        measured = step.measure(trainer, warm_up := 4, 20)
    peak, rows = machine.peak(), []
    for name, row in measured.items():
        needed = sum(works[name][warm_up:])
        updated, waited = np.sum(row["updated"]), np.sum(row["waited"])
        rows.append(
            (
                name,
                f"{needed / len(row['updated']) / 1e9:.2f}",
                f"{1000 * np.mean(row['updated']):.1f}",
                f"{100 * needed / peak / updated:.1f}%",
                f"{100 * waited / (waited + updated):.1f}%",
            )
        )
    headings = ("problem", "GFLOP", "update, ms", "MFU", "waits for data")
    tables.show("multimodel_tiny on the sample world, without padding", headings, rows)


def _noting(iterator, works, problem, hparams):
    """Yields the batches, and appends the operations of an update for each."""
    for batch in iterator:
        works.append(flops.total(flops.training(_forward(batch, problem, hparams))))
        yield batch


def _forward(batch, problem, hparams):
    """Work of a batch, by the mean lengths of its rows."""
    import numpy as np

    def mean_length(texts):
        return max(round(float(np.count_nonzero(texts)) / len(texts)), 1)

    inputs, targets = np.asarray(batch["inputs"]), np.asarray(batch["targets"])
    rows = len(targets)
    if "inputs_length" in batch:
        spoken = float(np.mean(batch["inputs_length"])) / 16000
        return flops.sound_to_text(hparams, spoken, mean_length(targets), rows)
    if inputs.ndim == 2:
        return flops.text_to_text(hparams, mean_length(inputs), mean_length(targets), rows)
    if targets.ndim == 2:
        return flops.image_to_text(hparams, mean_length(targets), rows)
    return flops.image_to_class(hparams, 32, rows)


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
