"""Which experts work for which problems: shares, their overlap, and the effective number of experts."""

from collections.abc import Mapping

import numpy as np

from t2tlite.layers import recording


def gates_by_expert(recordings: recording.Recordings) -> dict[str, np.ndarray]:
    """How much each expert worked in a forward pass.

    Args:
      recordings: of `recording.recorder`.

    Returns:
      `{path of the layer: float64 [experts]}`: the sum over all positions of the gates of each expert. The
      gates of padding are 0.
    """
    counted = {}
    for (kind, layer), recorded in recordings.items():
        if kind == recording.EXPERTS:
            chosen, gates, number = recorded
            weights = np.asarray(gates, np.float64).ravel()
            counted[layer] = np.bincount(np.asarray(chosen).ravel(), weights, minlength=number)
    return counted


def shares(gates: np.ndarray) -> np.ndarray:
    """Sums of gates `[..., experts]` as shares that sum to 1; zeros where there are no gates."""
    total = gates.sum(axis=-1, keepdims=True)
    return np.divide(gates, total, out=np.zeros_like(gates), where=total > 0)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """1 less the total variation distance of two distributions: 1 for the same, 0 where none is shared."""
    return float(np.minimum(one, other).sum())


def effective_number(distribution: np.ndarray) -> float:
    """exp of the entropy: n where n experts do the same share of the work, 1 where one does it all."""
    positive = distribution[distribution > 0]
    return float(np.exp(-np.sum(positive * np.log(positive))))


def overlaps(gates: Mapping[str, np.ndarray]) -> np.ndarray:
    """The overlap of each pair of problems in a layer, float64 `[problems, problems]`.

    On the diagonal is that of two halves of a problem's own batches, which pairs can't be expected to exceed.
    NaN where a problem doesn't reach the layer.

    Args:
      gates: `{problem: [2, experts]}`, the sums of gates of both halves.
    """
    matrix = np.full([len(gates)] * 2, np.nan)
    for i, one in enumerate(gates.values()):
        for j, other in enumerate(gates.values()):
            if not one.any() or not other.any():
                continue
            pair = shares(one) if i == j else (shares(one.sum(axis=0)), shares(other.sum(axis=0)))
            matrix[i, j] = overlap(*pair)
    return matrix


def mean_overlaps(layers: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """`overlaps` of all layers together: of each pair the mean over the layers that both reach."""
    stacked = np.stack([overlaps(gates) for gates in layers.values()])
    known = ~np.isnan(stacked)
    total, number = np.where(known, stacked, 0).sum(axis=0), known.sum(axis=0)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
