"""How fast data is prepared and read: the pipeline of each problem, a corpus of text at two sizes, JPEGs.

    python benchmarks/data.py                                    # all parts, about five minutes
    python benchmarks/data.py --parts=pipeline --step            # a problem's data against its updates
    python benchmarks/data.py --parts=corpus --pairs=100000      # datagen, then reading: 1x and 10x as large
    python benchmarks/data.py --parts=images                     # against the bare decoding of the same crops

What is compared takes turns within one run, so that whatever else the machine does slows all of it; read the
ratios. Goals stand beside the figures.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from t2tlite import cli, quiet, tables
from t2tlite.errors import UserError

PARTS = ("pipeline", "corpus", "images")
COMMAND = cli.Command(
    "data",
    "Prints how fast data is prepared and read, as ratios of things that are timed in one run, with goals "
    "beside them.",
    examples=[
        ("all parts", "python benchmarks/data.py"),
        ("each problem's data against its updates", "python benchmarks/data.py --parts=pipeline --step"),
    ],
)
COMMAND.group("Flags")
COMMAND.string("parts", ",".join(PARTS), f"which to run, separated by commas: {', '.join(PARTS)}")
COMMAND.string(
    "data_dir", "", "folder of prepared sample data; default: one that is removed", may_be_empty=True
)
COMMAND.string("problems", "all", "of the part pipeline: names separated by commas, or all")
COMMAND.boolean("step", False, "in the part pipeline: compare with the time of an update")
COMMAND.integer("steps", 10, "with --step: updates of each problem that are measured", at_least=1)
COMMAND.string("hparams_set", "multimodel_tiny", "a registered set of hyperparameters")
COMMAND.string("hparams", "", "changes to it, as for t2t-train", may_be_empty=True)
COMMAND.integer(
    "pairs", 50_000, "of the part corpus: sentence pairs at 1x; 10x has ten times as many", at_least=1000
)
COMMAND.integer("turns", 5, "how often what is compared takes turns", at_least=1)
COMMAND.integer("cores", 2, "processor cores to use", at_least=1)

SECONDS = 0.6  # of one turn of a pipeline
WORDS_PER_SIDE = 25  # WMT's mean
TEXT_GOAL = 200_000  # tokens a second
PAIRS_GOAL = 50_000  # pairs a second and core
JPEG_GOAL = 1.3  # times the bare decoding


def benchmark(flags):
    parts = flags.parts.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise UserError(f"--parts={flags.parts} has {unknown[0]!r}; expected some of {','.join(PARTS)}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: flags.cores])
    quiet.start_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        if "pipeline" in parts:
            measure_problems(flags, pathlib.Path(folder))
        if "corpus" in parts:
            measure_corpus(flags, pathlib.Path(folder))
        if "images" in parts:
            measure_images(flags)


def measure_problems(flags, folder):
    from t2tlite import hparam, registry
    from t2tlite.training import launch
    from t2tlite.training.trainer import Intervals, Trainer

    problems = registry.problems(flags.problems)
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    data_dir = flags.data_dir or str(folder / "sample")
    launch.prepare(problems, data_dir, "sample", may_generate=True)
    run = launch.make_run(folder / "run", flags.problems, hparams, data_dir, "sample")
    trainer = Trainer(run, Intervals(train_steps=1))
    rates = read_in_turns({name: iter(data) for name, data in trainer.datasets.items()}, flags.turns)
    updates = time_updates(trainer, flags.steps) if flags.step else {}
    headings = ["problem", "examples/s", "text, tokens/s", f"goal {TEXT_GOAL:,}", "ms a batch"]
    headings += ["an update, ms", "batch of update"] if updates else []
    rows = []
    for name, rate in rates.items():
        of_text = rate.tokens / rate.seconds
        is_text = all(feature.kind == "text" for feature in run.problems[name].features().values())
        batch = rate.seconds / rate.batches
        row = [name, f"{rate.examples / rate.seconds:,.0f}", f"{of_text:,.0f}"]
        row += [f"{of_text / TEXT_GOAL:.1f} x" if is_text else "", f"{1000 * batch:.2f}"]
        if updates:
            row += [f"{1000 * updates[name]:.1f}", f"{100 * batch / updates[name]:.1f}%"]
        rows.append(row)
    tables.show(f"Batches of training, {flags.hparams_set}, on {flags.cores} cores", headings, rows)


def time_updates(trainer, steps):
    """Seconds of an update of each problem on a batch that is there; the problems take turns."""
    seconds = {name: [] for name in trainer.iterators}
    batches = {name: next(iterator) for name, iterator in trainer.iterators.items()}
    for turn in range(1 + steps):  # the first is compiled
        for name, batch in batches.items():
            start = time.perf_counter()
            [figures] = trainer._updates([(name, batch)], turn)
            float(figures["loss"])  # waits for the result
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.mean(times[1:])) for name, times in seconds.items()}


class Rate:
    """What was read, and in how long."""

    def __init__(self):
        self.examples = self.tokens = self.batches = 0
        self.seconds = 0.0

    def read(self, iterator, seconds):
        """Reads for so long; tokens are those of text, without padding."""
        start = time.perf_counter()
        while (now := time.perf_counter() - start) < seconds:
            batch = next(iterator)
            self.batches += 1
            self.examples += len(batch["targets"])
            texts = [value for value in batch.values() if value.dtype.is_integer and value.shape.rank == 2]
            self.tokens += sum(int(np.count_nonzero(value.numpy())) for value in texts)
        self.seconds += now


def read_in_turns(iterators, turns):
    """A `Rate` for each iterator; what was fetched ahead before its turn is not counted."""
    rates = {name: Rate() for name in iterators}
    for turn in range(1 + turns):
        for name, iterator in iterators.items():
            Rate().read(iterator, SECONDS / 3)
            if turn:
                rates[name].read(iterator, SECONDS)
    return rates


def measure_corpus(flags, folder):
    from t2tlite import hparam, registry
    from t2tlite.data.reading import pipeline, sources
    from t2tlite.data.reading.reader import ReadConfig
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.data.text import training_texts

    problem = registry.problems("wmt_ende")[0]
    sizes = {"1x": flags.pairs, "10x": 10 * flags.pairs}
    prepared = {}
    for name, pairs in sizes.items():
        write_corpus(folder / f"text-{name}", pairs)
        prepared[name] = run_datagen(folder / f"text-{name}", folder / f"data-{name}", flags.cores)
    splits = {name: PreparedSplit.open(problem, "train", folder / f"data-{name}") for name in sizes}
    vocabulary = training_texts.build([splits["1x"]], 8192)
    splits = {name: dataclasses.replace(split, vocabulary=vocabulary) for name, split in splits.items()}
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    paths = {
        name: "files" if sources.Source(split).records is None else "memory" for name, split in splits.items()
    }
    rates = read_in_turns(
        {
            name: iter(pipeline.dataset(split, hparams, ReadConfig(training=True)))
            for name, split in splits.items()
        },
        flags.turns,
    )
    show_datagen(sizes, prepared, flags.cores)
    headings = "corpus", "read from", "examples/s", "tokens/s", f"goal {TEXT_GOAL:,}"
    rows = []
    for name, rate in rates.items():
        tokens = rate.tokens / rate.seconds
        examples = f"{rate.examples / rate.seconds:,.0f}"
        rows.append((name, paths[name], examples, f"{tokens:,.0f}", f"{tokens / TEXT_GOAL:.1f} x"))
    tables.show(f"Reading it, {flags.hparams_set}, on {flags.cores} cores", headings, rows, words=2)


def show_datagen(sizes, prepared, cores):
    small, large = prepared["1x"], prepared["10x"]
    headings = "corpus", "pairs", "s", "s of cores", "peak memory, MiB", "of 1x's (goal: flat)"
    rows = []
    for name, (seconds, busy, peak) in prepared.items():
        row = [name, f"{sizes[name]:,}", f"{seconds:.1f}", f"{busy:.1f}", f"{peak / 2**20:,.0f}"]
        rows.append((*row, f"{peak / small[2]:.2f} x"))
    tables.show(f"Preparing text of {WORDS_PER_SIDE} words a side, {cores} processes", headings, rows)
    if large[1] > small[1]:
        # The difference leaves the start of the processes out, which is the same for both.
        rate = (sizes["10x"] - sizes["1x"]) / (large[1] - small[1])
        print(f"beyond the start {rate:,.0f} pairs a second and core (goal: {PAIRS_GOAL:,})")


class Sentences:
    """Draws sentences of words with Zipf's frequencies."""

    def __init__(self):
        self._rng = np.random.default_rng(0)
        letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
        lengths = (self._rng.integers(2, 11) for _ in range(30_000))
        self._words = np.array(["".join(self._rng.choice(letters, length)) for length in lengths])
        self._shares = np.cumsum(1 / np.arange(1, len(self._words) + 1))

    def draw(self, number):
        lengths = np.maximum(1, self._rng.gamma(8, WORDS_PER_SIDE / 8, number))
        ends = np.cumsum(lengths.astype(int))
        drawn = self._words[np.searchsorted(self._shares, self._rng.random(ends[-1]) * self._shares[-1])]
        return [" ".join(line) for line in np.split(drawn, ends[:-1])]


