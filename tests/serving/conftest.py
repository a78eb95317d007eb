"""A predictor that answers at once, or when it is told to; a server around it; pictures and sounds."""

import asyncio
import base64
import dataclasses
import io
import threading
import types

import numpy as np
import PIL.Image
import pytest
import soundfile
from aiohttp import test_utils

from t2tlite import problem
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Hypothesis, Prediction
from t2tlite.serving.app import App
from t2tlite.serving.hosts import Hosts
from t2tlite.serving.service import Limits, Service


def _problem(inputs, targets):
    return types.SimpleNamespace(inputs=inputs, targets=targets, command="to_test")


class FakePredictor:
    """Says what it was given. `gate` can hold it up; "bad" can't be read, "worse" is a fault of ours."""

    at_a_time = 1

    def __init__(self):
        self.run = types.SimpleNamespace(
            problems={
                "shout": _problem(problem.Text(), problem.Text()),
                "caption": _problem(problem.Image(), problem.Text()),
                "spoken": _problem(problem.Audio(), problem.Text()),
                "classify": _problem(problem.Image(), problem.Label()),
                "odd": _problem(problem.Label(), problem.Text()),
            }
        )
        self.problems = tuple(self.run.problems)
        self.options = DecodeOptions()
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()

    def predict(self, problem, inputs, keep_errors=False, options=None, rows=None):
        assert keep_errors and options.return_beams
        self.calls.append((problem, list(inputs), options))
        self.rows = rows
        self.begun.set()
        assert self.gate.wait(20)
        if "worse" in inputs:
            raise ZeroDivisionError("a fault with a secret")
        return [self._one(problem, value) for value in inputs]

    def _one(self, problem, value):
        if isinstance(value, bytes):
            value = f"{len(value)} bytes"
        if value == "bad":
            return Prediction("", error="can't read it")
        if problem == "classify":
            return Prediction("cat", -0.1, (("cat", 0.9), ("dog", 0.1)))
        beams = (Hypothesis(value.upper(), -1.5, -1.25), Hypothesis(value, float("-inf"), float("-inf")))
        return Prediction(f"{problem}: {value.upper()}", -1.5, beams=beams)


@pytest.fixture
def fake():
    return FakePredictor()


@pytest.fixture
def serving():
    """A function that runs `scenario(client, service)` against a server in this process."""

    def run(predictor, scenario, ready=True, bound="127.0.0.1", allowed=(), **limits):
        async def whole():
            service = Service(lambda: predictor, dataclasses.replace(Limits(), **limits))
            web = App(service, Hosts(bound, allowed), "a run").web
            server = test_utils.TestServer(web, handler_cancellation=True)
            async with test_utils.TestClient(server) as client:
                try:
                    if ready:
                        await service.start()
                        predictor.calls.clear()
                        predictor.begun.clear()
                    return await scenario(client, service)
                finally:
                    predictor.gate.set()
                    await service.stop(10)

        return asyncio.run(asyncio.wait_for(whole(), 60))

    return run


@pytest.fixture(scope="session")
def picture():
    """The bytes of a PNG."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def sound():
    """A function of seconds: the bytes of a sound file."""

    def encoded(seconds=0.2, rate=16000, channels=1, format="WAV"):
        file = io.BytesIO()
        time = np.arange(round(seconds * rate)) / rate
        wave = 0.1 * np.sin(2 * np.pi * 440 * time)[:, None].repeat(channels, axis=1)
        soundfile.write(file, wave, rate, format=format)
        return file.getvalue()

    return encoded


@pytest.fixture(scope="session")
def base64_of():
    return lambda content: base64.b64encode(content).decode()
