"""Results of an inspection: the attention and the experts of every block, as arrays. Needs no TensorFlow."""

import dataclasses
from typing import Any

import numpy as np

from t2tlite.decoding.inspection.panels import Panel
from t2tlite.errors import UserError
from t2tlite.features.positions import DIGITS, Positions
from t2tlite.hparam import HParams
from t2tlite.plural import counted

_MOST_EXPERTS = 32  # that are shown whether they were chosen or not


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What every inspection of an example gives.

    Attributes:
      problem: its name.
      output: what was written, as a person reads it; of a class its name.
      outputs: the subword units of the output, a space written as U+2581, the end mark last; () for a class.
      inputs: what the positions of the input are.
    """

    problem: str
    output: str
    outputs: tuple[str, ...]
    inputs: Positions

    def picture(self, heads: bool = False, format: str = "png") -> bytes:
        """The result as an image file.

        Args:
          heads: every head of attention by itself; default: their mean.
          format: "png", "svg" or "pdf".
        """
        from t2tlite.decoding.inspection import plots  # imports matplotlib

        return plots.draw(f"{self.problem}: {self.output}", self.panels(heads), format)

    def panels(self, heads: bool = False) -> list[list[Panel]]:
        """What a picture consists of, in groups; `heads` as for `picture`."""
        raise NotImplementedError(f"{type(self).__name__} defines no panels(heads)")

    def as_json(self) -> dict[str, Any]:
        """Everything but what the model read, as JSON holds it."""
        fields = {"problem": self.problem, "output": self.output, "outputs": list(self.outputs)}
        return {**fields, "inputs": self.inputs.as_json()}


@dataclasses.dataclass(frozen=True, eq=False)
class Attention(Inspection):
    """Where the model looked when it wrote each unit of an output.

    Attributes:
      weights: by name of the attention block, in the order of the model: float32 `[heads, outputs, inputs]`,
        of which each row sums to 1.
      self_weights: the same to the output itself: float32 `[heads, outputs, outputs]`. A row is for the unit
        that is written; column 0 is the command token, column i + 1 the i-th unit.
    """

    weights: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    self_weights: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def panels(self, heads: bool = False) -> list[list[Panel]]:
        """A group for each block, of its heads, or one of all means; self-attention if there is no other."""
        blocks = [(name, weights, self.inputs) for name, weights in self.weights.items()]
        if not blocks:
            positions = Positions(len(self.outputs), ("<command>", *self.outputs[:-1]))
            blocks = [(name, weights, positions) for name, weights in self.self_weights.items()]
        if heads:
            return [
                [Panel(f"{name}, head {i}", head, self.outputs, columns) for i, head in enumerate(weights, 1)]
                for name, weights, columns in blocks
            ]
        means = []
        for name, weights, columns in blocks:
            title = f"{name}, mean of {counted(len(weights), 'head')}"
            means.append(Panel(title, weights.mean(axis=0), self.outputs, columns))
        return [means]

    def as_json(self) -> dict[str, Any]:
        weights = {name: _rounded(value) for name, value in self.weights.items()}
        self_weights = {name: _rounded(value) for name, value in self.self_weights.items()}
        return {**super().as_json(), "weights": weights, "self_weights": self_weights}


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """What a mixture of experts chose.

    Attributes:
      side: "inputs" or "outputs": whose positions these are.
      experts: int32 `[positions, k]`, numbers of the chosen experts, the strongest first.
      gates: float32 `[positions, k]`, their weights; each row sums to 1, but for `switch`, where it is the
        chosen expert's probability.
      count: how many experts there are to choose from.
    """

    side: str
    experts: np.ndarray
    gates: np.ndarray
    count: int

    def dense(self) -> np.ndarray:
        """The gate of every expert, chosen or not: float32 `[positions, count]`."""
        gates = np.zeros((len(self.experts), self.count), np.float32)
        np.put_along_axis(gates, self.experts, self.gates, axis=1)
        return gates


@dataclasses.dataclass(frozen=True, eq=False)
class ExpertChoice(Inspection):
    """Which experts worked at which position.

    Attributes:
      mixtures: by name of the mixture of experts, in the order of the model.
    """

    mixtures: dict[str, Mixture] = dataclasses.field(default_factory=dict)

    def panels(self, heads: bool = False) -> list[list[Panel]]:
        """A group for each mixture: a row for each expert, or if there are many for each that was chosen."""
        sides = {"inputs": self.inputs, "outputs": Positions(len(self.outputs), self.outputs)}
        groups = []
        for name, mixture in self.mixtures.items():
            columns = sides[mixture.side]
            shown = np.arange(mixture.count)
            if mixture.count > _MOST_EXPERTS or columns.grid:
                shown = np.unique(mixture.experts)
            title = f"{name}, of {mixture.side}: gates of {len(shown)} of {mixture.count} experts"
            rows = tuple(f"expert {i}" for i in shown)
            groups.append([Panel(title, mixture.dense().T[shown], rows, columns)])
        return groups

    def as_json(self) -> dict[str, Any]:
        mixtures = {
            name: {
                "side": one.side,
                "experts": one.experts.tolist(),
                "gates": _rounded(one.gates),
                "count": one.count,
            }
            for name, one in self.mixtures.items()
        }
        return {**super().as_json(), "mixtures": mixtures}


def check_attention(problem: Any, hparams: HParams) -> None:
    """Raises a UserError where a problem's outputs, or a run's model, come about without attention."""
    if not problem.targets.is_text:
        raise UserError(
            f"problem `{problem.name}` writes a {problem.targets.kind}, for which no attention is used; ask"
            " for its experts instead"
        )
    if not getattr(hparams, "attention", True):
        raise UserError(
            "the model was trained with attention=False, so there are no weights of attention; train one"
            " with attention=True"
        )


def check_experts(problem: Any, hparams: HParams) -> None:
    """Raises a UserError where a run's model has no experts."""
    if getattr(hparams, "moe", "") == "none":
        raise UserError(
            "the model was trained with moe=none, so there are no experts; train one with experts"
        )


def check_output(problem: Any, output: Any) -> None:
    """Raises a UserError unless an output can be given for the problem, or none is."""
    if output is None:
        return
    if not problem.targets.is_text:
        raise UserError(f"problem `{problem.name}` writes a {problem.targets.kind}; give no output")
    if not isinstance(output, str):
        raise UserError(f"expected the output as a str; received {output!r:.60}")


def _rounded(weights: np.ndarray) -> list:
    return np.round(weights.astype(np.float64), DIGITS).tolist()
