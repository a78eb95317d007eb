"""Which checkpoint is decoded with, and when two are the same."""

import os
import re

import pytest

from t2tlite.checkpoints import locate
from t2tlite.errors import UserError


def make_checkpoints(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "state.index").write_text(name)
    return folder


def test_found(tmp_path):
    """The newest by number; others than whole checkpoints are none."""
    folder = make_checkpoints(
        tmp_path / "checkpoints", "step-00000099", "step-100000000", "step-00000100", "tmp-999999999"
    )
    make_checkpoints(folder / "best" / "wmt_ende", "step-00000007")
    (folder / "step-200000000").mkdir()
    assert locate.find(str(tmp_path), None) == folder / "step-100000000"
    assert locate.find("/no", str(folder / "step-00000099")) == folder / "step-00000099"
    best = folder / "best" / "wmt_ende"
    assert locate.find(str(tmp_path), str(best)) == best / "step-00000007"
    for path in (folder / "best", folder / "step-200000000", tmp_path / "no"):
        expected = (
            f"{re.escape(str(path))} is no checkpoint; expected a folder such as OUTPUT_DIR/checkpoints"
        )
        with pytest.raises(UserError, match=expected):
            locate.find(str(tmp_path), str(path))
    with pytest.raises(UserError, match="best holds no checkpoint yet; train with t2t-train"):
        locate.find(str(folder / "best"), None)


def test_identity(tmp_path):
    """That of the weights and of what describes the model; not of where they are, or what else is noted."""
    folder = make_checkpoints(tmp_path, "step-00000001", "step-00000002")
    one, two = folder / "step-00000001", folder / "step-00000002"
    description = {"problems": ["a"], "hparams": {"hidden_size": 4}, "data_dir": "x"}
    identity = locate.identity(description, one)
    assert identity["checkpoint"].startswith("step-00000001 (")
    assert locate.identity(description, two)["checkpoint"] != identity["checkpoint"]
    os.utime(one / "state.index", (5, 5))
    assert locate.identity({**description, "data_dir": "y"}, one) == identity
    assert locate.identity({**description, "hparams": {"hidden_size": 5}}, one)["run"] != identity["run"]
    (one / "state.index").write_text("other weights")
    assert locate.identity(description, one)["checkpoint"] != identity["checkpoint"]
    with pytest.raises(UserError, match="can't read the checkpoint .*no: No such file"):
        locate.identity(description, folder / "no")
