"""What a GPU does with the models: products, updates by precision, XLA, experts and batch, decoding.

    python benchmarks/gpu.py --minutes=6

Prints a line for everything it measures, as soon as it is measured, and a table of goals at the end. Batches
are drawn, and on the device before the clock starts. MFU is what the model needs by `flops.py`, as a share of
the device's own matrix product in bfloat16, which is measured first. On a machine without a GPU, `--small`
runs all of it at small sizes.
"""

import functools
import json
import os
import subprocess
import sys
import threading
import time
import types

import drawn
import flops
from drawn import Update

from t2tlite import cli, quiet, tables

SECTIONS = ("device", "convolution", "transformer", "experts", "base", "pictures", "decoding")
COMMAND = cli.Command(
    "gpu",
    "Prints what a GPU does with the models: matrix products, updates, memory, decoding.",
    examples=[("everything, in six minutes", "python benchmarks/gpu.py --minutes=6")],
)
COMMAND.group("Flags")
COMMAND.string("sections", ",".join(SECTIONS), "which to run, separated by commas")
COMMAND.number("minutes", 6.0, "after which what is not compiled is given up", at_least=0.1)
COMMAND.integer("processes", 4, "that compile side by side", at_least=1)
COMMAND.boolean("small", False, "small sizes, for a machine without a GPU")
COMMAND.string("output", "", "a file for all figures, a JSON object a line", may_be_empty=True)
COMMAND.string(
    "child", "", "used by the benchmark itself: the section to run in this process", may_be_empty=True
)
_BEAM = 4
_UPDATES = 10  # after which the loss is told: the same in a second run, if all is deterministic


def updates(small: bool) -> dict[str, list[Update]]:
    """What is measured, by section, the most important first."""
    rows, tokens = (4, 16) if small else (256, 64)
    base, transformer = (
        ("multimodel_tiny", "transformer_tiny") if small else ("multimodel_base", "transformer_base")
    )

    def one(name, hparams_set=base, changes="", rows=rows, length=tokens, **how):
        return Update(name, hparams_set, changes, rows, length, **how)

    modes = [(precision, jit) for precision in ("mixed_bfloat16", "float32") for jit in (True, False)]
    numbers = (4, 8) if small else (60, 240, 8)
    sizes = (2, 8) if small else (32, 128, 512, 1024)
    pictures = (4,) if small else (64, 256)
    return {
        "transformer": [
            *(one("transformer", transformer, precision=precision, jit=jit) for precision, jit in modes),
            one("transformer", transformer, rows=2 * rows),
        ],
        "experts": [
            one("dense", changes="moe=dense"),
            *(one(f"{n} experts", changes=f"moe_num_experts={n}") for n in numbers),
            one(f"{numbers[0]} experts", changes=f"moe_num_experts={numbers[0]}", jit=False),
            one("dense", changes="moe=dense", jit=False),
        ],
        "base": [one("base", rows=size) for size in sizes] + [one("base", rows=sizes[1], jit=False)],
        "pictures": [
            one("pictures", rows=size, length=0, jit=jit) for size in pictures for jit in (False, True)
        ],
    }


def benchmark(flags):
    if flags.child:
        return _run_child(*flags.child.split(":"), flags)
    end, rows = time.monotonic() + 60 * flags.minutes, []
    for section in flags.sections.split(","):
        numbers = range(len(updates(flags.small).get(section, [None])))
        children = [_Child(section, number, flags) for number in numbers]
        for first in range(0, len(children), flags.processes):
            rows += _together(children[first : first + flags.processes], end)
    if flags.output:
        with open(flags.output, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    _show(rows)


class _Child:
    """A process that compiles, says so, and measures when it is told to: what fails in one harms no other."""

    def __init__(self, section, number, flags):
        self.section = section
        self._command = [sys.executable, __file__, f"--child={section}:{number}"]
        self._command += ["--small"] if flags.small else []
        self._flags = updates(flags.small)[section][number].xla_flags if section in updates(True) else ""

    def start(self):
        xla_flags = f"{os.environ.get('XLA_FLAGS', '')} {self._flags}".strip()
        environment = {"XLA_FLAGS": xla_flags} if self._flags else {}
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_FORCE_GPU_ALLOW_GROWTH": "true", **environment},
        )

    def wait(self, seconds):
        """Whether it has compiled within so many seconds; otherwise it is ended."""
        timer = threading.Timer(max(seconds, 0.1), self.process.kill)
        timer.start()
        self.ready = self.process.stdout.readline().startswith("ready")
        timer.cancel()
        return self.ready

    def measure(self):
        """Its rows."""
        self.process.stdin.write("go\n")
        self.process.stdin.close()
        return [json.loads(line) for line in self.process.stdout if line.startswith("{")]


