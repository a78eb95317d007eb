"""What decoding costs: tokens a second greedily and by beam search, against recomputing, by length; starting.

    python benchmarks/decoding.py --sections=speed,recomputed,flat,many,start

Every figure stands beside its goal. The model has random weights, and outputs are forced to their length.
What is compared is measured in turns, and the least of several times counts; whatever else the machine does
counts all the same: read ratios before times.
"""

import concurrent.futures
import functools
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import types

from t2tlite import cli, quiet, tables
from t2tlite.errors import UserError

SECTIONS = ("speed", "recomputed", "flat", "many", "start")
COMMAND = cli.Command(
    "decoding",
    "Prints what decoding costs, for a model with random weights.",
    examples=[("all sections", "python benchmarks/decoding.py")],
)
COMMAND.group("Flags")
COMMAND.string("sections", ",".join(SECTIONS), "which to run, separated by commas")
COMMAND.string("hparams_set", "multimodel_tiny", "a registered set of hyperparameters")
COMMAND.string("hparams", "", "changes to it, as for t2t-train", may_be_empty=True)
COMMAND.integer("vocabulary", 2048, "subword units", at_least=8)
COMMAND.integer("inputs", 16, "subword units of each input", at_least=1)
COMMAND.string("batches", "1,8,32", "inputs decoded together, for speed")
COMMAND.string("lengths", "16,64,256", "positions of each output, for speed")
COMMAND.integer(
    "threads", 1, "among which an operation is shared, as by t2t-decode; 0: TensorFlow's default", at_least=0
)
COMMAND.choice("clock", "wall", ("wall", "cpu"), "cpu: where others use the machine")
COMMAND.integer("rounds", 5, "times that everything is measured, of which the least counts", at_least=1)
_BEAM = 4
_MANY = ((8, 1), (32, 1), (32, _BEAM))  # inputs in a batch, beam
_BATCHES = 8
_START = """
import sys, time
start = time.perf_counter()
from t2tlite.decoding.options import DecodeOptions
import t2tlite
predictor = t2tlite.load(sys.argv[1])
loaded = time.perf_counter() - start
for count in (1, 2):
    start = time.perf_counter()
    predictor.predict("wmt_ende", ["the red circle"])
    print(time.perf_counter() - start, loaded)
"""


def benchmark(flags):
    from t2tlite import hparam

    sections = flags.sections.split(",")
    if unknown := [name for name in sections if name not in SECTIONS]:
        raise UserError(f"--sections={unknown[0]} must be among {', '.join(SECTIONS)}")
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    quiet.start_tensorflow()
    if flags.threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
    model = Model(flags, hparams)
    for section in SECTIONS:
        if section in sections:
            globals()[f"_{section}"](flags, model)


