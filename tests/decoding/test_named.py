"""Decoding with named inputs: cached, predicted, from files, in a session, scored, and looked into."""

import io
import json

import keras
import numpy as np
import PIL.Image
import pytest
import soundfile
import tensorflow as tf

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.files import fields
from t2tlite.decoding.files.job import LineJob
from t2tlite.decoding.files.line_decoder import LineDecoder, LineScorer
from t2tlite.decoding.files.line_file import LineFile
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.incremental import Incremental
from t2tlite.decoding.session.prompt import completions
from t2tlite.decoding.session.session import Session
from t2tlite.errors import UserError
from t2tlite.run import Run

from ..models import tiny
from .search.test_cached import LENGTH, Recomputed

HPARAMS = tiny.HPARAMS.replace(
    num_encoder_layers=1, num_decoder_layers=1, length_bounds=(8, 16), seconds_bounds=(0.1, 0.3)
)


@pytest.mark.parametrize("name", ["answered", "told"])
def test_a_search_finds_the_same_as_recomputing_everything(eagerly, name):
    model = tiny.model((name,), HPARAMS)
    features = {key: value for key, value in tiny.batch(name, 3).items() if key != "targets"}
    outputs, expected = (
        beam_search(core(model, name, LENGTH), features, Rules(LENGTH, 0), 3, tf.constant(0.6), True)
        for core in (Incremental, Recomputed)
    )
    np.testing.assert_array_equal(outputs.ids, expected.ids)
    np.testing.assert_allclose(outputs.log_probability, expected.log_probability, rtol=1e-3)
    assert outputs.ids.numpy().any()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    """Of a run that was never trained."""
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    folder = tmp_path_factory.mktemp("run")
    labels = {"asked": tiny.CLASSES}
    run = Run(
        folder,
        HPARAMS,
        dict(tiny.NAMED),
        labels,
        Vocabulary.train(texts, 285),
        str(folder / "data"),
        "sample",
    )
    keras.utils.set_random_seed(1)
    model = tiny.randomise(run.make_model(), seed=1)
    return Predictor(run, model, DecodeOptions(beam_size=1, decode_length=6))


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A folder with a picture and a sound."""
    folder = tmp_path_factory.mktemp("media")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / "a.png")
    PIL.Image.fromarray(255 - pixels).save(folder / "b.png")
    for name, samples in (("short", 1000), ("long", 4000)):
        wave = 0.3 * np.random.default_rng(samples).normal(size=samples).clip(-1, 1)
        soundfile.write(folder / f"{name}.wav", wave, 16000)
    return folder


def inputs_of(media, name="a", question="is the circle red"):
    return {"picture": str(media / f"{name}.png"), "question": question}


def test_every_kind_of_value(eagerly, predictor, media):
    """A path, the bytes of a file, an array."""
    path = media / "a.png"
    pictures = [path, path.read_bytes(), np.asarray(PIL.Image.open(path))]
    predictions = predictor.predict("asked", [{"picture": one, "question": "which"} for one in pictures])
    assert len({one.text for one in predictions}) == 1 and predictions[0].probabilities
    np.testing.assert_allclose([one.score for one in predictions], predictions[0].score, rtol=1e-5)


def test_outputs_do_not_depend_on_the_rest_of_the_batch(eagerly, predictor, media):
    """Nor on which optional inputs the others have."""
    inputs = [
        {"sound": str(media / "short.wav"), "question": "a"},
        {"sound": str(media / "long.wav"), "question": "the red circle", "hint": "the blue square"},
        {"sound": str(media / "long.wav"), "question": "the", "hint": None},
        {"sound": str(media / "short.wav"), "question": "the red", "hint": ""},
    ]
    together = predictor.predict("told", inputs)
    for one, value in zip(together, inputs, strict=True):
        [alone] = predictor.predict("told", [value])
        assert alone.text == one.text
        np.testing.assert_allclose(alone.score, one.score, rtol=1e-4)
    [present, missing] = predictor.predict(
        "told", [inputs[1], {k: v for k, v in inputs[1].items() if k != "hint"}]
    )
    assert present.score != missing.score


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a text", "expected a dict of picture, question; received 'a text'"),
        ({"picture": "a.png"}, "the input `question` is missing"),
        ({"picture": "none.png", "question": "a"}, "picture: can't read none.png"),
        ({"picture": "a.png", "questoin": "a"}, "no input `questoin`; did you mean `question`"),
        ({"picture": "a.png", "question": "a", "x": 1}, "no input `x`; expected picture, question"),
        ({"picture": PIL, "question": "a"}, "picture: expected a path"),
        ({"picture": "a.png", "question": 3}, "question: expected a str"),
    ],
)
def test_wrong_inputs(predictor, media, monkeypatch, value, message):
    monkeypatch.chdir(media)
    with pytest.raises(UserError, match=message):
        predictor.predict("asked", [value])
    [prediction] = predictor.predict("asked", [value], keep_errors=True)
    assert message.split(";")[0] in prediction.error


def test_a_long_text_has_room_for_a_long_output(predictor, media):
    reader = predictor.reader("answered")
    read = [reader.read(inputs_of(media, question=question)) for question in ("a", "the red " * 30)]
    assert [reader.room(one) for one in read] == [len(one.parts["question"]) for one in read]
    assert len(read[0]) == 33 + reader.room(read[0])


def test_scores_are_those_of_what_was_found(eagerly, predictor, media):
    inputs = [inputs_of(media), inputs_of(media, "b", "the")]
    predictions = predictor.predict("asked", inputs)
    scores = predictor.score("asked", inputs, [one.text for one in predictions])
    for one, score in zip(predictions, scores, strict=True):
        np.testing.assert_allclose(score.log_probability, one.score, rtol=1e-4)
    [written] = predictor.score("answered", inputs[:1], ["the red circle"])
    assert written.log_probability < 0 and written.units[-1][0] == "</s>"


def decoded(predictor, media, lines, kind=LineDecoder, problem="asked"):
    return kind(predictor, problem, media)(range(len(lines)), lines)


def test_lines_of_a_table(eagerly, predictor, media):
    """Paths are relative to the file; every line has an output, the header the name of the outputs."""
    lines = [b"question\tpicture", b"is the circle red\ta.png", b"", b"a\tnone.png", b"a", b"a\ta.png\tb"]
    outputs = decoded(predictor, media, lines)
    [expected] = predictor.predict("asked", [inputs_of(media)])
    assert outputs[0] == "targets" and outputs[1].split("\t")[0] == expected.text and outputs[2] == ""
    assert outputs[3] == "# error: can't read none.png: No such file or directory"
    assert outputs[4] == "# error: expected 2 fields with tabs between them (question, picture); found 1"
    assert outputs[5].endswith("; found 3")


def test_an_optional_field_may_be_empty_or_left_out(eagerly, predictor, media):
    whole = [b"sound\tquestion\thint", b"short.wav\ta\tthe red", b"short.wav\ta\t"]
    short = [b"sound\tquestion", b"short.wav\ta"]
    present, missing = decoded(predictor, media, whole, problem="told")[1:]
    assert decoded(predictor, media, short, problem="told")[1:] == [missing]
    values = {"sound": str(media / "short.wav"), "question": "a"}
    expected = predictor.predict("told", [values | {"hint": "the red"}, values])
    assert [present, missing] == [one.text for one in expected]


@pytest.mark.parametrize(
    "header", [b"", b"picture", b"picture\tquestion\thint", b"picture\tpicture\tquestion", b"a.png\tred?"]
)
def test_a_wrong_header(predictor, media, header):
    with pytest.raises(
        UserError, match="the first line must name the fields, .*: picture, question; received"
    ):
        decoded(predictor, media, [header, b"a\tb"])


def test_pairs_of_a_table(eagerly, predictor, media):
    lines = [b"targets\tpicture\tquestion", b"blue circle\ta.png\twhich", b"none\ta.png\twhich"]
    outputs = decoded(predictor, media, lines, LineScorer)
    [expected] = predictor.score("asked", [inputs_of(media, question="which")], ["blue circle"])
    assert outputs[0] == "log_probability" and float(outputs[1]) == pytest.approx(
        expected.log_probability, 1e-4
    )
    assert outputs[2].startswith("# error: problem `asked` has no class `none`")
    with pytest.raises(UserError, match="picture, question, targets; received"):
        decoded(predictor, media, [b"picture\tquestion"], LineScorer)


def test_from_file_to_file_and_as_a_stream(eagerly, predictor, media, capsysbinary):
    """The longest lines come first where there is a file; the header is known all the same."""
    table = ["picture\tquestion", *(f"{'ab'[i % 2]}.png\t{'the red ' * i}circle" for i in range(5))]
    (media / "in.tsv").write_text("\n".join(table) + "\n")
    options = str(media / "in.tsv"), "decode_from_file"
    common = {"problem": "asked", "scoring": False, "write_scores": False, "identity": {}}
    assert LineJob(*options, str(media / "out"), load=lambda: predictor, **common).run() == (6, 0)
    assert LineJob(*options, None, load=lambda: predictor, **common).run() == (6, 0)
    written = (media / "out").read_bytes()
    assert capsysbinary.readouterr().out == written
    values = [dict(zip(("picture", "question"), row.split("\t"), strict=True)) for row in table[1:]]
    expected = predictor.predict("asked", [one | {"picture": str(media / one["picture"])} for one in values])
    rows = written.decode().splitlines()
    assert rows[0] == "targets" and [row.split("\t")[0] for row in rows[1:]] == [one.text for one in expected]


def test_sizes_and_stamps(media):
    """A sound costs by its size; what is in a file that changed is decoded again."""
    path = media / "sizes.tsv"
    path.write_text("sound\tquestion\nshort.wav\ta\nlong.wav\ta\nnone.wav\ta\n")
    with LineFile(str(path), "decode_from_file") as lines:
        sizes, stamps = fields.sizes_and_stamps(lines, tiny.TOLD, media, False)
        assert sizes[1:3].tolist() == [
            lines.lengths[i] + (media / name).stat().st_size
            for i, name in ((1, "short.wav"), (2, "long.wav"))
        ]
        assert len({*stamps[1:3].tolist(), 0}) == 3 and sizes[3] == lines.lengths[3]
        (media / "long.wav").touch()
        again = fields.sizes_and_stamps(lines, tiny.TOLD, media, False)[1]
        assert again[1] == stamps[1] and again[2] != stamps[2]


class Typed:
    """A predictor that says what it was given."""

    options = DecodeOptions()
    at_a_time = 1

    def __init__(self, run):
        self.run, self.problems, self.inputs = run, tuple(run.problems), []

    def check(self, problem):
        assert problem in self.problems

    def predict(self, problem, inputs, options=None):
        self.inputs += inputs
        from t2tlite.decoding.prediction import Prediction

        return [Prediction("answer")]


def talk(predictor, lines, interactive=False):
    output, messages = io.StringIO(), io.StringIO()
    session = Session(predictor, "asked", interactive, output, messages)
    prompts = []

    def read_lines():
        for line in lines:
            prompts.append(session.prompt())
            yield line

    session.run(read_lines())
    return output.getvalue(), messages.getvalue(), prompts


@pytest.mark.parametrize("person", [True, False])
def test_a_session_takes_one_input_after_the_other(predictor, media, monkeypatch, person):
    monkeypatch.chdir(media)
    typed = Typed(predictor.run)
    lines = ["none.png", "a.png", "is it red", ":problem told", "short.wav", "why", "", "short.wav"]
    output, messages, prompts = talk(typed, lines, person)
    assert typed.inputs == [
        {"picture": "./a.png", "question": "is it red"},
        {"sound": "./short.wav", "question": "why", "hint": ""},
    ]
    assert output == "answer\n" * 2 and "error: can't read none.png" in messages
    names = ["asked picture", "asked picture", "asked question", "asked picture"]
    names += ["told sound", "told question", "told hint", "told sound"]
    assert prompts == [f"{name}> " for name in names]
    assert not person or messages.startswith("asked: picture (the path of a picture), question (a line of")


def test_another_problem_begins_anew(predictor, media, monkeypatch):
    monkeypatch.chdir(media)
    typed = Typed(predictor.run)
    talk(typed, ["a.png", ":problem answered", "b.png", "why"])
    assert typed.inputs == [{"picture": "./b.png", "question": "why"}]


def test_paths_are_completed_where_one_is_asked_for(predictor, media, monkeypatch):
    monkeypatch.chdir(media)
    session = Session(Typed(predictor.run), "asked", True, io.StringIO(), io.StringIO())
    assert completions(session, "a.", 0) == ["a.png"]
    session._read("a.png")
    assert completions(session, "a.", 0) == []


def test_attention_names_the_inputs(eagerly, predictor, media):
    value = {"sound": str(media / "short.wav"), "question": "the red"}
    for hint in (None, "circle"):
        view = predictor.attention("told", value | {"hint": hint}, "a circle")
        inputs = view.inputs
        assert list(inputs.parts) == ["sound", "question", "hint"]
        assert (inputs.parts["hint"].count > 0) == (hint is not None)
        assert inputs.count == sum(part.count for part in inputs.parts.values()) == len(inputs.units)
        assert inputs.units[0] == "sound: 0.00 s"
        first = inputs.parts["sound"].count
        assert inputs.units[first].startswith("question: ")
        for weights in view.weights.values():
            assert weights.shape[1:] == (len(view.outputs), inputs.count)
            np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-4)
    content = json.loads(json.dumps(view.as_json()))
    assert content["inputs"]["parts"]["question"]["units"][-1] == "</s>"
    assert view.picture()[:4] == b"\x89PNG"


def test_experts_name_the_inputs(eagerly, predictor, media):
    view = predictor.experts("asked", inputs_of(media))
    grid = view.inputs.parts["picture"].grid
    assert view.inputs.units[1] == "picture: 0, 1" and np.prod(grid) == view.inputs.parts["picture"].count
    assert all(len(one.experts) == view.inputs.count for one in view.mixtures.values())


def test_crossed_with_another(eagerly, predictor, media):
    """The inputs of one with the outputs of another, none of it optional there."""
    [prediction] = predictor.predict("asked>told", [inputs_of(media)])
    assert not prediction.error
    [prediction] = predictor.predict("told>asked", [{"sound": str(media / "short.wav"), "question": "a"}])
    assert prediction.probabilities


def test_nothing_to_decode(predictor):
    bare = tiny.a_problem("bare", tiny.ASKED, None, "")
    run = predictor.run
    other = Predictor(
        Run(**{**vars(run), "problems": {**run.problems, "bare": bare}}), predictor.model, predictor.options
    )
    for name in ("bare", "asked>bare"):
        with pytest.raises(UserError, match="problem `bare` has no targets, so there is nothing to decode"):
            other.predict(name, [])
