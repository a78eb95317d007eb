"""t2t-avg: which checkpoints are averaged, that the result decodes, and what is said of mistakes."""

import types

import numpy as np
import pytest

from t2tlite import registry
from t2tlite.bin import t2t_avg, t2t_decode
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.run import Run

from ..models import tiny

STEPS = (8, 9, 10)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with three checkpoints of a model that was never trained."""
    folder = tmp_path_factory.mktemp("t2t_avg") / "run"
    problems = {problem.name: problem for problem in registry.problems("wmt_ende")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8,))
    vocabulary = Vocabulary.train(["the red circle", "the blue square"] * 3, 280)
    new_run = Run(folder, hparams, problems, {}, vocabulary, str(folder / "data"), "sample")
    new_run.save()
    model = new_run.make_model()
    for step in STEPS:
        nothing = types.SimpleNamespace(variables=[])
        tiny.randomise(model, seed=step)
        checkpoint.save(folder / CHECKPOINTS, step, model, nothing, {}, {}, keep=5)
    return new_run


@pytest.fixture
def call(capsys):
    """A function of the arguments: exit status, standard output, standard error."""

    def run_command(*arguments):
        status = t2t_avg.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_command


def weights(run, path=None):
    return {v.path: v.numpy() for v in run.restore_model(path).variables}


@pytest.mark.parametrize(
    ("flags", "steps"),
    [
        (["--last=2"], (9, 10)),
        (["--last=3"], STEPS),
        (["--checkpoints=step-00000008, RUN/checkpoints/step-00000010,"], (8, 10)),
    ],
)
def test_weights_are_the_mean(run, call, tmp_path, flags, steps):
    flags = [flag.replace("RUN", str(run.output_dir)) for flag in flags]
    to = tmp_path / "average"
    status, out, err = call(f"--output_dir={run.output_dir}", f"--to={to}", *flags)
    names = [f"step-{step:08d}" for step in steps]
    assert (status, out, err) == (0, f"{to}: the mean of {', '.join(names)}\n", "")
    each = [weights(run, run.output_dir / CHECKPOINTS / name) for name in names]
    for path, mean in weights(run, to).items():
        expected = np.mean([values[path].astype(np.float64) for values in each], axis=0)
        np.testing.assert_array_equal(mean, expected.astype(np.float32), err_msg=path)


def test_the_average_decodes_and_is_not_taken_for_the_newest(run, call, tmp_path, capsys):
    newest = weights(run)
    status, out, _ = call(f"--output_dir={run.output_dir}", "--last=3")
    average = run.output_dir / CHECKPOINTS / "avg-00000010-3"
    assert status == 0 and out.startswith(f"{average}: ")
    assert all(np.array_equal(value, newest[path]) for path, value in weights(run).items())
    (tmp_path / "in").write_text("the red circle\n")
    outputs = []
    for more in ([], [f"--checkpoint_path={average}"]):
        argv = [f"--output_dir={run.output_dir}", f"--decode_from_file={tmp_path}/in", *more]
        assert t2t_decode.main(argv) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--last=2"], "--output_dir is missing"),
        (["--output_dir=RUN"], "give one of --last=N, --best=N and --checkpoints=A,B"),
        (["--output_dir=RUN", "--last=2", "--best=2"], "give one of"),
        (["--output_dir=RUN", "--last=1"], "expected an integer, 2 or more"),
        (["--output_dir=RUN", "--last=4"], "holds 3 checkpoints, and 4 are asked for"),
        (["--output_dir=RUN", "--best=2"], "0 of 3 checkpoints hold a score, and --best=2 needs 2"),
        (["--output_dir=/no", "--last=2"], "/no holds no run"),
        (["--output_dir=RUN", "--checkpoints=step-00000008"], "names 1 checkpoint; an average takes two"),
        (["--output_dir=RUN", "--checkpoints=step-00000008,step-8"], "names `step-8`, which is neither in"),
        (["--output_dir=RUN", "--checkpoints=step-00000008,RUN"], "RUN is no checkpoint"),
        (
            ["--output_dir=RUN", "--checkpoints=step-00000008,RUN/checkpoints/step-00000008"],
            "names `RUN/checkpoints/step-00000008` twice",
        ),
        (["--output_dir=RUN", "--last=2", "--to=RUN/checkpoints/step-00000008"], "is no average"),
        (["--output_dir=RUN", "--last=2", "--to=/proc/x"], "can't write the checkpoint /proc/x"),
    ],
)
def test_mistakes(run, call, flags, message):
    status, out, err = call(*(flag.replace("RUN", str(run.output_dir)) for flag in flags))
    assert status == 2 and out == ""
    assert err.startswith("t2t-avg: error: ") and err.count("\n") == 1
    assert message in err.replace(str(run.output_dir), "RUN")


def test_mistakes_are_told_without_tensorflow(run, mistake_in_a_process):
    message = mistake_in_a_process("t2t_avg", f"--output_dir={run.output_dir}", "--checkpoints=a,b")
    assert "`a`" in message
