"""In which direction problems pull on what they share: cosines of their mean gradients, and their noise."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from t2tlite.training import paths

Gradients = Mapping[str, np.ndarray]
"""Sums of gradients over some batches, by the path of the variable."""


@dataclasses.dataclass(frozen=True)
class Cosines:
    """Of the mean gradients of each pair of problems, in one part of the model.

    Attributes:
      values: float64 `[problems, problems]`. On the diagonal is the cosine of the mean gradients of two
        halves of a problem's own batches. NaN where two problems share no variable of the part.
      ceilings: float64 `[problems, problems]`, about what the cosine of two problems would be if both pulled
        in the same direction: less than 1, since means over batches are noisy. It is the root of the
        product of their reliabilities 2 r / (1 + r) (Spearman and Brown), r being the cosine of the halves.
    """

    values: np.ndarray
    ceilings: np.ndarray


class Products:
    """Scalar products of the gradients of problems, variable by variable; any parts can be made of them.

    Args:
      gradients: `{problem: sums of gradients over each half of its batches}`; a variable that a problem
        doesn't use has no entry.
    """

    def __init__(self, gradients: Mapping[str, tuple[Gradients, Gradients]]) -> None:
        self._halves = list(gradients.values())
        self.paths = list(dict.fromkeys(path for halves in self._halves for path in halves[0]))
        by_path = [self._of_variable(path) for path in self.paths]
        self._whole = np.stack([whole for whole, _ in by_path])  # [variables, problems, problems]
        self._within = np.stack([within for _, within in by_path])  # [variables, problems, 3]
        self._used = np.array([[path in halves[0] for halves in self._halves] for path in self.paths])

    def _of_variable(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """Products of whole sums, `[problems, problems]`; and of halves, `[problems, (ab, aa, bb)]`."""
        number = len(self._halves)
        sums: list[np.ndarray | None] = [None] * number
        within = np.zeros([number, 3])
        for i, halves in enumerate(self._halves):
            if path in halves[0]:
                a, b = (half[path].astype(np.float64).ravel() for half in halves)
                sums[i], within[i] = a + b, (a @ b, a @ a, b @ b)
        whole = np.zeros([number, number])
        for i, one in enumerate(sums):
            for j, other in enumerate(sums):
                if one is not None and other is not None:
                    whole[i, j] = one @ other
        return whole, within

    def cosines(self, part: Iterable[str] | None = None) -> Cosines:
        """Those in the variables with these paths, or in all; of each pair in those that both use."""
        wanted = set(self.paths if part is None else part)
        inside = np.array([path in wanted for path in self.paths])
        number = len(self._halves)
        values, ceilings = np.full([number, number], np.nan), np.full([number, number], np.nan)
        for i in range(number):
            for j in range(number):
                common = inside & self._used[:, i] & self._used[:, j]
                halves = self._within[common].sum(axis=0)  # [problems, 3]
                if i == j:
                    values[i, i] = _cosine(*halves[i])
                else:
                    whole = self._whole[common].sum(axis=0)
                    values[i, j] = _cosine(whole[i, j], whole[i, i], whole[j, j])
                ceilings[i, j] = (_reliability(halves[i]) * _reliability(halves[j])) ** 0.5
        return Cosines(values, ceilings)

    def shared(self, part: Iterable[str]) -> bool:
        """Whether two problems or more use a variable of the part."""
        wanted = set(part)
        return any(
            used.sum() > 1 for path, used in zip(self.paths, self._used, strict=True) if path in wanted
        )


def _cosine(product: float, one: float, other: float) -> float:
    """Of two vectors, from their product and their squares; NaN where one is 0."""
    return float(product / (one * other) ** 0.5) if one * other > 0 else np.nan


def _reliability(halves: np.ndarray) -> float:
    """How much of the mean over all batches is no noise, in [0, 1]; NaN without a gradient."""
    cosine = np.maximum(_cosine(*halves), 0.0)  # NaN stays
    return float(2 * cosine / (1 + cosine))


def parts(variables: Sequence[str], mixtures: Iterable[str]) -> dict[str, list[str]]:
    """The paths of variables by the part of the model that they belong to.

    A mixture of experts is a part of its own, and so is a variable that is no deeper than the part, as the
    embedding and the softmax of a language net.

    Args:
      variables: their paths, the model's name first.
      mixtures: paths of the layers with experts.
    """
    name_of = _namer([paths.within(mixture) for mixture in mixtures])
    found: dict[str, list[str]] = {}
    for path in variables:
        found.setdefault(name_of(paths.within(path)), []).append(path)
    return found


def _namer(mixtures: Sequence[str]) -> Callable[[str], str]:
    def name_of(path: str) -> str:
        for mixture in mixtures:
            if path.startswith(f"{mixture}/"):
                return mixture
        return path if path.count("/") < 2 else path.partition("/")[0]

    return name_of
