"""t2t-decode from a file to a file, killed and started again, with a model."""

import os
import random
import signal
import subprocess
import sys
import time
import types

import pytest

import t2tlite
from t2tlite import registry
from t2tlite.bin import t2t_decode
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.files.line_decoder import format_line
from t2tlite.decoding.options import DecodeOptions
from t2tlite.run import Run

from ..models import tiny

OPTIONS = "beam_size=1,decode_length=4,batch_size=2,temperature=1"
LINES = 200


@pytest.fixture
def folder(tmp_path):
    """The folder of a run with a checkpoint of a model that was never trained."""
    words = [f"{colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    problems = {problem.name: problem for problem in registry.problems("wmt_ende")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8,), num_encoder_layers=1, num_decoder_layers=1, moe="none")
    folder = tmp_path / "run"
    vocabulary = Vocabulary.train(words, 285)
    run = Run(folder, hparams, problems, {}, vocabulary, str(folder / "data"), "sample")
    run.save()
    nothing = types.SimpleNamespace(variables=[])
    checkpoint.save(folder / CHECKPOINTS, 1, tiny.randomise(run.make_model()), nothing, {}, {}, keep=1)
    return folder


def test_killed_and_gone_on(folder, tmp_path, monkeypatch, capfd):
    """With samples, which depend on the lines' numbers: the file of a process that was never killed."""
    generator = random.Random(0)
    words = ["red", "blue", "square", "ß", "👩", "\u2028", "\x01"]
    lines = [" ".join(generator.choices(words, k=generator.randrange(8))) for _ in range(LINES)]
    (tmp_path / "in").write_text("".join(f"{line}\n" for line in lines))
    code = "import sys; from t2tlite.bin import t2t_decode; sys.exit(t2t_decode.main())"
    flags = [f"--output_dir={folder}", "--decode_from_file=in", "--decode_to_file=out"]
    command = [sys.executable, "-P", "-c", code, *flags, f"--decode_hparams={OPTIONS}"]
    finished = kill_when(lambda: lines_of(tmp_path / "out.part") > 20, command, tmp_path)
    assert 20 < finished < LINES and not (tmp_path / "out").exists()
    other = subprocess.run([*command, "--write_scores"], cwd=tmp_path, capture_output=True, text=True)
    assert other.returncode == 2 and "(write_scores False, now True); give the same as then" in other.stderr
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    assert t2t_decode.main([*flags, f"--decode_hparams={OPTIONS}"]) == 0
    out, err = capfd.readouterr()
    assert f"going on with the {finished} outputs of " in err and out == ""
    predictions = t2tlite.load(folder).predict("wmt_ende", lines, options=DecodeOptions.parse(OPTIONS))
    assert (tmp_path / "out").read_text().split("\n") == [*map(format_line, predictions), ""]
    assert sorted(os.listdir(tmp_path)) == ["in", "out", "run"]


def kill_when(condition, command, folder) -> int:
    """Kills a process as soon as something is so; how many outputs are kept by then."""
    with open(folder.parent / f"{folder.name}.stderr", "w+") as stderr:
        process = subprocess.Popen(command, cwd=folder, stdout=stderr, stderr=stderr)
        try:
            while not condition():
                if process.poll() is not None:
                    stderr.seek(0)
                    pytest.fail(stderr.read())
                time.sleep(0.002)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return lines_of(folder / "out.part") - 1


def lines_of(path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
