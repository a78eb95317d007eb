"""Translations from files and from TFDS: what a user with a folder of parallel text gets."""

import gzip
import pickle

import pytest

from t2tlite import registry
from t2tlite.data.preparing import generate
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped, Pieces
from t2tlite.problems import from_tfds
from t2tlite.problems.parallel_text import Translation
from t2tlite.problems.wmt import WmtEnde

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


def examples(folder, split="train", name="wmt_ende"):
    return registry.get_problem(name).examples(split, "files", str(folder))


def pairs(folder, split="train"):
    return [tuple(x.values()) for x in examples(folder, split)]


EXPECTED = list(zip([line.strip() for line in ENGLISH], GERMAN, strict=True))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_line_is_a_sentence(corpus, split):
    assert pairs(corpus, split) == EXPECTED
    assert examples(corpus, split).total == 4


def test_validation_gz_windows_lines_byte_order_mark_and_no_last_line_feed(corpus):
    for ending, lines in (("en", ENGLISH), ("de", GERMAN)):
        (corpus / f"dev.{ending}").unlink()
        write(corpus, f"validation.{ending}.gz", b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert pairs(corpus, "validation") == EXPECTED


def test_pairs_with_an_empty_line_are_dropped(corpus):
    write(corpus, "train.en", ["one", "", "three", "four"])
    write(corpus, "train.de", ["eins", "zwei", " ", "vier"])
    one, four = ({"inputs": a, "targets": b} for a, b in (("one", "eins"), ("four", "vier")))
    empty = Dropped("an empty line")
    assert list(examples(corpus)) == [one, empty, empty, four]


def test_only_training_pairs_are_dropped_by_length(corpus):
    long, short = " ".join(["word"] * 251), "Wort"
    for stem in ("train", "dev", "test"):
        write(corpus, f"{stem}.en", [long, long[:50], "word"])
        write(corpus, f"{stem}.de", [long, short, short])
    assert list(examples(corpus)) == [
        Dropped("more than 250 words"),
        Dropped("a ratio of lengths above 9"),
        {"inputs": "word", "targets": "Wort"},
    ]
    for split in ("validation", "test"):
        assert pairs(corpus, split) == [(long, long), (long[:50].strip(), short), ("word", short)]


def test_all_formats_make_one_split_and_go_to_other_processes(corpus):
    write(corpus, "train2.de-en.tsv", ["zwei\ttwo"])
    write(
        corpus,
        "train3.tmx.gz",
        b'<tmx><body><tu><tuv xml:lang="de"><seg>drei</seg></tuv><tuv xml:lang="en-GB"><seg>three</seg></tuv>'
        b"</tu></body></tmx>",
    )
    write(corpus, "train4-src.en.sgm", ['<doc docid="a"><seg id="1">four</seg></doc>'])
    write(corpus, "train4-ref.de.sgm", ['<doc docid="a"><seg id="1">vier</seg></doc>'])
    assert pairs(corpus) == [*EXPECTED, ("two", "zwei"), ("three", "drei"), ("four", "vier")]
    found = examples(corpus)
    assert found.total is None  # the number in a .gz is known on reading only
    read, parts = pickle.loads(pickle.dumps((found.read, found.parts)))
    assert parts == found.parts and len(parts) == 4
    assert [tuple(x.values()) for part in parts for x in read(part)] == pairs(corpus)


def test_wmts_own_folders(tmp_path):
    for folder, stem in (("training", "europarl-v7.fr-en"), ("training", "giga-fren.release2.fixed")):
        (tmp_path / folder).mkdir(exist_ok=True)
        write(tmp_path / folder, f"{stem}.en.gz", [f"{stem} one", "two"])
        write(tmp_path / folder, f"{stem}.fr.gz", [f"{stem} un", "deux"])
    for folder, stem in (("dev", "newstest2013"), ("test", "newstest2014-fren")):
        (tmp_path / folder).mkdir()
        for kind, code, text in (("src", "en", "R&amp;D"), ("ref", "fr", "R-D")):
            lines = [f'<{kind}set setid="x">', '<doc docid="a">', f'<seg id="1">{text}</seg>', "</doc>"]
            write(tmp_path / folder, f"{stem}-{kind}.{code}.sgm", lines)
    for name in ("wmt_enfr", "wmt_fren"):
        assert [x["targets"] for x in examples(tmp_path, "train", name)] == [
            "europarl-v7.fr-en un",
            "deux",
            "giga-fren.release2.fixed un",
            "deux",
        ]
        for split in ("validation", "test"):
            assert list(examples(tmp_path, split, name)) == [{"inputs": "R&D", "targets": "R-D"}]


def test_both_directions_from_one_preparation(corpus, tmp_path):
    there, back = registry.problems("wmt_ende,wmt_deen")
    generate.generate([back], tmp_path / "data", "files", str(corpus), progress=False)
    assert generate.is_complete(there, tmp_path / "data", "files")
    read = [PreparedSplit.open(problem, "test", tmp_path / "data").examples() for problem in (there, back)]
    assert [tuple(example.values()) for example in read[0]] == EXPECTED
    assert [(example["targets"], example["inputs"]) for example in read[1]] == EXPECTED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: write(f, "train.de", GERMAN[:-1]), "train.en has 4 lines and .*train.de has 3"),
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


