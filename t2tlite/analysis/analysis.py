"""What the problems of a run share, in numbers, and as JSON."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from t2tlite.analysis import experts, gradients
from t2tlite.analysis.gradients import Cosines
from t2tlite.analysis.sample import OfProblem
from t2tlite.model import Trainable
from t2tlite.training import paths

ALL_PARTS = "all that two problems share"


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the model that problems share.

    Attributes:
      name: of the part.
      parameters: how many it has.
      cosines: of its gradients.
    """

    name: str
    parameters: int
    cosines: Cosines


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What was found.

    Attributes:
      origin: which checkpoint of which run, on what; as JSON.
      problems: their names.
      seen: what was seen of each.
      layers: `{mixture of experts: {problem: sums of gates [halves, experts]}}`; empty without experts.
      parts: of the model, all of them together first.
    """

    origin: dict[str, Any]
    problems: list[str]
    seen: Mapping[str, OfProblem]
    layers: Mapping[str, Mapping[str, np.ndarray]]
    parts: list[Part]

    @classmethod
    def of(cls, seen: Mapping[str, OfProblem], model: Trainable, origin: dict[str, Any]) -> "Analysis":
        """Of what `sample.take` saw of a model."""
        products = gradients.Products({name: one.gradients for name, one in seen.items()})
        layers = _by_layer(seen)
        sizes = {variable.path: math.prod(variable.shape) for variable in model.trainable_variables}
        named = {ALL_PARTS: list(sizes), **gradients.parts(list(sizes), layers)}
        parts = [
            Part(name, sum(sizes[path] for path in inside), products.cosines(inside))
            for name, inside in named.items()
            if products.shared(inside)
        ]
        shortened = {paths.within(layer): gates for layer, gates in layers.items()}
        return cls(origin, list(seen), seen, shortened, parts)

    def shares(self, layer: str) -> np.ndarray:
        """Of each problem's positions the share that goes to each expert, `[problems, experts]`."""
        return np.stack([experts.shares(gates.sum(axis=0)) for gates in self.layers[layer].values()])

    def as_json(self) -> dict[str, Any]:
        """All figures; null where there is none."""
        read = {
            name: {"examples": one.examples, "of": one.size, "loss": one.loss}
            for name, one in self.seen.items()
        }
        return {
            **self.origin,
            "problems": read,
            "experts": {layer: self._layer_as_json(layer) for layer in self.layers},
            "mean_overlap": _rounded(experts.mean_overlaps(self.layers)) if self.layers else None,
            "gradients": {
                part.name: {
                    "parameters": part.parameters,
                    "cosine": _rounded(part.cosines.values),
                    "ceiling": _rounded(part.cosines.ceilings),
                }
                for part in self.parts
            },
        }

    def _layer_as_json(self, layer: str) -> dict[str, Any]:
        shares = self.shares(layer)
        numbers = [experts.effective_number(row) if row.any() else math.nan for row in shares]
        return {
            "share": _rounded(shares),
            "effective_experts": _rounded(np.array(numbers)),
            "overlap": _rounded(experts.overlaps(self.layers[layer])),
        }


def _by_layer(seen: Mapping[str, OfProblem]) -> dict[str, dict[str, np.ndarray]]:
    """`{layer: {problem: gates}}`, zeros for a problem that doesn't reach a layer."""
    shapes = {layer: gates.shape for one in seen.values() for layer, gates in one.gates.items()}
    return {
        layer: {name: one.gates.get(layer, np.zeros(shape)) for name, one in seen.items()}
        for layer, shape in shapes.items()
    }


def _rounded(array: np.ndarray) -> list:
    """As nested lists for JSON, which has no NaN."""
    if array.ndim > 1:
        return [_rounded(row) for row in array]
    return [None if math.isnan(value) else round(float(value), 4) + 0.0 for value in array]
