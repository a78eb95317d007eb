"""t2t-serve: what it says of mistakes, starting, answering, leaving."""

import importlib.util
import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request

import PIL.Image
import pytest

from t2tlite import registry
from t2tlite.bin import t2t_serve
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.run import Run

from ..models import tiny

CLASSES = tuple(f"class {i}" for i in range(7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run that has a checkpoint, of a model that was never trained."""
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    problems = {problem.name: problem for problem in registry.problems("wmt_ende,imagenet")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8,), num_encoder_layers=1, num_decoder_layers=1)
    folder = tmp_path_factory.mktemp("t2t_serve") / "run"
    vocabulary = Vocabulary.train(texts, 285)
    run = Run(folder, hparams, problems, {"imagenet": CLASSES}, vocabulary, str(folder / "data"), "sample")
    run.save()
    model = tiny.randomise(run.make_model(), seed=1)
    checkpoint.save(folder / CHECKPOINTS, 1, model, types.SimpleNamespace(variables=[]), {}, {}, keep=5)
    return folder


class Served:
    """The command in a process of its own."""

    def __init__(self, folder, *flags):
        command = [sys.executable, "-P", "-m", "t2tlite.bin.t2t_serve", f"--output_dir={folder}", "--port=0"]
        self.process = subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True)
        self.first = self.process.stderr.readline()
        self.address = re.search(r"http://\S+/", self.first)[0]

    def ask(self, path, body=None, kind="application/json"):
        headers = {"Content-Type": kind} if body is not None else {}
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def leave(self, number):
        """Its status after a signal, and what it wrote."""
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=60)[1]
        return self.process.returncode, rest


@pytest.fixture
def serve():
    started = []

    def start(*args):
        started.append(Served(*args))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_it_loads_answers_and_leaves(folder, serve):
    served = serve(folder, "--decode_hparams=beam_size=3,decode_length=6", "--max_request_mb=0.1")
    assert "(loading the model)" in served.first
    status, answer = served.ask("health")
    assert (status, answer["status"]) == (503, "loading")
    while served.ask("health")[0] != 200:
        assert served.process.poll() is None
        time.sleep(0.1)
    status, answer = served.ask("api/predict/wmt_ende", b'{"inputs": ["the red circle", "the blue square"]}')
    assert status == 200 and len(answer["predictions"]) == 2
    assert len(answer["predictions"][0]["beams"]) == 3
    picture = io.BytesIO()
    PIL.Image.new("RGB", (40, 50), "red").save(picture, "JPEG")
    status, answer = served.ask("api/predict/imagenet", picture.getvalue(), "image/jpeg")
    assert status == 200 and answer["predictions"][0]["text"] in CLASSES
    assert served.ask("api/predict/wmt_ende", b"a" * 200_000, "text/plain")[0] == 413
    status, err = served.leave(signal.SIGTERM)
    assert status == 0
    assert re.search(r"ready after \d+ s at http://127.0.0.1:\d+/; Ctrl-C stops\nt2t-serve: stopping\n$", err)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_loads(folder, serve, number):
    status, err = serve(folder).leave(number)
    assert (status, err) == (0, "t2t-serve: stopping\n")


def test_mistakes_are_told_without_tensorflow(mistake_in_a_process, folder, tmp_path):
    run = f"--output_dir={folder}"
    for flags, message in (
        ([], "--output_dir is missing"),
        ([f"--output_dir={tmp_path}"], "holds no run"),
        ([run, "--port=99999"], "--port=99999 is not a port; expected 0 to 65535"),
        ([run, "--decode_hparams=beam=3"], "unknown decode hyperparameter `beam`"),
        ([run, "--max_waiting=0"], "--max_waiting=0"),
        ([run, "--port=0", "--host=203.0.113.7"], "can't listen at --host=203.0.113.7 --port=0"),
    ):
        assert message in mistake_in_a_process("t2t_serve", *flags)


def test_a_port_that_is_taken(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert t2t_serve.main([f"--output_dir={folder}", f"--port={port}"]) == 2
    err = capsys.readouterr().err
    assert f"can't listen at --host=127.0.0.1 --port={port}" in err and "address already in use" in err
    assert err.endswith("try another port (0: any that is free)\n") and err.count("\n") == 1


def test_a_checkpoint_that_is_not_there(folder, capsys):
    flags = [f"--output_dir={folder}", "--port=0", f"--checkpoint_path={folder}/nothing"]
    assert t2t_serve.main(flags) == 2
    loading, message = capsys.readouterr().err.splitlines()
    assert "loading" in loading and "nothing" in message


def test_the_library_is_missing(folder, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert t2t_serve.main([f"--output_dir={folder}"]) == 2
    message = "t2t-serve needs aiohttp, which is not installed; run: pip install 't2tlite[serve]'"
    assert capsys.readouterr().err == f"t2t-serve: error: {message}\n"
