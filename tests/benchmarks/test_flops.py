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
        flops, "separable", lambda positions, taps, *widths: flops.product(positions, *widths)
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
    assert counted == flops.total(flops.text_to_text(hparams, SOURCE, TARGET, ROWS)) + unseen


def test_pictures_to_classes():
    hparams = tiny.HPARAMS.replace(moe="none")
    side = hparams.image_size
    specs = {
        "inputs": tf.TensorSpec([ROWS, side, side, 3]),
        "targets": tf.TensorSpec([ROWS], tf.int32),
    }
    counted = products(tiny.model(["pictures"], hparams), "pictures", specs)
    assert counted == flops.total(flops.image_to_class(hparams, len(tiny.CLASSES), ROWS))


def test_sounds_to_text():
    hparams = tiny.HPARAMS.replace(moe="dense", vocabulary_size=tiny.VOCABULARY.size, attention=False)
    seconds = 0.24
    specs = {
        "inputs": tf.TensorSpec([ROWS, round(seconds * tiny.SECONDS_TO_SAMPLES)]),
        "inputs_length": tf.TensorSpec([ROWS], tf.int32),
        "targets": tf.TensorSpec([ROWS, TARGET], tf.int32),
    }
    counted = products(tiny.model(["spoken"], hparams), "spoken", specs)
    assert counted == flops.total(flops.sound_to_text(hparams, seconds, TARGET, ROWS))


def test_pictures_to_text():
    hparams = tiny.HPARAMS.replace(moe="none", vocabulary_size=tiny.VOCABULARY.size, attention=False)
    side = hparams.image_size
    specs = {
        "inputs": tf.TensorSpec([ROWS, side, side, 3]),
        "targets": tf.TensorSpec([ROWS, TARGET], tf.int32),
    }
    counted = products(tiny.model(["captions"], hparams), "captions", specs)
    assert counted == flops.total(flops.image_to_text(hparams, TARGET, ROWS))


def test_positions_of_decoding_are_those_of_a_whole_output():
    """Mixer, decoder and softmax of each position, added up, are what all take together."""
    hparams = tiny.HPARAMS.replace(moe="dense")
    steps = [flops.text_position(hparams, SOURCE, past) for past in range(TARGET)]
    whole = flops.text_to_text(hparams, SOURCE, TARGET)
    encoder = flops.text_to_text(hparams, SOURCE, 0)
    attentions = 1 + hparams.num_decoder_layers
    memory = attentions * flops.product(SOURCE, hparams.hidden_size, 2 * hparams.hidden_size).flops
    assert sum(map(flops.total, steps)) == flops.total(whole) - flops.total(encoder)
    assert encoder["attention"].flops == memory  # keys and values of the source, once


def test_values_are_those_between_layers():
    """Two dense layers, read and written; a convolution with both of its parts in one pass."""
    assert flops.product(3, 4, 5) == flops.Work(120, 27)
    assert flops.separable(3, 7, 4, 5).values == 27
    parts = flops.text_to_text(tiny.HPARAMS.replace(moe="dense", moe_k=1), SOURCE, TARGET)
    inner = tiny.HPARAMS.hidden_size + tiny.HPARAMS.filter_size
    assert parts["experts"].values == 2 * inner * (SOURCE + TARGET)


def test_experts_count_as_a_dense_layer_as_large_as_those_chosen():
    chosen = {
        moe: flops.text_to_text(tiny.HPARAMS.replace(moe=moe), SOURCE, TARGET)["experts"].flops
        for moe in ("top_k", "dense")
    }
    gates = 2 * 2 * tiny.HPARAMS.hidden_size * tiny.HPARAMS.moe_num_experts * (SOURCE + TARGET)
    assert chosen["top_k"] == chosen["dense"] + gates
    assert flops.training({"experts": flops.Work(2.0, 1.0)}) == {"experts": flops.Work(6.0, 3.0)}
