"""Plants single faults in a copy of the package and reports which of them the nearest tests catch.

    python -P tests/mutation/plant.py [--only SUBSTRING] [--faults FILE ...] [--jobs N]

Each table in `faults/` lists source files, the tests nearest to them, and faults: a kind, an old text that
occurs once in the file, and a new text. A fault is caught if its tests, which pass without it, fail with it.
Results are kept in `.mutation/results.jsonl` as they come, so a run that was stopped goes on; a fault is
tried again once its source file or one of its tests has changed.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import multiprocessing
import os
import pathlib
import queue
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLES = pathlib.Path(__file__).with_name("faults")
RESULTS = ROOT / ".mutation" / "results.jsonl"
OUTER = (
    "problems",
    "modalities",
    "hparams",
    "experiments",
    "bin",
)  # imported as t2tlite.problems and so on, as setup.py has it
REQUIRED = 0.95  # the share of faults that must be caught
_COPIED = ("t2tlite", "tests", "examples", "docs", "benchmarks", *OUTER)
_FORK = multiprocessing.get_context("forkserver")
_PRELOADED = ("tensorflow", "tensorflow_text", "keras", "pytest")  # most of the time that a short test takes
_PATIENCE = 5  # times as long as the tests take without a fault, and then a minute; for faults that never end


@dataclasses.dataclass(frozen=True)
class Fault:
    """A single change of the source.

    Attributes:
      file: path of the source file, relative to the repository.
      kind: what is wrong, in a word: bound, sign, order, ...
      old, new: the text that is replaced, which occurs once in the file, and what replaces it.
      tests: arguments for pytest: the nearest tests.
    """

    file: str
    kind: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self):
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.file} [{self.kind}] {old!r} -> {new!r}"

    def planted(self, source: str) -> str:
        """The source with the fault.

        Raises:
          ValueError: the old text does not occur exactly once, or the new one is the same.
        """
        if source.count(self.old) != 1:
            raise ValueError(f"{self}: the old text occurs {source.count(self.old)} times")
        if self.old == self.new:
            raise ValueError(f"{self}: old and new text are the same")
        return source.replace(self.old, self.new)

    def key(self) -> str:
        """Changes with the fault, with its source file and with its tests."""
        digest = hashlib.sha256(repr(dataclasses.astuple(self)).encode())
        for path in (ROOT / self.file, *test_files(self.tests)):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


def read_table(path: pathlib.Path) -> list[Fault]:
    """The faults of a table."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Fault(group["file"], kind, old, new, tuple(group["tests"]))
        for group in content["nearest"]
        for kind, old, new in group["faults"]
    ]


def test_files(tests: Sequence[str]) -> list[pathlib.Path]:
    """The files, and those of folders, among arguments for pytest."""
    paths = [ROOT / test.partition("::")[0] for test in tests if test.startswith("tests/")]
    return [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def copy_repository(folder: pathlib.Path) -> None:
    """A copy that can be imported as `t2tlite` by way of PYTHONPATH."""
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "setup.py", ROOT / "Makefile"):
        shutil.copy2(path, folder)
    for name in OUTER:
        (folder / "t2tlite" / name).symlink_to(folder / name, target_is_directory=True)


def run_tests(folder: pathlib.Path, tests: Sequence[str], limit: float | None = None) -> bool:
    """Whether tests pass in a copy. Those that are not over within `limit` seconds don't."""
    process = _FORK.Process(target=_run_pytest, args=(folder, list(tests)))
    process.start()
    process.join(limit)
    if process.is_alive():
        os.killpg(process.pid, signal.SIGKILL)  # with whatever it has started
        process.join()
    return process.exitcode == 0


def _run_pytest(folder, tests):
    """Runs in a process of its own and ends it."""
    os.setsid()
    os.chdir(folder)
    # Without byte code, which Python would take for that of another text of the same size and second.
    os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    import pytest

    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))


