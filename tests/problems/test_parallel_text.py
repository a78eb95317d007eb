import gzip
import logging

import pytest

from t2tlite import registry
from t2tlite.data import generate, records
from t2tlite.errors import UserError
from t2tlite.problems.parallel_text import Translation

ENGLISH = ["the dog runs .", "thanks a lot\u2028!", "  tabs\tinside  ", "last"]
GERMAN = ["der Hund läuft .", "danke sehr\u2028!", "Tabulatoren\tdarin", "zuletzt"]


def write(folder, name, lines, end="\n"):
    content = (end.join(lines) + end).encode() if isinstance(lines, list) else lines
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wb") as file:
        file.write(content)


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for stem in ("train", "dev", "test"):
        write(folder, f"{stem}.en", ENGLISH)
        write(folder, f"{stem}.de", GERMAN)
    return folder


def pairs(folder, split="train"):
    return [tuple(x.values()) for x in registry.get_problem("wmt_ende").examples(split, "files", str(folder))]


EXPECTED = list(zip([line.strip() for line in ENGLISH], GERMAN, strict=True))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_line_is_a_sentence(corpus, split):
    assert pairs(corpus, split) == EXPECTED
    assert registry.get_problem("wmt_ende").count(split, "files", str(corpus)) == 4


def test_validation_gz_windows_lines_byte_order_mark_and_no_last_line_feed(corpus):
    for ending, lines in (("en", ENGLISH), ("de", GERMAN)):
        (corpus / f"dev.{ending}").unlink()
        write(corpus, f"validation.{ending}.gz", b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert pairs(corpus, "validation") == EXPECTED


def test_pairs_with_an_empty_line_are_left_out_and_counted(corpus, caplog):
    write(corpus, "train.en", ["one", "", "three", "four"])
    write(corpus, "train.de", ["eins", "zwei", " ", "vier"])
    with caplog.at_level(logging.WARNING):
        assert pairs(corpus) == [("one", "eins"), ("four", "vier")]
    assert "left out 2 of 4 pairs with an empty line" in caplog.text


def test_both_directions_from_one_preparation(corpus, tmp_path):
    there, back = registry.problems("wmt_ende,wmt_deen")
    generate.generate(back, tmp_path / "data", "files", str(corpus), progress=False)
    assert generate.is_complete(there, tmp_path / "data", "files")
    read = [records.raw_examples(problem, "test", tmp_path / "data") for problem in (there, back)]
    assert [tuple(example.values()) for example in read[0]] == EXPECTED
    assert [(example["targets"], example["inputs"]) for example in read[1]] == EXPECTED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: write(f, "train.de", GERMAN[:-1]), "train.en has 4 lines and .*train.de has 3"),
        (
            lambda f: write(f, "train.de", b"gut\n\xff\xfe\ngut\ngut\n"),
            "train.de:2: not UTF-8 at byte 1 of the line",
        ),
        (lambda f: [write(f, "train.de", b""), write(f, "train.en", b"")], "train.en is empty"),
        (
            lambda f: (f / "train.de").unlink(),
            "no train file for `de` in .*; expected one of train.de, train.de.gz",
        ),
        (lambda f: write(f, "train.de.gz", GERMAN), "both .*train.de and .*train.de.gz are there"),
        (lambda f: [(f / "train.de").rename(f / "train.de.gz")], "train.de.gz is damaged or not a gzip file"),
    ],
)
def test_broken_files(corpus, change, message):
    change(corpus)
    with pytest.raises(UserError, match=message):
        pairs(corpus)


def test_a_cut_gzip_file(corpus):
    (corpus / "train.de").unlink()
    (corpus / "train.de.gz").write_bytes(gzip.compress("\n".join(GERMAN).encode())[:-9])
    with pytest.raises(UserError, match="damaged"):
        pairs(corpus)


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="needs --source_dir=DIR, a folder with train.en"):
        list(registry.get_problem("wmt_ende").examples("train", "files"))
    with pytest.raises(UserError, match="missing is no folder"):
        pairs(tmp_path / "missing")


def test_a_language_of_ones_own():
    class Pirate(Translation):
        languages = ("en", "pirate")

    class Honest(Pirate):
        swap = True

    assert (Pirate.command, Honest.command) == ("to_pirate", "to_english")