def _together(children, end):
    """The rows of several children, which compile side by side and then measure one after the other."""
    start = time.monotonic()
    for child in children:
        child.start()
    rows = []
    for child in children:
        child.wait(end - time.monotonic())
    print(f"{children[0].section}: compiled after {time.monotonic() - start:.0f} s", flush=True)
    for child in children:
        if not child.ready:
            print(f"{child.section}: {' '.join(child._command[2:])} was not ready in time", flush=True)
            continue
        for row in child.measure():
            rows.append({"section": child.section, **row})
            print(_line(rows[-1]), flush=True)
    for child in children:
        child.process.wait()
    return rows


def _run_child(section, number, flags):
    quiet.start_tensorflow()
    if section in ("device", "convolution", "decoding"):
        _wait_for_turn()
        return {"device": _device, "convolution": _convolution, "decoding": _decoding}[section](flags.small)
    update = updates(flags.small)[section][int(number)]
    try:
        _measure(update)
    except Exception as error:  # what fails with one update is a figure as well
        _wait_for_turn()
        _row(name=update.name, **_settings(update), error=f"{type(error).__name__}: {str(error)[:200]}")


def _wait_for_turn():
    print("ready", flush=True)
    sys.stdin.readline()


def _row(**figures):
    print(json.dumps(figures), flush=True)


def _seconds(call, least=1.0):
    """Mean seconds of a call whose result is read at the end, and of the first, which compiles."""
    start = time.perf_counter()
    _wait(call())
    first = time.perf_counter() - start
    start = time.perf_counter()
    _wait(call())
    times = max(3, min(100, round(least / max(time.perf_counter() - start, 1e-4))))
    start = time.perf_counter()
    for _ in range(times):
        result = call()
    _wait(result)
    return (time.perf_counter() - start) / times, first


def _wait(result):
    import tensorflow as tf

    for each in tf.nest.flatten(result):
        each.numpy()


def _device(small):
    """The matrix products and the bandwidth that all else is compared with."""
    import tensorflow as tf

    size = 512 if small else 8192
    for dtype, tensor_float in (("bfloat16", True), ("float32", True), ("float32", False)):
        tf.config.experimental.enable_tensor_float_32_execution(tensor_float)
        x = tf.cast(tf.random.stateless_normal([size, size], [1, 2]), dtype)
        multiply = tf.function(lambda x: tf.matmul(x, x)[0, 0])
        seconds, _ = _seconds(functools.partial(multiply, x))
        name = dtype if dtype == "bfloat16" else ("TF32" if tensor_float else dtype)
        _row(name=f"product, {name}", milliseconds=1000 * seconds, tera=2 * size**3 / seconds / 1e12)
    tf.config.experimental.enable_tensor_float_32_execution(True)
    x = tf.Variable(tf.zeros([2**20 if small else 2**29]))
    add = tf.function(lambda: x.assign_add(tf.ones_like(x))[0], jit_compile=True)
    seconds, _ = _seconds(add)
    _row(name="bandwidth", milliseconds=1000 * seconds, gigabytes=8 * x.shape[0] / seconds / 1e9)


