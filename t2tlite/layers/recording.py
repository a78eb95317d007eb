"""Recording: what layers see inside (attention weights, chosen experts) is kept while somebody looks.

    with recording.recorder() as seen:
        model(features, problem="translation")
    seen["attention", "multimodel/mixer/attention"]    # float32 [batch, heads, outputs, inputs]

A layer says it by `recording.record(kind, self.path, tensor)`, which does nothing while nobody looks.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

ATTENTION = "attention"  # to the source: float32 [batch, heads, outputs, inputs]
SELF_ATTENTION = "self_attention"  # float32 [batch, heads, outputs, outputs]
EXPERTS = (
    "experts"  # chosen int32 and gates float32, both [batch * length, k], and how many experts there are
)

Recordings = dict[tuple[str, str], Any]

_local = threading.local()


@contextlib.contextmanager
def recorder() -> Iterator[Recordings]:
    """Within, what the layers called in this thread record goes into the dictionary that this gives.

    Of recorders inside one another the innermost gets it. Nothing is recorded while a function is traced:
    its tensors have no values, and what is compiled must not depend on who looked.

    Yields:
      `{(kind, path of the layer): value}`, in the order of the calls; a layer's last call counts.
    """
    before = getattr(_local, "recordings", None)
    recordings: Recordings = {}
    _local.recordings = recordings
    try:
        yield recordings
    finally:
        _local.recordings = before


def record(kind: str, layer: str, value: Any) -> None:
    """Keeps a value for who looks, if anybody does.

    Args:
      kind: what it is, such as `ATTENTION`.
      layer: path of the layer that says it.
      value: as the kind says.
    """
    recordings = getattr(_local, "recordings", None)
    if recordings is not None and tf.executing_eagerly():
        recordings[kind, layer] = value
