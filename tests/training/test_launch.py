"""Preparing data, and the run in a folder: new, the same again, or refused."""

import json
import os
import pathlib

import pytest

from t2tlite import hparam, registry
from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.data.inspection import bounds, lengths
from t2tlite.data.preparing import generate
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.run import Run
from t2tlite.training import launch

HPARAMS = hparam.get("multimodel_tiny").replace(hidden_size=16, num_heads=2, vocabulary_size=600)


def make_run(folder, data, problems="wmt_ende,imagenet", hparams=HPARAMS, **more):
    return launch.make_run(folder, problems, hparams, data, "sample", **more)


@pytest.fixture
def begun(sample_data, tmp_path):
    """The folder of a run that has a checkpoint, as far as the name goes."""
    make_run(tmp_path / "run", sample_data)
    (tmp_path / "run" / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    return tmp_path / "run"


def test_a_new_run(sample_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = os.path.relpath(sample_data, tmp_path)
    run = make_run("run", data, seed=3, usr_dirs=["mine"])
    assert list(run.problems) == ["wmt_ende", "imagenet"]
    assert run.labels == {"imagenet": registry.get_problem("imagenet").labels("sample")}
    assert 256 < run.vocabulary.size <= 600
    assert run.data_dir == str(sample_data.resolve()) and run.usr_dirs == (str(tmp_path / "mine"),)
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == run.description()


def test_labels_alone_need_no_vocabulary(sample_data, tmp_path):
    assert make_run(tmp_path, sample_data, "imagenet").vocabulary is None
    assert not (tmp_path / "vocabulary.model").exists()


def test_the_same_run_again_keeps_its_vocabulary(sample_data, begun, monkeypatch):
    before = (begun / "vocabulary.model").read_bytes()
    monkeypatch.setattr(launch.training_texts, "build", lambda *args: pytest.fail("was learned again"))
    make_run(begun, sample_data)
    assert (begun / "vocabulary.model").read_bytes() == before


def test_another_run_is_refused(sample_data, begun):
    for more, message in (
        ({"problems": "imagenet,wmt_ende"}, "holds a run with problems="),
        ({"seed": 1}, "seed=0, and 1"),
        (
            {"hparams": HPARAMS.replace(dropout=0.5, hidden_size=32)},
            "dropout=.* is asked for .2 hyperparameters",
        ),
    ):
        with pytest.raises(UserError, match=message):
            make_run(begun, sample_data, **more)


def test_a_run_goes_on_that_was_begun_before_there_were_stages(sample_data, begun):
    path = begun / "run.json"
    description = json.loads(path.read_text())
    before = json.dumps(description)
    del description["warm_start_map"], description["hparams"]["stages"], description["hparams"]["freeze"]
    path.write_text(json.dumps(description))
    make_run(begun, sample_data)
    assert json.loads(path.read_text()) == json.loads(before)
    path.write_text(json.dumps(description))
    with pytest.raises(UserError, match=r"freeze=\[\], and \['encoder'\] is asked for"):
        make_run(begun, sample_data, hparams=HPARAMS.replace(freeze=("encoder",)))


def test_a_vocabulary_that_is_lost_may_be_learned_again(sample_data, begun):
    path = pathlib.Path(begun / "vocabulary.model")
    before = path.read_bytes()
    path.unlink()
    make_run(begun, sample_data)
    assert path.read_bytes() == before


def test_a_vocabulary_as_large_as_suits_the_text(sample_data, tmp_path):
    """Its size is among the run's hyperparameters and is said; the same command goes on."""
    lines, folder = [], tmp_path / "run"
    asked = HPARAMS.replace(vocabulary_size=0)
    run = make_run(folder, sample_data, hparams=asked, say=lines.append)
    assert run.hparams == asked.replace(vocabulary_size=run.vocabulary.size)
    assert f"the vocabulary has {run.vocabulary.size:,} subword units" in lines[0]
    (folder / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    again = make_run(folder, sample_data, hparams=asked, say=lines.append)
    assert again.description() == run.description()
    assert sum("subword units" in line for line in lines) == 1


def test_a_vocabulary_of_ones_own(sample_data, begun, tmp_path, monkeypatch):
    learned = Run.load(begun).vocabulary
    learned.save(tmp_path / "mine.model")
    Vocabulary.train(["another text"], 400, registry.get_problem("wsj_parsing").symbols).save(
        tmp_path / "else"
    )
    monkeypatch.setattr(launch.training_texts, "build", lambda *args: pytest.fail("was learned again"))
    assert (
        make_run(begun, sample_data, vocab=tmp_path / "mine.model").vocabulary.fingerprint
        == learned.fingerprint
    )
    with pytest.raises(UserError, match="holds a run with vocabulary="):
        make_run(begun, sample_data, vocab=tmp_path / "else")
    run = make_run(tmp_path / "new", sample_data, "wsj_parsing", vocab=tmp_path / "else")
    assert run.vocabulary.fingerprint == Vocabulary.load(tmp_path / "else").fingerprint
    with pytest.raises(UserError, match="can't read .*none.model"):
        make_run(tmp_path / "newer", sample_data, vocab=tmp_path / "none.model")


def test_without_a_checkpoint_the_run_begins_anew(sample_data, tmp_path):
    first = make_run(tmp_path, sample_data)
    second = make_run(tmp_path, sample_data, "wmt_ende", HPARAMS.replace(vocabulary_size=400))
    assert second.vocabulary.size <= 400 < first.vocabulary.size
    assert json.loads((tmp_path / "run.json").read_text()) == second.description()


def test_missing_data(sample_data, tmp_path):
    problems = registry.problems("wmt_ende,wsj_parsing")
    launch.prepare(problems, sample_data, "sample")
    with pytest.raises(UserError) as caught:
        launch.prepare(problems, tmp_path, "files")
    assert "t2t-datagen --problems=wmt_ende,wsj_parsing --source=files" in str(caught.value)
    assert "--generate_data" in str(caught.value)


def test_data_is_generated_if_it_may_be(tmp_path, monkeypatch):
    from t2tlite.problems.sample_world import corpora

    monkeypatch.setitem(corpora.COUNTS, "parsing", {"train": 5, "validation": 2, "test": 2})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})  # no other process, which counts anew
    problems = registry.problems("wsj_parsing")
    launch.prepare(problems, tmp_path, "sample", may_generate=True)
    assert generate.is_complete(problems[0], tmp_path, "sample")
    launch.prepare(problems, tmp_path, "sample")


def texts_of_words(*numbers):
    return "".join(" ".join(f"w{number % 7}" for number in range(count)) + "\n" for count in numbers)


@pytest.fixture(scope="module")
def long_data(tmp_path_factory):
    """A corpus of 200 pairs, of which 28 (14%) are longer than the last bound of HPARAMS, one by far."""
    folder = tmp_path_factory.mktemp("long")
    for split, numbers in {
        "train": [5, 9] * 86 + [70] * 26 + [90, 150],
        "dev": [5, 70],
        "test": [5],
    }.items():
        for language in ("en", "de"):
            (folder / f"{split}.{language}").write_text(texts_of_words(*numbers))
    generate.generate([registry.get_problem("wmt_ende")], folder / "data", "files", folder, processes=1)
    return folder / "data"


LONG = HPARAMS.replace(vocabulary_size=280)


def long_run(folder, data, hparams=LONG, **more):
    """A run on that corpus, and what was said."""
    messages = []
    more = {"extend": bounds.names(), "say": messages.append, **more}
    return launch.make_run(folder, "wmt_ende", hparams, data, "files", **more), messages


def test_bounds_are_added_where_too_much_would_be_left_out(long_data, tmp_path):
    run, messages = long_run(tmp_path, long_data)
    assert run.hparams.length_bounds[: len(LONG.length_bounds)] == LONG.length_bounds
    assert run.hparams.seconds_bounds == LONG.seconds_bounds
    measured = lengths.measure(run.split("wmt_ende", "train"), run.hparams)
    longest = sorted(measured.values["length_bounds"])
    assert longest[-3] > LONG.length_bounds[-1] >= longest[-29] and measured.size == 200
    assert longest[-3] <= run.hparams.length_bounds[-1] < longest[-1]
    assert 0 < measured.too_long(run.hparams).share <= 0.01
    assert messages[0].startswith("length_bounds: added ") and "14.0% of wmt_ende" in messages[0]
    assert (
        messages[1].startswith("wmt_ende: ")
        and "of 200 examples" in messages[1]
        and "--max_length" in messages[1]
    )
    assert Run.load(tmp_path).hparams == run.hparams  # what decoding goes by
    gin = hparam.changes("multimodel_tiny", gin_files=[tmp_path / "operative.gin"])
    assert gin["length_bounds"] == run.hparams.length_bounds
    assert long_run(tmp_path / "again", long_data)[0].hparams == run.hparams


def test_a_run_that_goes_on_keeps_its_bounds(long_data, tmp_path):
    run, _ = long_run(tmp_path, long_data)
    (tmp_path / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    description = (tmp_path / "run.json").read_bytes()
    again, messages = long_run(tmp_path, long_data, replicas=8)  # with which a new run would have others
    assert again.hparams == run.hparams and len(messages) == 2
    assert (tmp_path / "run.json").read_bytes() == description
    with pytest.raises(UserError, match="length_bounds=.* is asked for"):
        long_run(tmp_path, long_data, extend=())  # the same bounds as before, but given
    with pytest.raises(UserError, match="length_bounds=.* is asked for"):
        long_run(tmp_path, long_data, LONG.replace(length_bounds=(8, 12)))
    with pytest.raises(UserError, match="max_length=0, and 100 is asked for"):
        long_run(tmp_path, long_data, LONG.replace(max_length=100))


def test_a_run_that_was_begun_with_its_own_bounds_keeps_them(long_data, tmp_path):
    run, messages = long_run(tmp_path, long_data, extend=())
    assert run.hparams == LONG and len(messages) == 1 and "28 of 200 examples (14.0%)" in messages[0]
    (tmp_path / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    assert long_run(tmp_path, long_data)[0].hparams == LONG


def test_bounds_stay_as_they_are_where_nothing_is_left_out(sample_data, tmp_path):
    messages = []
    run = make_run(tmp_path, sample_data, "all", extend=bounds.names(), say=messages.append)
    assert run.hparams == HPARAMS and messages == []


def test_a_fraction_is_kept_and_checked(sample_data, tmp_path):
    run = make_run(tmp_path / "run", sample_data, fraction={"wmt_ende": 0.25})
    assert run.split("wmt_ende", "train").size == 10 and run.split("imagenet", "train").size == 40
    assert run.split("wmt_ende", "validation").size == 6
    (tmp_path / "run" / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["fraction"] == {"wmt_ende": 0.25}
    assert Run.load(tmp_path / "run").fractions == {"wmt_ende": 0.25}
    again = make_run(tmp_path / "run", sample_data, fraction={"wmt_ende": 0.25})
    assert again.vocabulary.fingerprint == run.vocabulary.fingerprint
    for other in ({}, {"wmt_ende": 0.5}):
        with pytest.raises(UserError, match="holds a run with fraction={'wmt_ende': 0.25}, and {"):
            make_run(tmp_path / "run", sample_data, fraction=other)


def test_a_run_from_before_fractions_goes_on(sample_data, begun):
    description = json.loads((begun / "run.json").read_text())
    del description["fraction"]
    (begun / "run.json").write_text(json.dumps(description))
    assert Run.load(begun).fractions == {}
    make_run(begun, sample_data)
    with pytest.raises(UserError, match="fraction"):
        make_run(begun, sample_data, fraction={"wmt_ende": 0.5})
