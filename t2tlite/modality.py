"""Modality: bottom (data to representation) and top (representation to logits)."""

from typing import Any, NamedTuple

import tensorflow as tf

from t2tlite.component import Component
from t2tlite.hparam import HParams
from t2tlite.problem import Problem
from t2tlite.types import Batch


class Representation(NamedTuple):
    """What every modality turns its data into.

    Attributes:
      x: `[batch, length, hidden]`, zero where padded.
      mask: bool `[batch, length]`, or None where nothing is padded.
      grid: `(height, width)` with height * width = length where the data has two dimensions, else None.
    """

    x: Any
    mask: Any = None
    grid: Any = None


class Modality(Component):
    """Base class of modalities; register one with `@registry.register_modality`.

    A modality overrides what its use needs: `bottom` to be read, `top` to be written, and `embed_targets` to
    be written one position after the other.

    Attributes:
      autoregressive: whether targets are decoded position by position, through mixer and decoder.

    Args:
      hparams: the run's `HParams`.
      size: number of vocabulary entries or classes, where the modality has any.
    """

    autoregressive = False

    def __init__(self, hparams: HParams, size: int | None = None, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        self.size = size

    @classmethod
    def sharing(cls, problem: Problem, side: str, vocabulary: Any, labels: Any) -> tuple[str, int | None]:
        """What distinguishes two nets of this modality, and the net's size.

        Two problems share one net exactly if both the modality's name and this string are equal.

        Args:
          problem: the `Problem`.
          side: "inputs" or "targets".
          vocabulary: the run's `Vocabulary`, or None where no problem has text.
          labels: tuple of the problem's class names, or None.
        """
        return "", None

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents `features[side]`."""
        raise ValueError(f"modality `{type(self).__name__}` can't be read: it defines no bottom")

    def embed_targets(self, targets: tf.Tensor) -> tf.Tensor:
        """Embeds targets for the decoder: `[batch, length]` -> `[batch, length, hidden]`."""
        raise ValueError(f"modality `{type(self).__name__}` can't be decoded: it defines no embed_targets")

    def top(self, representation: Representation, training: bool = False) -> tf.Tensor:
        """Logits: `[batch, length, size]` where autoregressive, else `[batch, size]`."""
        raise ValueError(f"modality `{type(self).__name__}` can't be written: it defines no top")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
