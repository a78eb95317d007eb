"""The interactive session, with a person and with a pipe."""

import io
import threading

import numpy as np
import PIL.Image
import pytest

from t2tlite.decoding.files.line_decoder import format_line
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.prediction import Prediction
from t2tlite.decoding.predictor import Predictor
from t2tlite.decoding.session.session import Session, probability, read_piped, table
from t2tlite.errors import UserError

from ..fake_predictor import FakePredictor


@pytest.fixture
def fake():
    return FakePredictor()


def talk(predictor, lines, interactive=False, problem="translation"):
    output, messages = io.StringIO(), io.StringIO()
    Session(predictor, problem, interactive, output, messages).run(iter(lines))
    return output.getvalue(), messages.getvalue()


def test_a_pipe_gets_answers_and_nothing_else(fake):
    lines = ["the red circle\n", "\n", ":set beam_size=2\n", "q\n", "the red circle"]
    assert talk(fake, lines) == ("THE RED CIRCLE\n\nQ\nTHE RED CIRCLE\n", "")


def test_a_person_is_told_what_to_type(fake):
    lines = ["the red circle", "", ":help", ":quit", "the red circle"]
    output, messages = talk(fake, lines, interactive=True)
    assert output == "THE RED CIRCLE\n"  # nothing for the empty line, and nothing after :quit
    assert messages.startswith("translation: a line of text to text; :help shows the commands\n")
    assert ":problem NAME" in messages and "problems: translation, captions, spoken, pictures\n" in messages


@pytest.mark.parametrize("end", [":quit", "q", " q ", ":quit now"])
def test_the_end(fake, end):
    assert talk(fake, ["a", end, "b"], interactive=True)[0] == "A\n"


def test_another_problem(fake, tmp_path):
    path = tmp_path / "my picture.png"
    path.write_text("dog")
    lines = [":problem pictures", f" {path} ", ":problem captions", str(path), f"'{path}'", ":problem spoken"]
    output, messages = talk(fake, lines, interactive=True)
    assert output == "dog         93.1%\nlong name    6.9%\nDOG\nDOG\n"
    assert "\npictures: the path of a picture to label\ncaptions: the path of a picture to text\n" in messages
    assert messages.endswith("\nspoken: the path of a sound file to text\n")


def test_settings(fake):
    lines = [
        ":set",
        ":set  beam_size=8, alpha=0.8 return_beams=True",
        ":reset",
        ":set temperature=0.7",
        ":set",
    ]
    messages = talk(fake, lines, interactive=True)[1].splitlines()[1:]
    default = "batch_size=32 decode_length=None beam_size=4 alpha=0.6 return_beams=False"
    assert messages[0].startswith(default) and messages[2] == messages[0]
    assert "beam_size=8 alpha=0.8 return_beams=True" in messages[1]
    assert "temperature=0.7" in messages[3] and messages[4] == messages[3] and len(messages) == 5
    assert fake.options == DecodeOptions()


def test_settings_hold_for_what_follows(fake):
    """Also for another problem, until others are set."""
    lines = [":set beam_size=2 return_beams=True", "a", ":set return_beams=False", "a"]
    assert talk(fake, lines)[0] == "  50.0%  A\n  25.0%  A!\nA\n"


def test_nbest(fake):
    lines = ["a", ":nbest 3", "a", ":nbest 1", "a", ":set temperature=1", ":nbest 2", "a"]
    three = "  50.0%  A\n  25.0%  A!\n  12.5%  A!!\n"
    assert talk(fake, lines)[0] == "A\n" + three + "A\n" + "  50.0%  A\n  25.0%  A!\n"


def test_zero_shot(fake, tmp_path):
    (tmp_path / "a").write_text("dog")
    lines = [":zeroshot pictures translation", str(tmp_path / "a"), ":problem translation", "a"]
    output, messages = talk(fake, lines, interactive=True)
    assert output == "DOG\nA\n"
    message = "pictures>translation: the path of a picture to text; the model was never trained for this\n"
    assert message in messages