class Model:
    """A model of one problem from text to text, and functions that decode with it."""

    def __init__(self, flags, hparams):
        import keras

        from t2tlite import problem, registry

        keras.utils.set_random_seed(0)
        any_problem = problem.Problem()
        any_problem.name = "any"
        self.vocabulary = types.SimpleNamespace(fingerprint="0" * 16, size=flags.vocabulary)
        self.model = registry.get("model", hparams.model).from_problems(
            [any_problem], hparams, self.vocabulary, {}
        )
        self.model.build(None)
        self.inputs = flags.inputs

    def features(self, batch):
        import numpy as np

        draw = np.random.default_rng(0)
        return {"inputs": draw.integers(2, self.vocabulary.size, (batch, self.inputs)).astype(np.int32)}

    def decoder(self, batch, length, beam_size=1, recompute=""):
        """A function without arguments that decodes a batch, all to this length.

        Args:
          recompute: "" with state; "decoder" runs mixer and decoder on the whole output at every position,
            "model" the encoder as well, as Tensor2Tensor did.
        """
        import numpy as np

        from t2tlite.decoding.options import DecodeOptions
        from t2tlite.decoding.search.decode import settings

        options = DecodeOptions(
            beam_size=beam_size, min_length=length, decode_length=length, return_beams=beam_size > 1
        )
        function = self._recomputing(length, recompute) if recompute else self._function(options, length)
        features, rows = self.features(batch), np.arange(batch, dtype=np.int32)
        decode_settings = settings(options)
        return lambda: function(features, rows, {}, decode_settings)[0].numpy()

    @functools.cache  # noqa: B019  as long as the program
    def _function(self, options, length):
        from t2tlite.decoding.search.decode import DecodeConfig, decode

        return self._compiled(
            functools.partial(decode, self.model, "any", DecodeConfig.from_options(options, length), None)
        )

    @functools.cache  # noqa: B019  as long as the program
    def _recomputing(self, length, what):
        """Greedily; the output grows, so that nothing is computed for positions to come."""
        import tensorflow as tf

        def body(features, rows, conditions, decode_settings):
            source, _ = self.model.encode(features, "any")
            memory = self.model.memory(source)
            start = self.model.start("any", tf.shape(rows)[0])

            def logits_behind(ids):
                if what == "model":
                    targets = tf.pad(ids, [[0, 0], [0, 1]], constant_values=2)
                    return self.model({**features, "targets": targets}, problem="any").logits[:, -1]
                embedded = self.model.embed(ids, "any")
                return self.model.decode(tf.concat([start, embedded], axis=1), memory, "any")[0][:, -1]

            def extend(ids):
                logits = logits_behind(ids)
                chosen = 2 + tf.argmax(logits[:, 2:], axis=-1, output_type=tf.int32)
                return (tf.concat([ids, chosen[:, None]], axis=1),)

            return tf.while_loop(
                lambda ids: tf.shape(ids)[1] < length,
                extend,
                (tf.zeros([tf.shape(rows)[0], 0], tf.int32),),
                shape_invariants=(tf.TensorShape([None, None]),),
            )

        return self._compiled(body)

    def _compiled(self, body):
        import tensorflow as tf

        from t2tlite.decoding.search.decode import SETTINGS

        features = {"inputs": tf.TensorSpec([None, None], tf.int32)}
        signature = [features, tf.TensorSpec([None], tf.int32), {}, SETTINGS]
        return tf.function(body, input_signature=signature, autograph=False)


def _least(functions, flags):
    """The least seconds of each function, measured in turns."""
    now = time.perf_counter if flags.clock == "wall" else time.process_time
    for function in functions:
        function()  # compiles
    least = [float("inf")] * len(functions)
    for _ in range(flags.rounds):
        for i, function in enumerate(functions):
            start = now()
            function()
            least[i] = min(least[i], now() - start)
    return least


def _speed(flags, model):
    rows = []
    for length in map(int, flags.lengths.split(",")):
        for batch in map(int, flags.batches.split(",")):
            pair = [model.decoder(batch, length, beam_size) for beam_size in (1, _BEAM)]
            greedy, beam = _least(pair, flags)
            cells = [f"{batch * length / seconds:,.0f}" for seconds in (greedy, beam)]
            step = f"{1000 * greedy / length:.2f}"
            rows.append((f"{batch}", f"{length}", *cells, step, f"{beam / greedy:.2f}", "at most 3"))
    headings = ("batch", "length", "greedy, tokens/s", f"beam {_BEAM}, tokens/s", "greedy, ms/position")
    tables.show("speed", (*headings, "beam costs, of greedy", "goal"), rows)


def _recomputed(flags, model):
    rows = []
    for length, goal in ((16, ""), (64, "at least 8")):
        times = _least([model.decoder(8, length, recompute=what) for what in ("", "model", "decoder")], flags)
        for name, seconds in zip(("the whole model", "mixer and decoder"), times[1:], strict=True):
            cells = [f"{8 * length / each:,.0f}" for each in (times[0], seconds)]
            rows.append((name, f"{length}", *cells, f"{seconds / times[0]:.1f}", goal))
            goal = ""
    headings = (
        "recomputed",
        "length",
        "with state, tokens/s",
        "recomputed, tokens/s",
        "times faster",
        "goal",
    )
    tables.show("greedily, batch 8, with state and without", headings, rows)


