"""Panel: a matrix of a plot, with what its rows and columns are."""

import dataclasses

import numpy as np

from t2tlite.features.positions import Positions


@dataclasses.dataclass(frozen=True)
class Panel:
    """One matrix to be drawn.

    Attributes:
      title: what it is.
      weights: float `[rows, columns]`.
      rows: a label for each row.
      columns: what the columns are.
    """

    title: str
    weights: np.ndarray
    rows: tuple[str, ...]
    columns: Positions
