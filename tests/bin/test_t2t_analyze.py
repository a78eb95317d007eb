"""t2t-analyze: its tables and files, and what it says of mistakes."""

import json
import shutil

import numpy as np
import pytest

from t2tlite.bin import t2t_analyze

pytestmark = pytest.mark.usefixtures("eagerly")
PROBLEMS = ["imagenet", "wmt_ende", "wmt_deen"]
FILES = ["analysis.html", "analysis.json", "analysis.md"]


@pytest.fixture
def run(whole, tmp_path):
    """A folder of its own, that may be written to."""
    folder = tmp_path / "run"
    folder.mkdir()
    for path in whole.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def call(capsys):
    """A function of the arguments: exit status, standard output, standard error."""

    def run_command(*arguments):
        status = t2t_analyze.main(list(map(str, arguments)))
        return status, *capsys.readouterr()

    return run_command


def test_tables_and_files(run, call):
    flags = f"--output_dir={run}", "--batches=3", f"--problems={','.join(PROBLEMS)}"
    before = {path.name for path in run.iterdir()}
    status, out, err = call(*flags)
    assert status == 0 and f"are in {run}" in err
    assert sorted({path.name for path in run.iterdir()} - before) == FILES
    found = json.loads((run / "analysis.json").read_text())
    assert (found["checkpoint"], found["split"], found["batches"]) == ("step-00000010", "train", 3)
    assert {name: one["of"] for name, one in found["problems"].items()} == dict.fromkeys(PROBLEMS, 40)
    for layer, reached in (("encoder/experts", [0, 1, 2]), ("decoder/experts", [1, 2])):
        of_layer = found["experts"][layer]
        sums = np.sum(of_layer["share"], axis=1)
        np.testing.assert_allclose(sums, [float(i in reached) for i in range(3)], atol=1e-3)
        assert [i for i in range(3) if of_layer["effective_experts"][i] is not None] == reached
    cosines = {name: np.array(part["cosine"], float) for name, part in found["gradients"].items()}
    assert set(cosines) >= {"all that two problems share", "encoder", "decoder", "encoder/experts", "mixer"}
    assert not any(name.startswith(("image", "categorical", "command")) for name in cosines)
    assert np.isnan(cosines["decoder"][0]).all() and not np.isnan(cosines["decoder"][1:, 1:]).any()
    assert all(np.nanmax(abs(values)) <= 1 for values in cosines.values())
    page, text = (run / "analysis.html").read_text(), (run / "analysis.md").read_text()
    assert page.count("<svg") >= 4 and "<img" not in page and "<script" not in page and "<link" not in page
    assert "encoder/experts: share of positions" in out and "imagenet, wmt_" in out
    for line in ("| imagenet | - | - | - |", "### encoder: cosine of gradients"):
        assert line in text
    written = {name: (run / name).read_bytes() for name in FILES}
    assert call(*flags)[1] == out and {name: (run / name).read_bytes() for name in FILES} == written


def test_examples_that_are_read_twice_are_told_of(run, call):
    names = "--problems=wmt_ende,imagenet"
    status, out, _ = call(f"--output_dir={run}", names, "--split=test", "--batches=4")
    assert status == 0 and "Of wmt_ende, imagenet all examples were read" in out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--output_dir is missing"),
        (
            ["--output_dir=RUN", "--problems=wmt_end,imagenet"],
            "no problem `wmt_end`; did you mean `wmt_ende`",
        ),
        (["--output_dir=RUN", "--problems=imagenet"], "`imagenet` is the only one here; give two or more"),
        (["--output_dir=RUN", "--problems=imagenet,imagenet"], "`imagenet` is the only one here"),
        (["--output_dir=RUN", "--batches=1"], "--batches=1 is not a value of it"),
        (["--output_dir=RUN", "--checkpoint_path=/no"], "/no is no checkpoint"),
        (["--output_dir=RUN", "--data_dir=/no"], "/no"),
        (["--output_dir=/no"], "/no holds no run"),
    ],
)
def test_mistakes(whole, call, flags, message):
    status, out, err = call(*(flag.replace("RUN", str(whole)) for flag in flags))
    assert status == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("t2t-analyze: error: ") and message in err


def test_a_run_without_a_checkpoint(whole, tmp_path, call):
    shutil.copy(whole / "run.json", tmp_path)
    shutil.copy(whole / "vocabulary.model", tmp_path)
    status, _, err = call(f"--output_dir={tmp_path}")
    assert status == 2 and "holds no checkpoint yet" in err


def test_mistakes_are_told_without_tensorflow(whole, mistake_in_a_process):
    assert "`x`" in mistake_in_a_process("t2t_analyze", f"--output_dir={whole}", "--problems=x")