def _convolution(small):
    """The depthwise part of a convolution with its gradients: the native operation, and a sum of taps."""
    import tensorflow as tf

    rows, length, width = (2, 16, 32) if small else (256, 64, 512)
    for taps, dilation in ((3, 1), (15, 1), (15, 8)):
        x = tf.cast(tf.random.stateless_normal([rows, length, width], [1, 2]), tf.bfloat16)
        kernel = tf.cast(tf.random.stateless_normal([taps, width], [3, 4]), tf.bfloat16)
        for convolve, jit in ((_native, False), (_native, True), (_sum_of_taps, False), (_sum_of_taps, True)):

            def train(x, kernel, convolve=convolve, dilation=dilation):
                with tf.GradientTape() as tape:
                    tape.watch([x, kernel])
                    y = convolve(x, kernel, dilation)
                    loss = tf.reduce_sum(y * y)
                return [tf.reduce_sum(gradient) for gradient in tape.gradient(loss, [x, kernel])]

            compiled = tf.function(train, jit_compile=jit)
            how = {"precision": "bfloat16", "jit": jit}
            name = f"{taps} taps, dilation {dilation}, {convolve.__name__.strip('_')}"
            try:
                seconds, first = _seconds(functools.partial(compiled, x, kernel), 0.2)
                _row(name=name, **how, milliseconds=1000 * seconds, first=first)
            except Exception as error:
                _row(name=name, **how, error=f"{type(error).__name__}: {str(error)[:200]}")


def _padded(x, kernel, dilation):
    import tensorflow as tf

    return tf.pad(x, [[0, 0], [(kernel.shape[0] - 1) * dilation, 0], [0, 0]])


def _native(x, kernel, dilation):
    import tensorflow as tf

    window, filters = _padded(x, kernel, dilation)[:, None], kernel[None, :, :, None]
    y = tf.nn.depthwise_conv2d(window, filters, [1, 1, 1, 1], "VALID", dilations=[1, dilation])
    return y[:, 0]


def _sum_of_taps(x, kernel, dilation):
    window, length = _padded(x, kernel, dilation), x.shape[1]
    return sum(
        window[:, tap * dilation : tap * dilation + length] * kernel[tap] for tap in range(kernel.shape[0])
    )


def _measure(update):
    import tensorflow as tf

    made = drawn.make(update)
    start = time.perf_counter()
    loss = [float(made.train(tf.constant(i))["loss"]) for i in range(_UPDATES)][-1]
    first = time.perf_counter() - start
    _wait_for_turn()
    number = tf.constant(0)
    seconds, _ = _seconds(lambda: made.train(number)["loss"])
    read = time.perf_counter()
    for _ in range(5):
        _wait(made.train(number))  # as the trainer does, which looks at every loss
    read = (time.perf_counter() - read) / 5
    _row(
        name=update.name,
        **_settings(update),
        milliseconds=1000 * seconds,
        read_back=1000 * read,
        targets=made.targets / seconds,
        tera=flops.total(flops.training(made.forward)) / seconds / 1e12,
        gibibytes=_peak(),
        parameters=made.parameters / 1e6,
        first=first,
        loss=loss,
    )


def _settings(update):
    names = ("rows", "length", "precision", "jit", "xla_flags")
    return {name: getattr(update, name) for name in names}


def _peak():
    """GiB of device memory at the most since the last call; None without a GPU."""
    import gc

    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**30
    gc.collect()
    tf.config.experimental.reset_memory_stats("GPU:0")
    return peak


