"""The six problems that TFDS has: under its mock, from `examples` to records and a decoded batch."""

import pytest
import tensorflow as tf

from t2tlite import hparam, registry
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.errors import UserError
from t2tlite.problem import SPLITS, Dropped, Pieces

from .tfds_mock import mocked

NAMES = ["imagenet", "coco_captions", "wmt_ende", "wmt_deen", "wmt_enfr", "wmt_fren"]
EXAMPLES = 12


@pytest.fixture(params=NAMES)
def problem(request):
    return {found.name: found for found in registry.problems("all")}[request.param]


def test_the_others_are_not_in_tfds():
    assert {found.name for found in registry.problems("all") if "tfds" in found.sources} == set(NAMES)


@pytest.mark.parametrize("split", SPLITS)
def test_examples_are_what_the_features_say(problem, split):
    with mocked(EXAMPLES):
        found = problem.examples(split, "tfds", None)
        assert isinstance(found, Pieces) and found.total == EXAMPLES
        examples = list(found)
        labels = problem.labels("tfds") if problem.targets.kind == "label" else None
    assert len(examples) == EXAMPLES
    kept = [example for example in examples if not isinstance(example, Dropped)]
    assert len(kept) > EXAMPLES // 2
    for example in kept:
        assert records.serialize(example, records.stored_features(problem), "x", labels)


def test_a_pair_has_its_languages_on_the_right_side():
    pairs = {}
    for problem in registry.problems("wmt_ende,wmt_enfr"):
        with mocked(1):
            pairs[problem.name] = next(iter(problem.examples("validation", "tfds")))
    # The mock draws the texts in the order of the languages' codes: de, en and en, fr.
    assert pairs["wmt_ende"]["targets"].strip() == pairs["wmt_enfr"]["inputs"].strip()
    assert pairs["wmt_ende"]["inputs"].strip() == pairs["wmt_enfr"]["targets"].strip()


def test_what_is_not_prepared_is_refused(problem, tmp_path):
    with pytest.raises(UserError, match=f"TFDS has not prepared .* in {tmp_path}.*--download"):
        problem.examples("train", "tfds", str(tmp_path))


@pytest.mark.parametrize("name", ["imagenet", "coco_captions", "wmt_ende"])
def test_from_tfds_to_a_batch(name, tmp_path):
    (problem,) = registry.problems(name)
    with mocked(EXAMPLES):
        generate.generate([problem], tmp_path, "tfds", progress=False, processes=1)
    train = PreparedSplit.open(problem, "train", tmp_path)
    assert train.manifest["source"] == "tfds" and train.size > EXAMPLES // 2
    hparams = hparam.get("multimodel_tiny").replace(image_size=32, batch_images=4, batch_tokens=96)
    has_text = problem.targets.kind == "text"
    vocabulary = training_texts.build([train], 400) if has_text else None
    batches = pipeline.dataset(
        PreparedSplit.open(problem, "test", tmp_path, vocabulary), hparams, ReadConfig()
    )
    batches = list(batches)
    if problem.inputs.kind == "image":
        images = batches[0]["inputs"]
        assert images.shape[1:] == (32, 32, 3) and 0 < tf.reduce_mean(images) < 1
    if has_text:
        first = next(PreparedSplit.open(problem, "test", tmp_path).examples())["targets"]
        first = first if isinstance(first, str) else first[0]
        texts = [vocabulary.decode(row) for batch in batches for row in batch["targets"].numpy().tolist()]
        assert first in texts
    else:
        assert batches[0]["targets"].dtype == tf.int32