def _flat(flags, model):
    """Cost of a position at two lengths, and of what does not attend to the outputs so far."""
    from t2tlite import hparam

    without = Model(
        flags, hparam.get(flags.hparams_set, ",".join(filter(None, [flags.hparams, "attention=false"])))
    )
    rows = []
    for title, one, goal in (("whole", model, ""), ("without attention", without, "at most 1.3")):
        for beam_size in (1, _BEAM):
            pair = [one.decoder(8, length, beam_size) for length in (64, 256)]
            short, long = (
                seconds / length for seconds, length in zip(_least(pair, flags), (64, 256), strict=True)
            )
            cells = (f"{1000 * short:.2f}", f"{1000 * long:.2f}", f"{long / short:.2f}")
            rows.append((title, f"{beam_size}", *cells, goal))
    headings = ("model", "beam", "ms/position at 64", "ms/position at 256", "ratio", "goal")
    tables.show("cost of a position by length, batch 8", headings, rows)


def _many(flags, model):
    """Many batches: one after the other on all cores, and several at a time, each on one of them."""
    # Processes of their own: how many cores an operation has is settled once.
    start = multiprocessing.get_context("spawn")
    names = ("hparams_set", "hparams", "vocabulary", "inputs", "clock", "rounds")
    flags = types.SimpleNamespace(**{name: getattr(flags, name) for name in names})  # absl's can't be sent
    seconds = []
    for beside in (False, True):
        with concurrent.futures.ProcessPoolExecutor(1, start) as process:
            seconds.append(process.submit(_seconds_of_many, flags, beside).result())
    rows = []
    for (batch, beam_size), one, other in zip(_MANY, *seconds, strict=True):
        speeds = [f"{_BATCHES * batch / each:,.0f}" for each in (one, other)]
        rows.append((f"{batch}", f"{beam_size}", *speeds, f"{one / other:.2f}"))
    headings = ("batch", "beam", "after each other, inputs/s", "beside each other, inputs/s", "times faster")
    tables.show(f"{_BATCHES} batches, 32 positions each", headings, rows)


def _seconds_of_many(flags, beside):
    from t2tlite import hparam

    quiet.start_tensorflow()
    from t2tlite.decoding import cores

    if beside:
        cores.limit_operation_threads()
    model = Model(flags, hparam.get(flags.hparams_set, flags.hparams))
    function_of = {pair: model.decoder(pair[0], 32, pair[1]) for pair in _MANY}
    each = cores.map_batches if beside else lambda function, batches: [function(batch) for batch in batches]

    def works(pair):
        return lambda: each(lambda _: function_of[pair](), range(_BATCHES))

    return _least([works(pair) for pair in _MANY], flags)


def _start(flags, model):
    """From the command to the first output, of a small run that was hardly trained."""
    with tempfile.TemporaryDirectory() as folder:
        train = [
            "--problems=wmt_ende",
            "--source=sample",
            f"--data_dir={folder}/data",
            f"--output_dir={folder}/run",
            f"--hparams_set={flags.hparams_set}",
            "--train_steps=1",
            "--local_eval_frequency=0",
        ]
        _run("from t2tlite.bin import t2t_train; sys.exit(t2t_train.main(sys.argv[1:]))", *train)
        times = _run(_START, f"{folder}/run").split()
        first, loaded, second, _ = map(float, times)
        decode = "from t2tlite.bin import t2t_decode; sys.exit(t2t_decode.main(sys.argv[1:]))"
        with open(f"{folder}/in", "w", encoding="utf-8") as file:
            file.write("the red circle\n")
        start = time.perf_counter()
        _run(
            decode,
            f"--output_dir={folder}/run",
            f"--decode_from_file={folder}/in",
            f"--decode_to_file={folder}/out",
        )
        whole = time.perf_counter() - start
    rows = [
        ("imports, run and weights", f"{loaded:.2f}", ""),
        ("first sentence, with compiling", f"{first:.2f}", ""),
        ("a sentence after that", f"{second:.3f}", "well under 1"),
        ("t2t-decode of one line, from command to end", f"{whole:.2f}", ""),
    ]
    tables.show("starting", ("what", "s", "goal"), rows)


def _run(program, *argv):
    completed = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; {program}" if "\n" not in program else program, *argv],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    if completed.returncode:
        raise UserError(f"{argv} failed: {completed.stderr[-300:]}")
    return completed.stdout


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
