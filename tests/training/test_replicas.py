"""Updates on 1, 2 and 4 devices are the same, with and without XLA, dropout and the gate's noise on.

The further ways of updating are compared on 1 and 2. With experts on different replicas moments and averages
are compared as well, and what full experts drop.
"""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).with_name("on_replicas.py")


# Ways that share a process, most of whose time it takes to import TensorFlow.
TOGETHER = [
    ("plain", "micro_steps", "frozen", "weighted", "distilled"),
    ("transformer", "lstm", "named", "experts", "experts_micro_steps", "moments", "moments_micro_steps"),
    ("contrastive", "contrastive_micro_steps", "energy", "energy_micro_steps"),
    ("xla",),
    ("contrastive_xla", "energy_xla"),
]


@pytest.mark.parametrize("modes", TOGETHER, ids="+".join)
def test_updates_do_not_depend_on_the_number_of_devices(tmp_path, modes):
    """Losses, the experts' losses, gradient norms, counts and weights, to the rounding of float32."""
    path = tmp_path / "figures.npz"
    completed = subprocess.run([sys.executable, "-P", SCRIPT, path, *modes], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    figures = dict(np.load(path))
    for mode in modes:
        check(
            mode,
            {name.removeprefix(f"{mode}:"): figures[name] for name in figures if name.startswith(f"{mode}:")},
        )


def check(mode, actual):
    names = [name.partition(":")[2] for name in actual if name.startswith("1:")]
    assert {"loss", "gradient_norm", "targets"} < set(names)
    if not mode.startswith("energy"):  # of a model without experts
        assert any(name.startswith("choices/encoder") for name in names)
        assert (actual["1:expert_loss"] > 0.01).all()
    if mode == "weighted":
        assert len(set(actual["1:loss_weight"])) > 1 and any(name.startswith("adam/loss_w") for name in names)
    for name in names:
        one = actual[f"1:{name}"]
        for number in (2, 4) if mode in ("plain", "xla", "experts", "moments") else (2,):
            tolerance = 1e-5 * np.abs(one).max()
            np.testing.assert_allclose(
                actual[f"{number}:{name}"], one, rtol=0, atol=tolerance, err_msg=f"{mode}: {name}"
            )
