"""From the corpora's own formats, and from TFDS, to an update and back to what a person reads."""

import pytest

from t2tlite import load, registry
from t2tlite.bin import t2t_datagen, t2t_train
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.decoding.options import DecodeOptions
from t2tlite.problems import trees
from t2tlite.run import Run

from ..problems.tfds_mock import mocked
from . import corpora
from .runs import SMALL, metrics_lines

EIGHT = [problem.name for problem in registry.problems("all")]
IN_TFDS = [name for name in EIGHT if "tfds" in registry.get_problem(name).sources]


def flags(folder, source, problems, steps, **more):
    flag_values = {
        "problems": ",".join(problems),
        "source": source,
        "hparams_set": "multimodel_tiny",
        "hparams": SMALL,
        "data_dir": folder / "data",
        "output_dir": folder / "run",
        "train_steps": steps,
        "log_steps": 1,
        "eval_steps": 1,
        "dry_run": False,
        **more,
    }
    return [f"--{name}={value}" for name, value in flag_values.items()]


@pytest.fixture(scope="module")
def from_files(tmp_path_factory, eager):
    folder = tmp_path_factory.mktemp("files")
    corpora.write(folder)
    with eager():
        status = t2t_train.main(
            [*flags(folder, "files", EIGHT, len(EIGHT), source_dir=folder), "--generate_data"]
        )
    assert status == 0
    return folder


def test_every_problem_is_trained_from_files(from_files):
    lines = metrics_lines(from_files / "run")
    assert [line["problem"] for line in lines if line["split"] == "train"] == EIGHT
    assert all(0 < line["loss"] < 30 for line in lines)


@pytest.mark.parametrize("name", EIGHT)
def test_a_decoded_batch_reads_as_the_files_do(from_files, name):
    """The ids of a batch, taken back through vocabulary, labels and `from_text`, are the stored examples."""
    run = Run.load(from_files / "run")
    problem = run.problems[name]
    examples = list(PreparedSplit.open(problem, "validation", run.data_dir).examples())
    data = pipeline.dataset(
        PreparedSplit.open(problem, "validation", run.data_dir, run.vocabulary, labels=run.labels.get(name)),
        run.hparams,
        ReadConfig(),
    )
    results = []
    for batch in data:
        for number, ids in enumerate(batch["targets"].numpy()):
            if problem.targets.kind == "label":
                results.append(run.labels[name][ids])
                continue
            text = run.vocabulary.decode(ids)
            inputs = None
            if problem.inputs.kind == "text":
                inputs = run.vocabulary.decode(batch["inputs"][number].numpy())
            results.append(problem.from_text(inputs, text))
    expected = [
        example["targets"] if isinstance(example["targets"], str) else example["targets"][0]
        for example in examples
    ]
    assert sorted(results) == sorted(expected) and len(results) >= 2


def test_the_model_answers_inputs_as_they_are_in_the_files(from_files):
    predictor = load(from_files / "run", options=DecodeOptions(beam_size=1, decode_length=16))
    image = from_files / "imagenet" / "val" / "n01440764" / "n01440764_0.JPEG"
    sound = from_files / "wsj_speech" / "test_eval92" / "92c0000.flac"
    assert predictor.predict("imagenet", [str(image)])[0].text.startswith("n0")
    for name, value in {"coco_captions": str(image), "wsj_speech": str(sound), "wmt_fren": "LE CHAT"}.items():
        assert predictor.predict(name, [value])[0].error == ""
    [tree] = predictor.predict("wsj_parsing", ["the dog runs ."])
    assert trees.words(tree.text) == ["the", "dog", "runs", "."]


def test_the_files_of_the_treebank_are_scored_without_traces(from_files):
    problem = registry.get_problem("wsj_parsing")
    stored = list(PreparedSplit.open(problem, "test", from_files / "data").examples())
    assert len(stored) == 2 and all("NONE" not in example["targets"] for example in stored)
    assert all(trees.canonical(example["targets"]) == example["targets"] for example in stored)


def test_every_problem_of_tfds_is_prepared_and_each_kind_trained(tmp_path, eagerly):
    source_dir = f"--source_dir={tmp_path / 'tfds'}"
    arguments = ["--source=tfds", source_dir, f"--data_dir={tmp_path / 'data'}", "--processes=1"]
    with mocked(num_examples=6):  # lives in this process
        assert t2t_datagen.main([f"--problems={','.join(IN_TFDS)}", *arguments]) == 0
    assert IN_TFDS == ["imagenet", "coco_captions", "wmt_ende", "wmt_deen", "wmt_enfr", "wmt_fren"]
    trained = IN_TFDS[:3]  # the other translations differ in their languages alone
    assert t2t_train.main(flags(tmp_path, "tfds", trained, len(trained))) == 0
    lines = metrics_lines(tmp_path / "run")
    assert [line["problem"] for line in lines if line["split"] == "train"] == trained
