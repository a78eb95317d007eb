"""What serving costs: requests a second and waiting times of one client and of many, and the memory.

    python benchmarks/serving.py --output_dir=runs/all --clients=32 --seconds=60

It starts t2t-serve on a port of this machine, and sends it examples of the sample world's test split. A goal
of the many: all are answered or refused clearly, and the memory doesn't grow. Whatever else the machine does
counts: read ratios before times.
"""

import asyncio
import base64
import dataclasses
import io
import itertools
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

from t2tlite import cli
from t2tlite.decoding.problem_names import check_problem
from t2tlite.errors import UserError
from t2tlite.run import read_description

COMMAND = cli.Command(
    "serving",
    "Puts load on a server of a training run.",
    examples=[("32 clients for a minute", "python benchmarks/serving.py --output_dir=runs/all")],
)
COMMAND.group("Flags")
COMMAND.string("output_dir", None, "folder of a run on problems of the sample world", required=True)
COMMAND.string("problems", None, "whose inputs are sent, separated by commas; default: all of the run")
COMMAND.integer("clients", 32, "at once, each waiting for its answer", at_least=1)
COMMAND.number("seconds", 60.0, "how long they go on; one client alone: a quarter of it", at_least=1)
COMMAND.integer("inputs", 40, "different inputs of each problem", at_least=1)
COMMAND.string("serve_flags", "", "further flags of t2t-serve, separated by spaces", may_be_empty=True)
_FINE = (200, 503, 504)  # an answer, or a clear refusal


@dataclasses.dataclass
class Load:
    """What clients met: seconds of each answer, and how often each other status."""

    clients: int
    answers: list[float] = dataclasses.field(default_factory=list)
    others: dict[str, int] = dataclasses.field(default_factory=dict)
    elapsed: float = 0.0

    def line(self) -> str:
        ordered = sorted(self.answers)
        p50 = statistics.median(ordered) if ordered else float("nan")
        p95 = ordered[int(0.95 * (len(ordered) - 1))] if ordered else float("nan")
        return (
            f"{self.clients:3} clients: {len(ordered):6} answers, {len(ordered) / self.elapsed:7.1f}/s, p50"
            f" {1000 * p50:6.0f} ms, p95 {1000 * p95:6.0f} ms, longest"
            f" {1000 * max(ordered, default=0):6.0f} ms; others: {self.others or 'none'}"
        )


def benchmark(flags):
    known = read_description(pathlib.Path(flags.output_dir))["problems"]
    problems = flags.problems.split(",") if flags.problems else known
    for name in problems:
        check_problem(name, known, flags.output_dir)
    bodies = [body for name in problems for body in _bodies(name, flags.inputs)]
    server = _Server(flags.output_dir, flags.serve_flags.split())
    try:
        asyncio.run(_measure(server, bodies, flags))
    finally:
        server.end()


async def _measure(server, bodies, flags):
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.address, connector=connector) as session:
        await _ready(server, session)
        print(f"ready after {time.monotonic() - server.began:.1f} s; {len(bodies)} different requests")
        await _load(session, bodies, flags.clients, min(10.0, flags.seconds / 4))  # compiles, fills caches
        one = await _load(session, bodies, 1, flags.seconds / 4)
        print(one.line())
        figures = await _figures(session)
        watching = asyncio.create_task(_memories(server, flags.seconds))
        many = await _load(session, bodies, flags.clients, flags.seconds)
        print(many.line())
        later, memories = await _figures(session), await watching
        calls = max(1, later["calls"] - figures["calls"])
        rate = (len(many.answers) / many.elapsed) / (len(one.answers) / one.elapsed)
        print(f"throughput of many to that of one: {rate:.2f}; inputs a call:"
              f" {(later['inputs'] - figures['inputs']) / calls:.1f}")  # fmt: skip
        shown = " ".join(f"{memory:.0f}" for memory in memories)
        print(f"memory of the server in MB, from the begin to the end of the many: {shown}")
        unclear = {status: n for status, n in many.others.items() if status not in map(str, _FINE)}
        print(f"neither answered nor refused clearly: {unclear or 'none'}")


async def _memories(server, seconds, times=6):
    """The server's memory so many times over the seconds, begin and end included."""
    memories = [server.memory()]
    for _ in range(times - 1):
        await asyncio.sleep(seconds / (times - 1))
        memories.append(server.memory())
    return memories


async def _load(session, bodies, clients, seconds) -> Load:
    load = Load(clients)
    start = time.monotonic()

    async def client(number):
        for path, body in itertools.islice(itertools.cycle(bodies), number * 7 % len(bodies), None):
            sent = time.monotonic()
            if sent - start > seconds:
                return
            try:
                async with session.post(path, json=body) as response:
                    answer = await response.json()
                    status = response.status
            except OSError as error:  # the connection was refused or broke
                status, answer = type(error).__name__, {}
            if status == 200 and not answer["predictions"][0]["error"]:
                load.answers.append(time.monotonic() - sent)
            else:
                load.others[str(status)] = load.others.get(str(status), 0) + 1
                await asyncio.sleep(0.2)

    await asyncio.gather(*(client(number) for number in range(clients)))
    load.elapsed = time.monotonic() - start
    return load


async def _ready(server, session):
    while True:
        if server.process.poll() is not None:
            raise UserError("t2t-serve has ended; what it said is above")
        async with session.get("/health") as response:
            if response.status == 200:
                return
        await asyncio.sleep(0.2)


async def _figures(session):
    async with session.get("/api/metrics") as response:
        return await response.json()


def _bodies(name, count):
    """Requests as (address, JSON), of inputs of the test split."""
    from t2tlite import registry

    problem = registry.get_problem(name)
    examples = itertools.islice(problem.examples("test", "sample"), count)
    side = "targets" if problem.swap else "inputs"
    values = [example[side] for example in examples]
    inputs = [_as_json(problem.inputs.kind, v[0] if isinstance(v, list) else v) for v in values]
    return [(f"/api/predict/{name}", {"inputs": [value]}) for value in inputs]


def _as_json(kind, value):
    if kind == "text":
        return value
    if kind == "audio":
        import soundfile

        file = io.BytesIO()
        soundfile.write(file, value, 16000, format="WAV")
        value = file.getvalue()
    return base64.b64encode(value).decode()


class _Server:
    """t2t-serve in a process of its own."""

    def __init__(self, output_dir, flags):
        self.began = time.monotonic()
        command = [
            sys.executable,
            "-P",
            "-m",
            "t2tlite.bin.t2t_serve",
            f"--output_dir={output_dir}",
            "--port=0",
        ]
        self.process = subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        match = re.search(r"http://\S+/", line)
        if not match:
            raise UserError(f"t2t-serve did not start: {line.strip()}")
        self.address = match[0]

    def memory(self) -> float:
        """Megabytes (10**6 bytes) that the process holds in memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024 / 1e6

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        messages = self.process.communicate(timeout=60)[1]
        print(f"ended {time.monotonic() - began:.1f} s after SIGTERM with status {self.process.returncode}")
        for line in messages.splitlines():
            if not line.startswith("t2t-serve: "):
                print(line, file=sys.stderr)


def main(argv=None) -> int:
    """Runs the benchmark and returns its exit status."""
    return COMMAND.main(benchmark, argv)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.exit(main())
