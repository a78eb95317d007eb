"""Tests of t2t-datagen, on sample data and on files written here."""

import pathlib

import pytest

from t2tlite.bin import t2t_datagen
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.registry import get_problem


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, lines in {"train": 6, "dev": 2, "test": 2}.items():
        for language in ("en", "de"):
            text = "".join(f"{language} sentence {number}\n" for number in range(lines))
            (folder / f"{split}.{language}").write_text(text)
    return folder


def argv(corpus, *more):
    arguments = (f"--source_dir={corpus}", f"--data_dir={corpus.parent / 'data'}", "--processes=1")
    return ["--problems=wmt_ende,wmt_deen", "--source=files", *arguments, *more]


def prepared(corpus, split="train"):
    return list(PreparedSplit.open(get_problem("wmt_ende"), split, corpus.parent / "data").examples())


def error(capsys, arguments, status=2):
    assert t2t_datagen.main(arguments) == status
    err = capsys.readouterr().err
    assert err.startswith("t2t-datagen: error: ") and err.count("\n") == 1, err
    return err


def test_files_to_records_and_again(corpus, capsys):
    assert t2t_datagen.main(argv(corpus)) == 0
    captured = capsys.readouterr()
    assert "prepared wmt_ende, wmt_deen" in captured.out and "wmt_ende train: 6 in" in captured.err
    assert {"inputs": "en sentence 5", "targets": "de sentence 5"} in prepared(corpus)
    assert t2t_datagen.main(argv(corpus)) == 0
    assert "train" not in capsys.readouterr().err


def test_what_was_left_out_is_told(corpus, capsys):
    (corpus / "train.de").write_text("a\n\n" + "b\n" * 4)
    assert t2t_datagen.main(argv(corpus)) == 0
    assert "wmt_ende train: 5 examples; left out: 1 an empty line" in capsys.readouterr().out


def test_a_broken_example_stops_or_is_skipped(corpus, capsys):
    lines = (corpus / "train.de").read_bytes().splitlines(keepends=True)
    lines[3] = b"M\xfcnchen\n"
    (corpus / "train.de").write_bytes(b"".join(lines))
    message = error(capsys, argv(corpus))
    assert "train.de:4" in message and "not UTF-8" in message and "--on_error=skip" in message
    assert t2t_datagen.main(argv(corpus, "--on_error=skip")) == 0
    assert "left out: 1 not UTF-8 (the first: " in capsys.readouterr().out
    assert len(prepared(corpus)) == 5


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(path.read_bytes()[:-3] + b"xyz"), pathlib.Path.unlink]
)
def test_verify(corpus, capsys, damage):
    assert "no prepared data" in error(capsys, argv(corpus, "--verify"))
    assert t2t_datagen.main(argv(corpus)) == 0
    assert t2t_datagen.main(argv(corpus, "--verify")) == 0
    assert "all 3 files are as they were written" in capsys.readouterr().out
    damage(corpus.parent / "data" / "wmt_ende" / "test-00000-of-00001.tfrecord")
    assert t2t_datagen.main(argv(corpus, "--verify")) == 2
    err = capsys.readouterr().err
    assert "1 of 3 files are not as they were written" in err and "test-00000-of-00001.tfrecord" in err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source_dir": "nowhere"}, "nowhere"),
        ({"source": "kaggle"}, "no source `kaggle`; expected one of files, tfds, sample"),
        ({"problems": "wmt_edne"}, "did you mean `wmt_ende`"),
        ({"on_error": "ignore"}, "--on_error=ignore is not a value of it; expected one of stop, skip"),
        ({"processes": "-1"}, "--processes=-1"),
        ({"download": "true"}, "--download is for --source=tfds. Received: --source=files"),
    ],
)
def test_mistakes(corpus, capsys, changes, message):
    err = error(capsys, argv(corpus, *(f"--{name}={value}" for name, value in changes.items())))
    assert message in err
    assert not list(corpus.parent.rglob("*.tfrecord"))


def test_mistakes_are_told_without_tensorflow(tmp_path, mistake_in_a_process):
    message = mistake_in_a_process(
        "t2t_datagen", "--problems=wmt_ende", "--source=x", f"--data_dir={tmp_path}"
    )
    assert "no source `x`" in message


def test_a_vocabulary_as_well(corpus, capsys):
    """It is that which a run of the same problems learns, and is left alone once it is there."""
    from t2tlite.data.text import training_texts
    from t2tlite.data.text.vocabulary import Vocabulary

    path = corpus.parent / "all.model"
    more = (f"--vocab={path}", "--vocabulary_size=280", "--fraction=wmt_ende:0.5,wmt_deen:0.5")
    assert "needs --vocab" in error(capsys, argv(corpus, more[-1]))
    assert t2t_datagen.main(argv(corpus, *more)) == 0
    split = PreparedSplit.open(get_problem("wmt_ende"), "train", corpus.parent / "data", fraction=0.5)
    assert split.size == 3
    learned = training_texts.build([split], 280)
    assert Vocabulary.load(path).fingerprint == learned.fingerprint
    assert f"{learned.size} subword units" in capsys.readouterr().out
    path.write_text("mine")
    assert t2t_datagen.main(argv(corpus, *more)) == 0 and path.read_text() == "mine"