def _decoding(small):
    import decoding
    import keras

    from t2tlite import hparam

    batches = ((2, 1), (2, _BEAM)) if small else ((32, 1), (32, _BEAM), (128, 1), (1, 1))
    sets = ("transformer_tiny", "multimodel_tiny") if small else ("transformer_base", "multimodel_base")
    length = 8 if small else 64
    for hparams_set in sets:
        keras.config.set_dtype_policy("mixed_bfloat16")
        flags = types.SimpleNamespace(vocabulary=2048 if small else 8192, inputs=length)
        model = decoding.Model(flags, hparam.get(hparams_set, "precision=mixed_bfloat16"))
        for batch, beam_size in batches:
            try:
                seconds, first = _decoded(model.decoder(batch, length, beam_size))
            except Exception as error:
                _row(name=hparams_set, error=f"{type(error).__name__}: {str(error)[:200]}")
                continue
            _row(
                name=hparams_set,
                rows=batch,
                beam=beam_size,
                length=length,
                milliseconds=1000 * seconds / length,
                targets=batch * length / seconds,
                gibibytes=_peak(),
                first=first,
            )


def _decoded(decode):
    """The least seconds of a decoding, and those of the first, which compiles."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        decode()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]), seconds[0]


_FIGURES = {
    "milliseconds": "{:.2f} ms",
    "read_back": "{:.2f} ms with its result read",
    "targets": "{:,.0f} targets/s",
    "tera": "{:.1f} TFLOP/s",
    "gigabytes": "{:,.0f} GB/s",
    "gibibytes": "{:.1f} GiB",
    "parameters": "{:.0f} M parameters",
    "first": "first after {:.0f} s",
    "loss": f"loss {{!r}} after {_UPDATES} updates",
}


def _line(row):
    how = [f"{row['rows']} rows"] if "rows" in row else []
    how += [f"beam {row['beam']}"] if "beam" in row else []
    how += [row["precision"], "XLA" if row["jit"] else "no XLA"] if "jit" in row else []
    how += [row["xla_flags"]] if row.get("xla_flags") else []
    figures = [form.format(row[name]) for name, form in _FIGURES.items() if row.get(name) is not None]
    return f"{row['section']}: {', '.join([row['name'], *how])}: {row.get('error') or ', '.join(figures)}"


def _show(rows):
    peak = next((row["tera"] for row in rows if row["name"] == "product, bfloat16"), None)

    def find(name, **how):
        for row in rows:
            same = all(row.get(key) == value for key, value in how.items())
            if row["name"].startswith(name) and same and "error" not in row:
                return row
        return None

    def ratio(title, above, below, figure, goal):
        known = above and below
        value = f"{above[figure] / below[figure]:.2f}" if known else "not measured"
        return title, value, goal

    def share(title, row, goal):
        return title, f"{100 * row['tera'] / peak:.1f}%" if row and peak else "not measured", goal

    bfloat, single = {"precision": "mixed_bfloat16"}, {"precision": "float32"}
    transformer = [find("transformer", section="transformer", **bfloat, jit=jit) for jit in (True, False)]
    in_single = find("transformer", section="transformer", **single, jit=True)
    mixtures = [row for row in rows if row["section"] == "experts" and "error" not in row and row["jit"]]
    dense = next((row for row in mixtures if row["name"] == "dense"), None)
    table = [
        share("MFU of the Transformer", transformer[0], "at least 35%"),
        share("MFU of the Transformer, without XLA", transformer[1], ""),
        ratio("bfloat16 against TF32", transformer[0], in_single, "targets", "at least 1.7"),
        ratio("XLA against none", *transformer, "targets", "at least 2"),
    ]
    table += [
        ratio(f"time of {row['name']} against a dense layer", row, dense, "milliseconds", "60: 1.3, 240: 1.6")
        for row in mixtures
        if row is not dense
    ]
    largest = max(
        (r["tera"] for r in rows if r["section"] in ("base", "experts") and "tera" in r), default=None
    )
    table.append(share("MFU of multimodel_base, at its best", largest and {"tera": largest}, "at least 25%"))
    for name in ("transformer", "multimodel"):
        beam = find(name, section="decoding", beam=_BEAM)
        speed = f"{beam['targets']:,.0f} tokens/s" if beam else "not measured"
        table.append((f"beam 4, batch 32, {name}", speed, "at least 48,000 tokens/s"))
    tables.show("goals on a GPU", ("what", "measured", "goal"), table)


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
