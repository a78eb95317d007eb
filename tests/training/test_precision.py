"""Training in mixed precision and through XLA: the losses of float32, but for rounding."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.training import launch, trainer

from ..models import tiny
from ..rewind import killed_after

PROBLEMS = "wmt_ende,imagenet"
# With 16 channels or fewer, a depthwise convolution of 15 taps in bfloat16 never ends on some CPUs (TF 2.21).
HPARAMS = tiny.HPARAMS.replace(
    **{"hidden_size": 32, "filter_size": 16, "vocabulary_size": 600, "dropout": 0.1, "num_encoder_layers": 1},
    **{"batch_tokens": 64, "batch_images": 4, "length_bounds": (32,), "num_decoder_layers": 1},
)


def trained(folder, data, steps, problems=PROBLEMS, **changes):
    keras.utils.set_random_seed(0)
    run = launch.make_run(folder, problems, HPARAMS.replace(**changes), data, "sample")
    loop = trainer.Trainer(
        run, trainer.Intervals(steps, save=2, log=1, evaluate=0, eval_steps=1), try_first=False
    )
    loop.train()
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return loop, {line["step"]: line["loss"] for line in lines if line["split"] == "train"}


@pytest.fixture(scope="module")
def exact(sample_data, tmp_path_factory, eager):
    with eager():
        return trained(tmp_path_factory.mktemp("exact"), sample_data, 4)[1]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(exact, sample_data, tmp_path, eagerly, precision):
    """Variables stay float32, the losses are near those of float32, and a run goes on exactly."""
    output_dir, losses = trained(tmp_path / "whole", sample_data, 4, precision=precision)
    assert {variable.dtype for variable in output_dir.model.trainable_variables} == {"float32"}
    assert len(losses) >= 3  # an update may be left out, to lower the loss scale
    for step, loss in losses.items():
        assert abs(loss - exact[step]) < 0.02 * exact[step]
    assert output_dir.model.encoder.compute_dtype == precision.removeprefix("mixed_")
    killed = killed_after(2, tmp_path / "whole", tmp_path / "killed")
    assert trained(killed, sample_data, 4, precision=precision)[1] == losses


def test_a_loss_scale_that_is_too_large_is_lowered(sample_data, tmp_path, eagerly, monkeypatch):
    """Such an update changes nothing else; the scale is part of the checkpoint."""
    set_up = keras.optimizers.LossScaleOptimizer.__init__
    monkeypatch.setattr(
        keras.optimizers.LossScaleOptimizer,
        "__init__",
        lambda self, inner, **more: set_up(self, inner, initial_scale=2.0**70, **more),
    )
    output_dir, _ = trained(tmp_path, sample_data, 0, "wmt_ende", precision="mixed_float16")
    before = [variable.numpy() for variable in output_dir.model.trainable_variables]
    output_dir, _ = trained(tmp_path, sample_data, 2, "wmt_ende", precision="mixed_float16")
    scale = float(tf.convert_to_tensor(output_dir.optimizer.dynamic_scale))
    assert scale == 2.0**68
    for one, other in zip(before, output_dir.model.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, other)
    again, _ = trained(tmp_path, sample_data, 3, "wmt_ende", precision="mixed_float16")
    assert float(tf.convert_to_tensor(again.optimizer.dynamic_scale)) == scale / 2


def test_xla_gives_the_same_losses(sample_data, tmp_path):
    """Without dropout and the gate's noise: XLA draws other numbers from the same seeds."""
    more = {"moe": "none", "dropout": 0.0}
    _, plain = trained(tmp_path / "plain", sample_data, 3, "wmt_ende", jit_compile="false", **more)
    _, jit = trained(tmp_path / "jit", sample_data, 3, "wmt_ende", jit_compile="true", **more)
    np.testing.assert_allclose(list(jit.values()), list(plain.values()), rtol=1e-4)