def write_corpus(folder, pairs):
    """Parallel files of sentences."""
    folder.mkdir(parents=True)
    sentences = Sentences()
    for split, number in (("train", pairs), ("dev", 500), ("test", 500)):
        with open(folder / f"{split}.en", "w") as english, open(folder / f"{split}.de", "w") as german:
            for first in range(0, number, 1000):
                for file in (english, german):
                    file.writelines(line + "\n" for line in sentences.draw(min(1000, number - first)))


def run_datagen(source_dir, data_dir, processes):
    """Of the command: seconds, seconds that cores were busy, and peak memory of its processes in bytes."""
    program = "from t2tlite.bin import t2t_datagen; raise SystemExit(t2t_datagen.main())"
    command = [sys.executable, "-P", "-c", program, "--problems=wmt_ende", "--source=files"]
    command += [f"--source_dir={source_dir}", f"--data_dir={data_dir}", f"--processes={processes}"]
    start, busy = time.perf_counter(), busy_seconds()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        peak = [0]
        watch = threading.Thread(target=watch_memory, args=(process, peak))
        watch.start()
        errors = process.communicate()[1]
        watch.join()
    if process.returncode:
        raise UserError(f"t2t-datagen failed: {errors.strip().splitlines()[-1]}")
    return time.perf_counter() - start, busy_seconds() - busy, peak[0]


