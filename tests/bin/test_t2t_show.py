"""t2t-show: pictures and numbers of attention and experts, and what it says of mistakes."""

import io
import json

import numpy as np
import PIL.Image
import pytest
import soundfile

import t2tlite
from t2tlite.bin import t2t_show


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A folder with a picture and a sound."""
    folder = tmp_path_factory.mktemp("media")
    PIL.Image.fromarray(np.full([50, 40, 3], 200, np.uint8)).save(folder / "a.png")
    soundfile.write(folder / "a.wav", np.random.default_rng(0).standard_normal(3000) * 0.1, 16000)
    return folder


@pytest.fixture
def call(whole, capsys):
    """A function of the arguments: exit status, standard output, standard error."""

    def run_command(*arguments):
        status = t2t_show.main([f"--output_dir={whole}", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run_command


def test_attention_in_numbers_and_as_a_picture(whole, tmp_path, call):
    path = tmp_path / "attention.png"
    status, out, err = call(
        "--problem=wmt_ende", "--input=the red circle", "--output=the blue", "--json", f"--to_file={path}"
    )
    assert status == 0 and err == f"t2t-show: attention for 'the blue' is in {path}\n"
    content, view = json.loads(out), t2tlite.load(whole).attention("wmt_ende", "the red circle", "the blue")
    assert content == json.loads(json.dumps(view.as_json()))
    assert list(content["weights"]) == ["mixer/attention", "decoder/attention0"]
    assert PIL.Image.open(path).size == PIL.Image.open(io.BytesIO(view.picture())).size


@pytest.mark.parametrize(
    ("problem", "file", "what"), [("coco_captions", "a.png", "attention"), ("wsj_speech", "a.wav", "experts")]
)
def test_pictures_of_images_and_sounds(media, tmp_path, call, problem, file, what):
    path = tmp_path / "seen.svg"
    status, out, _ = call(
        f"--problem={problem}",
        f"--input={media / file}",
        "--output=a",
        f"--what={what}",
        f"--to_file={path}",
    )
    assert status == 0 and out == "" and path.read_bytes().startswith(b"<?xml")


def test_the_models_own_output(whole, media, call):
    status, out, err = call("--problem=imagenet", f"--input={media}/a.png", "--what=experts", "--json")
    content = json.loads(out)
    assert (
        status == 0
        and err == ""
        and content["output"] in json.loads((whole / "run.json").read_text())["labels"]["imagenet"]
    )
    assert (
        list(content["mixtures"]) == ["encoder/experts"]
        and np.prod(content["inputs"]["grid"]) == content["inputs"]["count"]
    )


def test_one_problem_read_and_another_written(media, call):
    status, out, _ = call(
        "--problem=coco_captions>wmt_ende", f"--input={media}/a.png", "--output=a", "--json"
    )
    content = json.loads(out)
    assert (
        status == 0
        and np.prod(content["inputs"]["grid"]) == content["inputs"]["count"]
        and content["weights"]
    )


TEXT = ["--problem=wmt_ende", "--input=a red circle"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--input is missing"),
        (TEXT, "nothing to show; give --to_file=attention.png, --json, or both"),
        (["--input=a", "--json"], "--problem is missing; RUN was trained on wsj_speech, imagenet,"),
        (
            ["--problem=wmt_end", "--input=a", "--json"],
            "RUN has no problem `wmt_end`; did you mean `wmt_ende`",
        ),
        ([*TEXT, "--json", "--what=heads"], "expected one of attention, experts"),
        ([*TEXT, "--json", "--heads"], "--heads is for a picture of attention"),
        ([*TEXT, "--to_file=x.png", "--heads", "--what=experts"], "--heads is for a picture of attention"),
        ([*TEXT, "--to_file=x.gif"], "ends in .png, .svg or .pdf"),
        ([*TEXT, "--to_file=/no/x.png"], "can't write --to_file=/no/x.png: there is no folder /no"),
        (
            ["--problem=coco_captions", "--input=b.png", "--json"],
            "no file --input=b.png; problem `coco_captions`",
        ),
        (["--problem=wsj_speech", "--input=b.wav", "--json"], "`wsj_speech` wants the path of a sound"),
        (["--problem=coco_captions>x", "--input=MEDIA/a.png", "--json"], "RUN has no problem `x`"),
        (["--problem=imagenet", "--input=MEDIA/a.png", "--json"], "`imagenet` writes a label, for which no"),
        (
            ["--problem=imagenet", "--input=MEDIA/a.png", "--json", "--what=experts", "--output=cat"],
            "`imagenet` writes a label; give no output",
        ),
        ([*TEXT, "--json", "--checkpoint_path=/no"], "/no is no checkpoint"),
        (["--problem=coco_captions", "--input=RUN/run.json", "--output=a", "--json"], "not a picture"),
    ],
)
def test_mistakes(whole, media, call, flags, message):
    flags = [flag.replace("RUN", str(whole)).replace("MEDIA", str(media)) for flag in flags]
    status, out, err = call(*flags)
    assert status == 2 and out == ""
    assert err.startswith("t2t-show: error: ") and err.count("\n") == 1
    assert message in err.replace(str(whole), "RUN")


@pytest.mark.parametrize("damage", [{"problems": 5}, {"hparams": 5}, {"usr_dirs": None}, {"hparams": {}}])
def test_a_broken_run(whole, tmp_path, capsys, damage):
    description = json.loads((whole / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**description, **damage}))
    assert t2t_show.main([f"--output_dir={tmp_path}", *TEXT, "--json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_mistakes_are_told_without_tensorflow(whole, mistake_in_a_process):
    run = f"--output_dir={whole}"
    assert "`x`" in mistake_in_a_process("t2t_show", run, "--problem=x", "--input=a", "--json")
    missing = "--problem=coco_captions", "--input=/no.png", "--json"
    assert "no file --input=/no.png" in mistake_in_a_process("t2t_show", run, *missing)
