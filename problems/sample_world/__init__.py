"""The sample world: small corpora for all problems, drawn from one seed, without a download."""

from t2tlite.problems.sample_world.corpora import (
    ANSWERS,
    IMAGE_CLASSES,
    captions,
    images,
    parsing,
    speech,
    translation,
    visual_questions,
)
from t2tlite.problems.sample_world.draws import SPLITS

__all__ = [
    "ANSWERS",
    "IMAGE_CLASSES",
    "SPLITS",
    "captions",
    "images",
    "parsing",
    "speech",
    "translation",
    "visual_questions",
]