class Planter:
    """Tries faults, each in a copy of the repository that no other uses at the time.

    Args:
      jobs: how many copies.
      folder: for them.
    """

    def __init__(self, jobs: int, folder: pathlib.Path):
        self._copies: queue.Queue[pathlib.Path] = queue.Queue()
        self._seconds: dict[tuple[str, ...], float] = {}
        for number in range(jobs):
            copy_repository(folder / str(number))
            self._copies.put(folder / str(number))

    def catches(self, fault: Fault) -> bool:
        """Whether the nearest tests catch a fault.

        Raises:
          ValueError: they fail without it.
        """
        folder = self._copies.get()
        path = folder / fault.file
        source = path.read_text(encoding="utf-8")
        try:
            if fault.tests not in self._seconds:
                self._seconds[fault.tests] = _seconds(folder, fault.tests)
            path.write_text(fault.planted(source), encoding="utf-8")
            return not run_tests(folder, fault.tests, _PATIENCE * self._seconds[fault.tests] + 60)
        finally:
            path.write_text(source, encoding="utf-8")
            self._copies.put(folder)


def _seconds(folder, tests) -> float:
    start = time.monotonic()
    if not run_tests(folder, tests):
        raise ValueError(f"these tests fail without a fault: pytest {' '.join(tests)}")
    return time.monotonic() - start


def read_results(path: pathlib.Path) -> dict[str, bool]:
    """Whether a fault was caught, by its key; the line that a killed process was writing is left out."""
    results = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        results[one["key"]] = one["caught"]
    return results


def try_all(faults: Sequence[Fault], jobs: int, note: Callable[[Fault, bool], None]) -> None:
    """Tries faults, and notes of each whether it is caught.

    Raises:
      ValueError: tests fail without any fault.
    """
    with tempfile.TemporaryDirectory(prefix="t2tlite-mutation-") as folder:
        planter = Planter(jobs, pathlib.Path(folder))
        pool = concurrent.futures.ThreadPoolExecutor(jobs)
        try:
            tasks = {pool.submit(planter.catches, fault): fault for fault in faults}
            start = time.monotonic()
            for number, task in enumerate(concurrent.futures.as_completed(tasks), start=1):
                fault, caught = tasks[task], task.result()
                note(fault, caught)
                minutes = (time.monotonic() - start) / number * (len(faults) - number) / 60
                word = "caught  " if caught else "SURVIVED"
                print(f"{number}/{len(faults)}  {minutes:.0f} min left  {word}  {fault}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)


def summary(caught: Mapping[Fault, bool]) -> tuple[str, float]:
    """The survivors, how many faults of each source folder were caught, and the share of all."""
    folders: dict[str, list[bool]] = {}
    for fault, is_caught in caught.items():
        folders.setdefault(str(pathlib.Path(fault.file).parent), []).append(is_caught)
    share = sum(caught.values()) / len(caught)
    lines = [f"survived: {fault}" for fault, is_caught in caught.items() if not is_caught]
    lines += [
        f"{sum(outcomes):4} of {len(outcomes):3}  {folder}" for folder, outcomes in sorted(folders.items())
    ]
    return "\n".join([*lines, f"{sum(caught.values()):4} of {len(caught):3}  caught: {share:.1%}"]), share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", nargs="+", type=pathlib.Path, default=sorted(TABLES.glob("*.toml")))
    parser.add_argument("--only", default="", help="faults whose file, kind or texts contain this")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried at a time")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, help="where results are kept")
    arguments = parser.parse_args()
    faults = [
        fault for table in arguments.faults for fault in read_table(table) if arguments.only in str(fault)
    ]
    if not faults:
        parser.error("there are no such faults")
    keys = {fault: fault.key() for fault in faults}
    results = read_results(arguments.results)
    left = [fault for fault in faults if keys[fault] not in results]
    print(f"{len(faults)} faults, {len(faults) - len(left)} of them tried before", flush=True)
    _FORK.set_forkserver_preload(_PRELOADED)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    with open(arguments.results, "a", encoding="utf-8") as file:

        def note(fault, caught):
            results[keys[fault]] = caught
            line = {"key": keys[fault], "caught": caught, "fault": str(fault)}
            print(json.dumps(line), file=file, flush=True)

        try:
            if left:
                try_all(left, arguments.jobs, note)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
    report, share = summary({fault: results[keys[fault]] for fault in faults})
    print(report)
    return 0 if share >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