def test_a_line_that_is_not_utf8_is_broken_and_reading_goes_on(corpus):
    write(corpus, "train.de", b"gut\n\xff\xfe\ngut\ngut\n")
    found = list(examples(corpus))
    assert found[1] == Broken("not UTF-8", f"{corpus}/train.de:2 at byte 1 of the line")
    assert [x["inputs"] for x in found[:1] + found[2:]] == [ENGLISH[0], ENGLISH[2].strip(), ENGLISH[3]]


def test_a_cut_gzip_file(corpus):
    (corpus / "train.de").unlink()
    (corpus / "train.de.gz").write_bytes(gzip.compress("\n".join(GERMAN).encode())[:-9])
    with pytest.raises(UserError, match="damaged"):
        pairs(corpus)


def test_no_folder(tmp_path):
    with pytest.raises(
        UserError, match="needs --source_dir=DIR, a folder with train.en and .*statmt.org/wmt14"
    ):
        registry.get_problem("wmt_ende").examples("train", "files")
    with pytest.raises(UserError, match="missing is no folder"):
        pairs(tmp_path / "missing")


def test_a_language_of_ones_own():
    class Pirate(Translation):
        languages = ("en", "pirate")

    class Honest(Pirate):
        swap = True

    assert (Pirate.command, Honest.command) == ("to_pirate", "to_english")
    assert Pirate.sources == Honest.sources == ("files", "sample")


def test_a_users_own_languages_rules_and_sources(tmp_path):
    class Japanese(Translation):
        languages = ("en", "ja")
        sources = ("files",)
        max_ratio = None
        max_words = 20

    class FromJapanese(Japanese):
        swap = True

    assert FromJapanese.sources == ("files",)
    write(tmp_path, "train.en", [" ".join("a" * 20), " ".join("a" * 21)])
    write(tmp_path, "train.ja", ["猫", "犬"])
    for problem in (Japanese(), FromJapanese()):
        assert list(problem.examples("train", "files", str(tmp_path))) == [
            {"inputs": " ".join("a" * 20), "targets": "猫"},
            Dropped("more than 20 words"),
        ]
        with pytest.raises(UserError, match="has no source `tfds`; expected one of files"):
            problem.examples("train", "tfds")
        with pytest.raises(UserError, match="has no corpus that could be downloaded"):
            problem.download()


def test_other_languages_do_not_inherit_the_corpus_of_tfds():
    class Dutch(WmtEnde):
        languages = ("en", "nl")

    assert "tfds" not in Dutch.sources
    assert registry.get_problem("wmt_deen").sources == ("files", "tfds", "sample")


@pytest.mark.parametrize(
    ("name", "corpus", "code"),
    [
        ("wmt_ende", "wmt14_translate/de-en", "de"),
        ("wmt_deen", "wmt14_translate/de-en", "de"),
        ("wmt_enfr", "wmt14_translate/fr-en", "fr"),
        ("wmt_fren", "wmt14_translate/fr-en", "fr"),
    ],
)
def test_from_tfds_with_the_same_rules(monkeypatch, name, corpus, code):
    rows = [("the dog", "le chien"), ("", "x"), ("a " * 10, "y"), ("z", b"\xff")]
    asked = []

    def pieces(*arguments):
        asked.append(arguments)
        convert = pickle.loads(pickle.dumps(arguments[2]))
        return Pieces(lambda row: [convert(row)], [{"en": encoded(a), code: encoded(b)} for a, b in rows])

    def encoded(text):
        return text if isinstance(text, bytes) else text.encode()

    monkeypatch.setattr(from_tfds, "pieces", pieces)
    monkeypatch.setattr(from_tfds, "download", lambda *arguments: asked.append(arguments))
    dog = {"inputs": "the dog", "targets": "le chien"}
    broken = Broken("not UTF-8", f"an example's `{code}`, which begins with `\ufffd`, at byte 1")
    empty, uneven = Dropped("an empty line"), Dropped("a ratio of lengths above 9")
    problem = registry.get_problem(name)
    assert list(problem.examples("train", "tfds", "folder")) == [dog, empty, uneven, broken]
    kept = {"inputs": ("a " * 10).strip(), "targets": "y"}
    assert list(problem.examples("validation", "tfds")) == [dog, empty, kept, broken]
    problem.download("folder")
    assert [(a[0], a[1], a[3]) for a in asked[:2]] == [
        (corpus, "train", "folder"),
        (corpus, "validation", None),
    ]
    assert asked[2] == (corpus, "folder")
