"""A hyperparameter set of one's own: `multimodel_tiny` with the gated encoder of this folder."""

from t2tlite import hparam, registry
from t2tlite.hparam import HParams


@registry.register_hparams
def gated_tiny() -> HParams:
    """`multimodel_tiny` with three gated convolutions as its encoder; for short texts."""
    return hparam.get("multimodel_tiny").replace(encoder="gated", learning_rate_decay_steps=400)
