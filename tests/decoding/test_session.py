"""The interactive session, with a person and with a pipe."""

import io

import numpy as np
import PIL.Image
import pytest

from t2tlite.decoding.files import as_line
from t2tlite.decoding.predictor import Prediction
from t2tlite.decoding.session import Session, piped, table, typed
from t2tlite.errors import UserError


def talk(predictor, lines, person=False, problem="translation"):
    output, messages = io.StringIO(), io.StringIO()
    Session(predictor, problem, person, output, messages).run(iter(lines))
    return output.getvalue(), messages.getvalue()


@pytest.fixture
def answer(predictor):
    return as_line(predictor.predict("translation", ["the red circle"])[0]) + "\n"


def test_a_pipe_gets_answers_and_nothing_else(predictor, answer):
    assert talk(predictor, ["the red circle\n", "\n", "the red circle"]) == (answer + "\n" + answer, "")


def test_a_person_is_told_what_to_type(predictor, answer):
    lines = ["the red circle", "", ":help", ":quit", "the red circle"]
    output, messages = talk(predictor, lines, person=True)
    assert output == answer  # nothing for the empty line, and nothing after :quit
    assert messages.startswith("translation: a line of text to text; :help shows the commands\n")
    assert ":problem NAME" in messages and "problems: translation, captions, spoken, pictures" in messages


def test_another_problem(predictor, tmp_path):
    path = tmp_path / "my picture.png"
    PIL.Image.fromarray(np.full([40, 40, 3], 99, np.uint8)).save(path)
    lines = [":problem pictures", f" {path} ", ":problem captions", str(path)]
    output, messages = talk(predictor, lines, person=True)
    [classes], [caption] = predictor.predict("pictures", [path]), predictor.predict("captions", [path])
    assert output == table(classes) + "\n" + as_line(caption) + "\n"
    assert "pictures: the path of a picture to label\n" in messages


def test_mistakes_do_not_end_it(predictor, answer):
    lines = [":problem captoins", ":problem", ":hlep", "\ud800", ":problem pictures", "/nowhere.png"]
    output, messages = talk(predictor, [*lines, ":problem translation", "the red circle"])
    assert output == answer
    told = messages.splitlines()
    assert all(line.startswith("error: ") for line in told) and len(told) == 5
    parts = ["mean `captions`", ":problem needs a name", "mean `help`", "surrogate", "/nowhere.png"]
    assert all(part in line for line, part in zip(told, parts, strict=True))


def test_what_looks_like_a_command_and_is_none(predictor):
    output, messages = talk(predictor, [":-)", ": a b", "a :quit"])
    assert len(output.splitlines()) == 3 and not messages


def test_the_problem_must_be_known(predictor):
    with pytest.raises(UserError, match="has no problem `x`"):
        Session(predictor, "x", person=True)


def test_table():
    prediction = Prediction("dog", 0, (("dog", 0.9312), ("long name", 0.0688)))
    assert table(prediction) == "dog         93.1%\nlong name    6.9%"


def test_typed(predictor, monkeypatch):
    """Lines, until the end of the input; an interrupt only gives the line up."""
    typed_lines = iter(["one", KeyboardInterrupt(), "two", EOFError()])
    prompts = []

    def ask(prompt):
        prompts.append(prompt)
        line = next(typed_lines)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", ask)
    session = Session(predictor, "translation", True)
    found = []
    for line in typed(session):
        found.append(line)
        session.problem = "captions"
    assert found == ["one", "two"]
    assert prompts == ["translation> ", "captions> ", "captions> ", "captions> "]


def test_piped():
    assert list(piped(io.BytesIO("ä\nb".encode() + b"\xff\n"))) == ["ä\n", "b\udcff\n"]
