"""A hyperparameter set of one's own: `multimodel_tiny` with the gated encoder of this folder."""

import dataclasses

from gated_encoder import GatedHParams

from t2tlite import hparam, registry


@registry.register_hparams
def gated_tiny() -> GatedHParams:
    """`multimodel_tiny` with three gated convolutions as its encoder; for short texts."""
    tiny = dataclasses.asdict(hparam.get("multimodel_tiny"))
    return GatedHParams(**tiny | {"encoder": "gated", "learning_rate_decay_steps": 400})
