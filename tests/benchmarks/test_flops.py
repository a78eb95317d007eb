"""The formulas of the operations against the matrix products of the graph itself."""

import importlib.util
import math
import pathlib

import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ..models import tiny

_PATH = pathlib.Path(__file__).parents[2] / "benchmarks" / "flops.py"
_SPEC = importlib.util.spec_from_file_location("flops", _PATH)
flops = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(flops)
ROWS, SOURCE, TARGET = 3, 7, 5


@pytest.fixture(autouse=True)
def products_alone(monkeypatch):
    """A convolution leaves out taps that reach nothing, so only its pointwise part is compared."""
    monkeypatch.setattr(
        flops, "separable", lambda positions, taps, inputs, outputs: 2 * positions * inputs * outputs
    )


def products(model, name, features):
    """The operations of the matrix products in a forward pass."""
    function = tf.function(lambda features: model(features, problem=name).logits, autograph=False)
    graph = convert_variables_to_constants_v2(function.get_concrete_function(features)).graph
    counts = []
    for operation in graph.get_operations():
        if operation.type in ("MatMul", "BatchMatMulV2"):
            transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
            inner = operation.inputs[0].shape[-2 if transposed else -1]
            counts.append(2 * math.prod(operation.outputs[0].shape) * inner)
    return sum(counts)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": False},
        {"moe": "none"},
        {"encoder": "transformer", "mixer": "none", "decoder": "transformer"},
        {"encoder": "transformer", "mixer": "none", "decoder": "transformer", "moe": "none"},
    ],
    ids=str,
)
def test_text_to_text(changes):
    hparams = tiny.HPARAMS.replace(**{"moe": "dense", "vocabulary_size": tiny.VOCABULARY.size, **changes})
    specs = {
        side: tf.TensorSpec([ROWS, length], tf.int32)
        for side, length in (("inputs", SOURCE), ("targets", TARGET))
    }
    counted = products(tiny.model(["translation"], hparams), "translation", specs)
    layers = hparams.num_decoder_layers + (hparams.encoder == "multimodel")
    # What a position may not see is computed, too, and then left out.
    unseen = layers * 4 * ROWS * TARGET * (TARGET - 1) / 2 * hparams.hidden_size if hparams.attention else 0
    assert counted == sum(flops.text_to_text(hparams, SOURCE, TARGET, ROWS).values()) + unseen


def test_pictures_to_classes():
    hparams = tiny.HPARAMS.replace(moe="none")
    side = hparams.image_size
    specs = {
        "inputs": tf.TensorSpec([ROWS, side, side, 3]),
        "targets": tf.TensorSpec([ROWS], tf.int32),
    }
    counted = products(tiny.model(["pictures"], hparams), "pictures", specs)
    assert counted == sum(flops.image_to_class(hparams, len(tiny.CLASSES), ROWS).values())


def test_experts_count_as_a_dense_layer_as_large_as_those_chosen():
    chosen = {
        moe: flops.text_to_text(tiny.HPARAMS.replace(moe=moe), SOURCE, TARGET)["experts"]
        for moe in ("top_k", "dense")
    }
    gates = 2 * 2 * tiny.HPARAMS.hidden_size * tiny.HPARAMS.moe_num_experts * (SOURCE + TARGET)
    assert chosen["top_k"] == chosen["dense"] + gates
    assert flops.training({"experts": 2.0}) == 6.0
