"""Types of what passes between the parts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import tensorflow as tf

Batch: TypeAlias = "Mapping[str, tf.Tensor]"
"""A batch as a problem's pipeline gives it: `inputs`, `inputs_length`, `inputs.NAME`, `targets` and so on."""

Shape: TypeAlias = tuple[int | Any, ...]
"""The shape that a layer is built for: None where a size is not fixed, which that of the last axis is."""
