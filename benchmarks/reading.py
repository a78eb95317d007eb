"""What one of several workers spends on reading: texts too many for memory, pictures, and sounds.

    python benchmarks/reading.py --pairs=50000

Each figure is CPU time of all threads of one process, worker 0, for a global batch of the same size; the
numbers of workers take turns within one run. Where workers read only their own rows, it falls in proportion.
"""

import pathlib
import tempfile
import time

import data
import numpy as np

from t2tlite import cli, problem, quiet, tables

COMMAND = cli.Command(
    "reading",
    "Prints the CPU time that one of several workers spends on reading a global batch, by kind of data.",
    examples=[("all of it", "python benchmarks/reading.py")],
)
COMMAND.group("Flags")
COMMAND.string("kinds", "text,pictures,sounds", "which data, separated by commas")
COMMAND.string("workers", "1,2,4", "numbers of workers, separated by commas")
COMMAND.integer("pairs", 50_000, "sentence pairs of the text", at_least=1000)
COMMAND.integer("batches", 40, "that are read in a turn", at_least=1)
COMMAND.integer("turns", 4, "how often the numbers of workers take turns", at_least=1)
COMMAND.string("hparams_set", "multimodel_base", "a registered set of hyperparameters")
COMMAND.string("hparams", "batch_images=32,image_size=224", "changes to it, as for t2t-train")

_PICTURES, _SOUNDS = 512, 400  # examples


class Texts(problem.Problem):
    """Sentence pairs."""

    name = "benchmark_texts"

    def __init__(self, number):
        self.number = number

    def examples(self, split, source, source_dir=None):
        sentences, number = data.Sentences(), self.number if split == "train" else 10
        pairs = zip(sentences.draw(number), sentences.draw(number), strict=True)
        return [{"inputs": english, "targets": german} for english, german in pairs]


class Pictures(problem.Problem):
    """JPEGs with captions."""

    name, inputs = "benchmark_pictures", problem.Image()

    def examples(self, split, source, source_dir=None):
        files = [data.photograph(i) for i in range(16)]
        for i in range(_PICTURES if split == "train" else 4):
            yield {"inputs": files[i % 16], "targets": f"{i} a dog sees the old tree"}


class Sounds(problem.Problem):
    """Sounds of two to six seconds with what is said."""

    name, inputs = "benchmark_sounds", problem.Audio()

    def examples(self, split, source, source_dir=None):
        rng = np.random.default_rng(0)
        for i in range(_SOUNDS if split == "train" else 4):
            samples = rng.uniform(-0.3, 0.3, int(16000 * rng.uniform(2, 6)))
            yield {"inputs": samples.astype(np.float32), "targets": f"{i} a dog sees the old tree"}


def benchmark(flags):
    quiet.start_tensorflow()
    from t2tlite.data.reading import sources

    sources.MEMORY_BYTES = 0  # all kinds are read from files, as large corpora are
    numbers = [int(number) for number in flags.workers.split(",")]
    kinds = {"text": Texts(flags.pairs), "pictures": Pictures(), "sounds": Sounds()}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in flags.kinds.split(","):
            milliseconds = measure(flags, kinds[kind], pathlib.Path(folder), numbers)
            alone = milliseconds[numbers[0]]
            for number, each in milliseconds.items():
                rows.append((kind, f"{number}", f"{each:.2f}", f"{each / alone:.2f}", f"{1 / number:.2f}"))
    headings = "data", "workers", "CPU ms a batch of worker 0", "of one's", "if all were shared"
    tables.show("Reading a global batch", headings, rows)


def measure(flags, one, folder, numbers):
    """CPU milliseconds of a batch, by the number of workers."""
    from t2tlite import hparam
    from t2tlite.data.preparing import generate
    from t2tlite.data.reading import pipeline
    from t2tlite.data.reading.reader import ReadConfig
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.data.text import training_texts

    generate.generate([one], folder, "sample", progress=False, processes=1)
    split = PreparedSplit.open(one, "train", folder)
    split = PreparedSplit.open(one, "train", folder, training_texts.build([split], 8192))
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    iterators = {}
    for number in numbers:
        start = time.process_time()
        config = ReadConfig(training=True, rows=(0, number))
        iterators[number] = iter(pipeline.dataset(split, hparams, config))
        next(iterators[number])
        print(f"{one.name}, {number} workers: first batch after {time.process_time() - start:.1f} s of CPU")
    seconds = {number: [] for number in numbers}
    for turn in range(1 + flags.turns):
        for number, iterator in iterators.items():
            start = time.process_time()
            for _ in range(flags.batches):
                next(iterator)
            if turn:
                seconds[number].append(time.process_time() - start)
    return {number: 1000 * float(np.mean(took)) / flags.batches for number, took in seconds.items()}


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
