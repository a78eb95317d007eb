"""Inspection: one teacher-forced pass over one example, with what its layers record."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2tlite.decoding.inspection import results
from t2tlite.decoding.inspection.results import Attention, ExpertChoice, Mixture
from t2tlite.errors import UserError
from t2tlite.features.encoding import MARK
from t2tlite.features.positions import Encoded, Positions
from t2tlite.ids import PAD
from t2tlite.layers import recording
from t2tlite.model import Embeddable
from t2tlite.types import Batch


class _Pass(NamedTuple):
    """One example, and what the layers of encoder and decoder recorded of it.

    `valid` is bool `[length]`, False for the padding of the input.
    """

    output: str
    outputs: tuple[str, ...]
    inputs: Positions
    valid: np.ndarray
    of_encoder: recording.Recordings
    of_decoder: recording.Recordings


def attention(predictor: Any, problem: str, value: Any, output: str | None = None) -> Attention:
    """Where the model looks as it writes an output; see `Predictor.attention`."""
    predictor.check(problem)
    results.check_attention(predictor.run.problems[problem], predictor.run.hparams)
    traced = _pass(predictor, problem, value, output)
    weights = {
        _short(predictor, layer): _one(recorded)[:, :, traced.valid]
        for (kind, layer), recorded in traced.of_decoder.items()
        if kind == recording.ATTENTION
    }
    self_weights = {
        _short(predictor, layer): _one(recorded)
        for (kind, layer), recorded in traced.of_decoder.items()
        if kind == recording.SELF_ATTENTION
    }
    if not weights and not self_weights:
        raise UserError(
            f"what writes the outputs of the model `{predictor.run.hparams.model}` records no attention;"
            " t2tlite.layers.recording says how a layer does it"
        )
    return Attention(problem, traced.output, traced.outputs, traced.inputs, weights, self_weights)


def experts(predictor: Any, problem: str, value: Any, output: str | None = None) -> ExpertChoice:
    """Which experts work at which position; see `Predictor.experts`."""
    predictor.check(problem)
    results.check_experts(predictor.run.problems[problem], predictor.run.hparams)
    traced = _pass(predictor, problem, value, output)
    everywhere = np.ones(len(traced.outputs), bool)
    sides = (("inputs", traced.of_encoder, traced.valid), ("outputs", traced.of_decoder, everywhere))
    mixtures = {}
    for side, recordings, valid in sides:
        for (kind, layer), recorded in recordings.items():
            if kind == recording.EXPERTS:
                chosen, gates, count = recorded
                mixtures[_short(predictor, layer)] = Mixture(
                    side, chosen.numpy()[valid], gates.numpy()[valid], count
                )
    if not mixtures:
        raise UserError(
            f"the model `{predictor.run.hparams.model}` records no choice of experts;"
            " t2tlite.layers.recording says how a layer does it"
        )
    return ExpertChoice(problem, traced.output, traced.outputs, traced.inputs, mixtures)


def _pass(predictor: Any, problem: str, value: Any, output: str | None) -> _Pass:
    """Runs the model eagerly on one example, each output given those before it."""
    definition = predictor.run.problems[problem]
    results.check_output(definition, output)
    if not isinstance(predictor.model, Embeddable):
        raise UserError(
            f"the model `{predictor.run.hparams.model}` shows nothing of its inside: it is no `Embeddable`"
            " (t2tlite/model.py)"
        )
    if output is None:
        output = predictor.predict(problem, [value])[0].text
    model: Any = predictor.model  # more is asked of it below, of what writes text
    reader = predictor.reader(problem)
    read = reader.read(predictor.model_input(problem, {"inputs": value}))
    features = {name: tf.convert_to_tensor(array) for name, array in reader.alone(read).items()}
    with recording.recorder() as of_encoder:
        source, _ = model.encode(features, problem)
    length = int(source.x.shape[1])
    valid = np.ones(length, bool) if source.mask is None else source.mask.numpy()[0]
    encoded = _encoded(features, model.sources(features, problem), source, int(valid.sum()))
    inputs = definition.inputs.positions(read, encoded, predictor.run.vocabulary)
    if not definition.targets.is_text:
        return _Pass(output, (), inputs, valid, of_encoder, {})
    ids = tf.constant(_output_ids(predictor, definition, value, output)[None])
    with recording.recorder() as of_decoder:
        before = tf.concat([model.start(problem, 1), model.embed(ids, problem)[:, :-1]], axis=1)
        model.decode(before, model.memory(source), problem, ids != PAD)
    outputs = tuple(predictor.run.vocabulary.piece(i) for i in ids.numpy()[0])
    return _Pass(output, outputs, inputs, valid, of_encoder, of_decoder)


def _output_ids(predictor: Any, problem: Any, value: Any, output: str) -> np.ndarray:
    """The ids of an output, the end token last, int32 `[length]`."""
    text = problem.to_text({"inputs": value, "targets": output})["targets"]
    text = text[0] if isinstance(text, list) else text
    return problem.targets.input_reader(predictor.run.vocabulary, predictor.run.hparams).read(text)


def _encoded(features: Batch, parts: Mapping[str, Any], source: Any, count: int) -> Encoded:
    """Of the encoded inputs; `parts` are what the nets made of each, by its name in the batch."""
    encoded = {}
    for name, part in parts.items():
        length = part.x.shape[1] if part.mask is None else int(tf.math.count_nonzero(part.mask))
        grid = None if part.grid is None else (int(part.grid[0]), int(part.grid[1]))
        encoded[name.rpartition(MARK)[2]] = Encoded(
            int(features[name].shape[1]), int(part.x.shape[1]), length, grid
        )
    if list(parts) == ["inputs"]:
        return encoded["inputs"]
    width = sum(one.width for one in encoded.values())
    return Encoded(width, int(source.x.shape[1]), count, parts=encoded)


def _one(weights: tf.Tensor) -> np.ndarray:
    """The only example of a batch."""
    return weights.numpy()[0]


def _short(predictor: Any, layer: str) -> str:
    return layer.removeprefix(f"{predictor.model.name}/")
