"""The sample world: small corpora for all problems, drawn from one seed, without a download."""

from t2tlite.problems.sample_world.corpora import (
    ANSWERS,
    IMAGE_CLASSES,
    captions,
    images,
    parsing,
    speech,
    speech_parsing,
    speech_translation,
    translation,
    visual_questions,
)

__all__ = [
    "ANSWERS",
    "IMAGE_CLASSES",
    "captions",
    "images",
    "parsing",
    "speech",
    "speech_parsing",
    "speech_translation",
    "translation",
    "visual_questions",
]
