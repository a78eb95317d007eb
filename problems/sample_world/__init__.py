"""The sample world: small corpora for all eight problems, drawn from one seed, without a download."""

from t2tlite.problems.sample_world.corpora import (
    IMAGE_CLASSES,
    captions,
    images,
    parsing,
    speech,
    translation,
)
from t2tlite.problems.sample_world.draws import SPLITS

__all__ = ["IMAGE_CLASSES", "SPLITS", "captions", "images", "parsing", "speech", "translation"]
