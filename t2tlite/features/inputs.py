"""Inputs: what a person gives (a sentence, the path of a picture or a sound) to what the model reads."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2tlite.errors import UserError

LONGEST = 16  # times the last bound of training; longer inputs are refused


class InputReader:
    """Base class of what reads inputs of one kind; see `Feature.input_reader`.

    Attributes:
      spec: `{name: TensorSpec}` of the features of a batch.
      bounds: lengths to which batches are padded; the last is the longest in training.
    """

    spec: dict[str, Any]
    bounds: tuple[int, ...]

    def read(self, value: Any) -> Any:
        """What a person gives to what the model reads: an array `[length, ...]`, or for named inputs several.

        Raises:
          UserError: it is not of this kind, or is far longer than any in training.
        """
        raise NotImplementedError

    def room(self, example: Any) -> int:
        """How many positions an output may need, as far as the input tells; 0: it doesn't."""
        return 0

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        """What `read` gave, as the features of a batch."""
        raise NotImplementedError

    def alone(self, example: Any) -> dict[str, np.ndarray]:
        """A batch of one example, padded such that `Feature.positions` knows its places."""
        return self.batch([example])


def padded(rows: Sequence[np.ndarray], bounds: Sequence[int]) -> np.ndarray:
    """`[rows, width]`, as wide as the first bound that holds them all, or else as the longest."""
    longest = max(len(row) for row in rows)
    width = next((bound for bound in bounds if longest <= bound), longest)
    array = np.zeros((len(rows), width), rows[0].dtype)
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return array


def check_length(length: int, bounds: Sequence[int], what: str) -> None:
    """Raises a UserError where an input is far longer than any in training; `what` follows the number."""
    if length > LONGEST * bounds[-1]:
        raise UserError(
            f"an input of {length} {what} is too long; the model was trained on at most {bounds[-1]}, and at"
            f" most {LONGEST} times as much is read"
        )


def path(value: Any) -> str:
    """The path that a person gives.

    Raises:
      UserError: it is none.
    """
    if not isinstance(value, str | os.PathLike):
        raise UserError(f"expected a path, the bytes of a file, or an array; received {value!r:.60}")
    return os.fspath(value)
