"""The service with named inputs: a JSON object for each example, checked name by name."""

import types

import pytest

from t2tlite import problem
from t2tlite.decoding.prediction import Prediction

from .conftest import FakePredictor


class Named(FakePredictor):
    """Reads a picture and a question, and perhaps a hint; another problem has no targets."""

    def __init__(self):
        super().__init__()
        inputs = problem.NamedInputs.of(
            {"picture": problem.Image(), "question": problem.Text(), "hint": problem.Text(optional=True)}
        )
        odd = problem.NamedInputs.of({"question": problem.Text(), "class": problem.Label()})
        problems = {
            name: types.SimpleNamespace(inputs=one, targets=writes, command="", name=name)
            for name, one, writes in (
                ("asked", inputs, problem.Text()),
                ("odd", odd, problem.Text()),
                ("bare", problem.Text(), None),
            )
        }
        self.run = types.SimpleNamespace(problems=problems)
        self.problems = tuple(problems)

    def _one(self, problem, value):
        return Prediction(f"{len(value['picture'])} {value['question']} {value.get('hint')}")


@pytest.fixture
def ask(serving):
    """A function of a problem and what is sent: the status and the answer."""

    def get(name, **sent):
        async def scenario(client, service):
            async with client.post(f"/api/predict/{name}", **sent) as response:
                return response.status, await response.json()

        return serving(Named(), scenario)

    return get


def test_named_inputs_are_answered(ask, picture, base64_of):
    file = base64_of(picture)
    inputs = [
        {"picture": file, "question": "why"},
        {"question": "how", "picture": f"data:image/png;base64,{file}", "hint": "so"},
        {"question": "", "picture": file, "hint": None},
    ]
    status, answer = ask("asked", json={"inputs": inputs})
    size = len(picture)
    assert status == 200
    assert [one["text"] for one in answer["predictions"]] == [
        f"{size} why None",
        f"{size} how so",
        f"{size}  None",
    ]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["why"], 'inputs[0] must be an object {"picture": ..., "question": ..., "hint": ...}; received str'),
        ([{"question": "why"}], "inputs[0]: the input `picture` is missing"),
        ([{"question": "a", "picture": "PICTURE", "x": "y"}], "inputs[0]: there is no input `x`; expected"),
        ([{"question": 3, "picture": "PICTURE"}], "inputs[0].question must be a string; received int"),
        ([{"question": "a", "picture": "/etc/passwd"}], "inputs[0].picture must be the base64 of a file"),
        ([{"question": "a" * 10001, "picture": "PICTURE"}], "inputs[0].question has 10001 characters"),
        ([{"question": "a", "picture": "YQ=="}], "inputs[0].picture: not a picture that can be read"),
        ({"question": "a"}, 'inputs must be a list of one or more objects, as in {"inputs": [{...}]}'),
    ],
)
def test_wrong_inputs_are_refused(ask, picture, base64_of, inputs, message):
    for one in inputs if isinstance(inputs, list) else ():
        if isinstance(one, dict) and one.get("picture") == "PICTURE":
            one["picture"] = base64_of(picture)
    status, answer = ask("asked", json={"inputs": inputs})
    assert status == 400 and answer["error"].startswith(message)


def test_only_json_will_do(ask):
    status, answer = ask("asked", data=b"why", headers={"Content-Type": "text/plain"})
    assert status == 415 and answer["error"].endswith("hint (text): send application/json")


def test_what_can_not_be_sent_or_decoded_is_not_found(ask):
    status, answer = ask("odd", json={"inputs": [{}]})
    assert status == 404 and "question (text), class (label), which can't be sent" in answer["error"]
    status, answer = ask("bare", json={"inputs": ["a"]})
    assert status == 404 and answer["error"] == "problem `bare` has no targets, so there is nothing to decode"


def test_problems_are_described(serving):
    async def scenario(client, service):
        async with client.get("/api/problems") as response:
            return (await response.json())["problems"]

    answers = serving(Named(), scenario)
    assert [one["name"] for one in answers] == ["asked", "odd"]
    assert answers[0]["inputs"] == {"picture": "image", "question": "text", "hint": "text"}
