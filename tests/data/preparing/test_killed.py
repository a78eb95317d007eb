"""Generation killed at random moments, and taken up again: its files are those of one never killed."""

import hashlib
import pathlib
import subprocess
import sys

KILLS = 20
SCRIPT = """
import os, random, signal, sys, time
from t2tlite import problem
from t2tlite.data.preparing import generate, runs, shards

runs.RUN_BYTES, shards.SHARD_BYTES = 4000, 20000
folder, kills = sys.argv[1], int(sys.argv[2])

def lines(part):
    for number in range(part, part + 60):
        time.sleep(1e-4)
        yield {"inputs": f"the {number}th line", "targets": "x" * (number % 50 + 1)}

class Lines(problem.Problem):
    name = "lines"
    def examples(self, split, source):
        return problem.Pieces(lines, range(0, 900 if split == "train" else 120, 60))

def once():
    generate.generate([Lines()], folder, "sample", progress=False, processes=1)

start = time.monotonic()
generate.generate([Lines()], folder + "-never-killed", "sample", progress=False, processes=1)
took = time.monotonic() - start
draw = random.Random(0)
for _ in range(kills):
    child = os.fork()
    if not child:
        once()
        os._exit(0)
    time.sleep(draw.random() * took / kills * 2)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "ended")
once()
"""


def digests(folder: pathlib.Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_killed_again_and_again_it_ends_with_the_same_files(tmp_path):
    command = [sys.executable, "-P", "-c", SCRIPT, str(tmp_path / "data"), str(KILLS)]
    completed = subprocess.run(command, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.split().count("killed") > KILLS // 2
    checksums = digests(tmp_path / "data")
    assert checksums == digests(tmp_path / "data-never-killed")
    assert sum(name.endswith(".tfrecord") for name in checksums) > 5