def busy_seconds():
    """How long cores have worked for this process's children that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def watch_memory(process, peak):
    """Samples the resident memory of a process and all below it; pages that they share count for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    while process.poll() is None:
        parents, resident = {}, {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            number = int(stat.parent.name)
            parents[number], resident[number] = int(fields[1]), page * int(fields[21])
        family = {process.pid}
        while more := {child for child, parent in parents.items() if parent in family} - family:
            family |= more
        peak[0] = max(peak[0], sum(resident.get(number, 0) for number in family))
        time.sleep(0.05)


def measure_images(flags):
    import tensorflow as tf

    from t2tlite.data.media import images

    side, number = 224, 64
    encoded = tf.constant([photograph(i) for i in range(number)])
    seeds = tf.stack([tf.zeros([number], tf.int64), tf.range(number, dtype=tf.int64)], axis=1)
    windows = tf.stack([images._window([375, 500, 3], side, seed)[0] for seed in seeds])  # [number, 4]

    def bare(image, window):
        return tf.io.decode_and_crop_jpeg(image, window, channels=3)[0, 0, 0]

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = flags.cores
    options.threading.max_intra_op_parallelism = 1
    ours = tf.data.Dataset.from_tensor_slices((encoded, seeds)).repeat().batch(16)
    ours = ours.map(
        lambda image, seed: images.decode(image, side, seed, flip=True), num_parallel_calls=flags.cores
    )
    theirs = tf.data.Dataset.from_tensor_slices((encoded, windows)).repeat()
    theirs = theirs.map(bare, num_parallel_calls=flags.cores).batch(16)
    iterators = {
        "decode_and_crop_jpeg, the same crops": iter(theirs.with_options(options)),
        f"images.decode, to {side} x {side} and mirrored": iter(ours.with_options(options)),
    }
    seconds = {name: [] for name in iterators}
    for turn in range(1 + flags.turns):
        for name, iterator in iterators.items():
            start = time.perf_counter()
            for _ in range(2 * number // 16):
                next(iterator)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    means = {name: np.mean(times) / (2 * number) for name, times in seconds.items()}
    first = next(iter(means.values()))
    size = np.mean([len(image) for image in encoded.numpy()]) / 1000
    rows = [(name, f"{1 / mean:,.0f}", f"{mean / first:.2f} x") for name, mean in means.items()]
    headings = "by", "images/s", f"time (goal: {JPEG_GOAL} x)"
    tables.show(f"JPEGs of 500 x 375, {size:.0f} kB, random crops", headings, rows)


def photograph(number):
    """The bytes of a JPEG with shapes of all sizes and some grain."""
    import io

    import PIL.Image

    rng = np.random.default_rng(number)
    image = np.zeros((375, 500, 3), np.float32)
    for cells in (3, 8, 24, 72):
        small = rng.integers(0, 256, (cells, cells, 3), np.uint8)
        image += np.asarray(PIL.Image.fromarray(small).resize((500, 375), PIL.Image.Resampling.BICUBIC)) / 4
    image += rng.normal(0, 6, image.shape)
    buffer = io.BytesIO()
    PIL.Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
