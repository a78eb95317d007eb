"""The Python of docs/python.md, docs/from_keras.md and README.md runs, against a run of all problems."""

import contextlib
import io
import json
import pathlib
import re

import numpy as np
import PIL.Image
import pytest
import soundfile

import t2tlite
from t2tlite.decoding.options import DecodeOptions

ROOT = pathlib.Path(__file__).parents[2]


def blocks(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


BLOCKS = blocks("docs/python.md")


@pytest.fixture(scope="module")
def ran(whole, tmp_path_factory, eager, registered_here_only):
    """The names after the last block, in the folder in which they ran, with what they printed."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "run").symlink_to(whole)
    draw = np.random.default_rng(0)
    PIL.Image.fromarray(draw.integers(0, 256, (40, 40, 3), np.uint8)).save(folder / "picture.png")
    soundfile.write(folder / "sound.wav", draw.standard_normal(8000) * 0.1, 16000)
    names, printed = {"folder": folder}, io.StringIO()
    with registered_here_only(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.stdout", printed)
        for number, block in enumerate(BLOCKS):
            trains = "t2tlite.train(" in block  # an update or two, which are not worth compiling
            with eager() if trains else contextlib.nullcontext():
                exec(compile(block, f"docs/python.md, block {number}", "exec"), names)
    names["printed"] = printed.getvalue()
    return names


def test_it_ran(ran, whole):
    assert len(BLOCKS) >= 12
    assert list(ran["predictor"].problems) == json.loads((whole / "run.json").read_text())["problems"]
    assert all(type(name) is str and name in ran["printed"] for name in ran["predictor"].problems)


def test_what_was_trained(ran):
    """The run of the problem that the guide defines, and the examples that need no class."""
    assert ran["run"].step == 2 and ran["run"].problems == ("tiny_german",)
    assert "{'inputs': 'the red house', 'targets': 'short'}" in ran["printed"]
    assert "Decoded: step-00000002, test split, the first 2 examples" in ran["printed"]


def test_one_picture_in_three_forms_is_one_picture(ran):
    by_path, by_bytes, by_array = (dict(prediction.probabilities) for prediction in ran["classes"])
    assert by_path == pytest.approx(by_bytes) and by_path == pytest.approx(by_array)
    assert ran["spoken"][0].text == ran["spoken"][1].text


def test_beams_and_samples(ran):
    predictor = ran["predictor"]
    options = DecodeOptions(beam_size=3, alpha=0.6, return_beams=True, decode_length=20)
    [again] = predictor.predict("wmt_ende", ["the red circle"], options=options)
    assert len(again.beams) == 3 and again.text == again.beams[0].text
    assert again.score == pytest.approx(again.beams[0].log_probability)
    assert len(ran["drawn"].beams) == 3


def test_what_was_told_of_mistakes(ran):
    assert "expected a str, received 5" in ran["printed"]
    assert ran["second"].text == "" and "received 5" in ran["second"].error and not ran["first"].error


def test_files_that_were_written(ran):
    folder = ran["folder"]
    assert len((folder / "out.de").read_text().splitlines()) == 3
    for name in ("attention.png", "experts.png"):
        assert PIL.Image.open(folder / name).size[0] > 200


def test_a_score_is_the_sum_of_its_units(ran):
    score = ran["score"]
    assert score.log_probability == pytest.approx(sum(p for _, p in score.units))
    assert score.units[-1][0] == "</s>"


def test_threads_got_what_one_gets(ran):
    predictor = ran["predictor"]
    assert ran["answers"] == [predictor.predict(problem, [value])[0].text for problem, value in _paths(ran)]


def _paths(ran):
    return [
        (problem, ran["folder"] / value if problem == "imagenet" else value)
        for problem, value in ran["asked"]
    ]


def test_the_tables_name_what_there_is(ran):
    """Every attribute in code that the guide ascribes to what it shows is there."""
    guide = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    inputs = ran["predictor"].attention("wmt_ende", "a", "b").inputs
    for name in ("units", "grid", "content", "seconds"):
        assert f"`{name}`" in guide and hasattr(inputs, name)
    assert ran["maps"].sum(axis=(1, 2)) == pytest.approx(1)
    assert set(ran["choice"].mixtures) == {"encoder/experts", "decoder/experts"}
    assert ran["name"] == "imagenet>wmt_ende"
    assert ran["result"].size == 2


def test_the_blocks_of_the_readme_and_for_keras_run(ran, whole, tmp_path, monkeypatch, capsys):
    """But for its problem, which is an example that has tests of its own."""
    for folder in ("demo/run", "runs/two"):
        (tmp_path / folder).parent.mkdir()
        (tmp_path / folder).symlink_to(whole)
    (tmp_path / "demo" / "examples").mkdir()
    PIL.Image.new("RGB", (40, 40)).save(tmp_path / "demo" / "examples" / "imagenet-0.png")
    monkeypatch.chdir(tmp_path)
    compiled = {"demo/run": ran["predictor"]}  # to compile it again takes seconds
    monkeypatch.setattr(t2tlite, "load", compiled.__getitem__)
    predicting, example = blocks("README.md")
    [keras_model] = blocks("docs/from_keras.md")
    assert "register_problem" in example
    names = {}
    exec(compile(predicting, "README.md, predicting", "exec"), names)
    assert names["picture"].text in capsys.readouterr().out
    assert len(names["picture"].probabilities) == 5
    exec(compile(keras_model, "from_keras.md", "exec"), names)
    for loaded, saved in zip(names["again"].variables, names["model"].variables, strict=True):
        np.testing.assert_array_equal(loaded.numpy(), saved.numpy())
