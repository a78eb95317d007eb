"""A real model behind the server: the same outputs as without it, for text, pictures and sounds."""

import asyncio
import copy

import keras
import pytest

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.run import Run

from ..models import tiny

NAMES = ("translation", "captions", "spoken", "pictures")
TEXTS = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
OPTIONS = DecodeOptions(decode_length=6, beam_size=2, return_beams=True)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    """Of a small model that was never trained."""
    folder = tmp_path_factory.mktemp("served")
    hparams = tiny.HPARAMS.replace(
        length_bounds=(8, 16), seconds_bounds=(0.3,), num_encoder_layers=1, num_decoder_layers=1
    )
    problems = {name: copy.copy(tiny.PROBLEMS[name]) for name in NAMES}
    vocabulary = Vocabulary.train(TEXTS, 285)
    run = Run(folder, hparams, problems, {"pictures": tiny.CLASSES}, vocabulary, str(folder), "sample")
    keras.utils.set_random_seed(1)
    return Predictor(run, tiny.randomise(run.make_model(), seed=1), OPTIONS)


class Spy:
    """The predictor, with the calls that it gets."""

    def __init__(self, predictor):
        self._predictor, self.calls = predictor, []

    def __getattr__(self, name):
        return getattr(self._predictor, name)

    def predict(self, problem, inputs, **more):
        self.calls.append((problem, inputs))
        return self._predictor.predict(problem, inputs, **more)


@pytest.fixture
def service(predictor, serving):
    """A function of a scenario of (post, spy), in which `post` sends JSON or a body."""

    def run(scenario):
        spy = Spy(predictor)

        async def with_client(client, service):
            service.predictor, service.state = spy, "ready"

            async def post(path, **request):
                async with client.post(f"/api/{path}", **request) as response:
                    return response.status, await response.json()

            await scenario(post, spy)

        spy.gate = asyncio.Event()  # what the fixture of fakes opens at the end
        serving(spy, with_client, ready=False)

    return run


def test_requests_at_the_same_time_get_what_each_would_get_alone(service, predictor):
    options = ({}, {"temperature": 1.0, "num_samples": 2, "seed": 3})
    requests = [[TEXTS[i], TEXTS[i][::-1], "", "\ud800"][: 1 + i % 4] for i in range(6)]

    async def scenario(post, spy):
        bodies = [{"inputs": inputs, "options": o} for inputs in requests for o in options]
        answers = await asyncio.gather(*(post("predict/translation", json=body) for body in bodies))
        assert len(spy.calls) < len(bodies)
        for body, (status, answer) in zip(bodies, answers, strict=True):
            assert status == 200
            alone = predictor.predict(
                "translation", body["inputs"], keep_errors=True, options=OPTIONS.replace(**body["options"])
            )
            for one, expected in zip(answer["predictions"], alone, strict=True):
                assert (one["text"], one["error"]) == (expected.text, expected.error)
                assert one["log_probability"] == pytest.approx(expected.score, abs=1e-4)
                assert [beam["text"] for beam in one["beams"]] == [beam.text for beam in expected.beams]
        assert "lone surrogate" in answers[6][1]["predictions"][3]["error"]

    service(scenario)


def test_pictures_and_sounds(service, predictor, picture, sound):
    async def scenario(post, spy):
        for problem, content, kind in (
            ("captions", picture, "image/png"),
            ("pictures", picture, "image/png"),
            ("spoken", sound(0.2), "audio/wav"),
        ):
            status, answer = await post(f"predict/{problem}", data=content, headers={"Content-Type": kind})
            [expected] = predictor.predict(problem, [content], options=OPTIONS)
            [prediction] = answer["predictions"]
            assert status == 200 and prediction["text"] == expected.text
            assert prediction["probabilities"] == [
                {"class": name, "probability": pytest.approx(p, abs=1e-5)}
                for name, p in expected.probabilities
            ]
        headers = {"Content-Type": "image/png"}
        status, answer = await post("predict/captions", data=picture[:200], headers=headers)
        assert status == 200 and "can't read the picture" in answer["predictions"][0]["error"]

    service(scenario)


def test_attention(service, predictor, picture):
    async def scenario(post, spy):
        status, answer = await post("attention/translation", json={"inputs": [TEXTS[0]], "output": TEXTS[1]})
        expected = predictor.attention("translation", TEXTS[0], TEXTS[1]).as_json()
        assert status == 200 and answer["outputs"] == expected["outputs"]
        assert answer["inputs"] == expected["inputs"]
        for name, rows in answer["weights"].items():
            heads = expected["weights"][name]
            assert len(rows) == len(answer["outputs"])
            for i, row in enumerate(rows):
                mean = [sum(head[i][j] for head in heads) / len(heads) for j in range(len(row))]
                assert row == pytest.approx(mean, abs=1e-4)
        headers = {"Content-Type": "image/png"}
        status, answer = await post("attention/captions", data=picture, headers=headers)
        assert status == 200 and answer["picture"].startswith("data:image/png;base64,")
        assert answer["output"] == predictor.predict("captions", [picture], options=OPTIONS)[0].text
        status, answer = await post("attention/pictures", data=picture, headers=headers)
        assert status == 400 and "no attention" in answer["error"]

    service(scenario)