def test_mistakes_do_not_end_it(fake, tmp_path):
    mistakes = [
        (":problem captoins", "mean `captions`"),
        (":problem", ":problem needs a name; there is translation, captions"),
        (":hlep", "mean `help`"),
        ("a\udcff", "no text"),
        (":set beam=4", "mean `beam_size`"),
        (":set beam_size", "expected name=value"),
        (":set beam_size=0", "beam_size must be 1 or more; received 0"),
        (":set top_k=3", "add temperature"),
        (":nbest", ":nbest needs a number, such as 5; received ``"),
        (":nbest 0", "beam_size must be 1 or more"),
        (
            ":zeroshot captions",
            ":zeroshot needs two names, whose inputs and whose outputs; there is translation",
        ),
        (":zeroshot captions x", "no problem `x`"),
    ]
    paths = [("/nowhere.png", "can't read /nowhere.png: No such"), (str(tmp_path), "a directory, not a file")]
    lines = [line for line, _ in mistakes] + [":problem pictures"] + [line for line, _ in paths]
    output, messages = talk(fake, [*lines, ":problem translation", "the red circle"])
    assert output == "THE RED CIRCLE\n"
    reported = messages.splitlines()
    for line, (_, part) in zip(reported, mistakes + paths, strict=True):
        assert line.startswith("error: ") and part in line


def test_what_looks_like_a_command_and_is_none(fake):
    assert talk(fake, [":-)", ": a b", "a :quit"]) == (":-)\n: A B\nA :QUIT\n", "")


def test_a_terminal_is_not_given_control_characters(fake):
    assert talk(fake, ["a\x1b[2J\x07\tb\xa0"], interactive=True)[0] == "A\\x1b[2J\\x07\tB\xa0\n"
    assert talk(fake, ["a\x1b[2J"])[0] == "A\x1b[2J\n"


def test_an_interrupt_gives_up_one_decoding(fake, monkeypatch):
    """At once, although the work goes on; the next line is answered."""
    gone_on = threading.Event()
    predict = fake.predict

    def slow(problem, inputs, options):
        if inputs == ["slow"]:
            gone_on.wait()
        return predict(problem, inputs, options)

    def interrupted(futures, patience):
        if not gone_on.is_set():
            raise KeyboardInterrupt
        return wait(futures, patience)

    from t2tlite.decoding.session import interruptible

    wait = interruptible.concurrent.futures.wait
    monkeypatch.setattr(fake, "predict", slow)
    monkeypatch.setattr(interruptible.concurrent.futures, "wait", interrupted)

    def lines():
        yield "slow"
        gone_on.set()
        yield "fast"

    output, messages = talk(fake, lines(), interactive=True)
    assert output == "FAST\n" and messages.endswith("\ngiven up\n")


def test_a_first_answer_that_takes_long_is_explained(fake, monkeypatch):
    from t2tlite.decoding.session import session

    monkeypatch.setattr(session, "_LATE", 0.0)
    late, predict = threading.Event(), fake.predict

    def slow(*args, **more):
        late.wait(0.05)
        return predict(*args, **more)

    monkeypatch.setattr(fake, "predict", slow)
    output, messages = talk(fake, ["a", "b", ":set alpha=1", ":problem translation"], interactive=True)
    assert output == "A\nB\n"
    assert messages.count("(the first answer for translation takes longer: it compiles)") == 1


def test_the_problem_must_be_known(fake):
    with pytest.raises(UserError, match="has no problem `x`"):
        Session(fake, "x", interactive=True)


def test_with_a_model(predictor, tmp_path):
    """Text, n-best and classes, as the predictor has them."""
    path = tmp_path / "a.png"
    PIL.Image.fromarray(np.full([40, 40, 3], 99, np.uint8)).save(path)
    options = DecodeOptions(beam_size=2, decode_length=5)
    quick = Predictor(predictor.run, predictor.model, options)
    lines = ["the red circle", ":nbest 2", "the red circle", ":problem pictures", str(path)]
    output, messages = talk(quick, lines)
    [classes] = quick.predict("pictures", [path])
    [text] = quick.predict("translation", ["the red circle"], options=options.replace(return_beams=True))
    beams = [f"{probability(b.log_probability):>7}  {format_line(Prediction(b.text))}" for b in text.beams]
    assert len(beams) == 2 and not messages
    assert output == "\n".join([format_line(text), *beams, table(classes)]) + "\n"


def test_table():
    prediction = Prediction("dog", 0, (("dog", 0.9312), ("long name", 0.0688)))
    assert table(prediction) == "dog         93.1%\nlong name    6.9%"


def test_probability():
    assert [probability(x) for x in (0.0, -0.4728, -6.9, -7.1, -460.6)] == [
        "100.0%",
        "62.3%",
        "0.1%",
        "10^-3.1",
        "10^-200.0",
    ]


def test_piped():
    assert list(read_piped(io.BytesIO("ä\nb".encode() + b"\xff\n"))) == ["ä\n", "b\udcff\n"]
