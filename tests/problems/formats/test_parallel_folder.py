"""Which files of a folder are a split's: by WMT's own names, and by those that a user gives."""

import pytest

from t2tlite.errors import UserError
from t2tlite.problems.formats import parallel_folder

EN_DE = ("en", "de")


def find(folder, names, split="train", languages=EN_DE):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    found = parallel_folder.find(str(folder), split, languages, "https://example.org")
    return [(f.format, *(path.removeprefix(f"{folder}/") for path in f.paths)) for f in found]


@pytest.mark.parametrize(
    ("split", "names", "expected"),
    [
        ("train", ["train.en", "train.de"], [("lines", "train.en", "train.de")]),
        ("train", ["train.en.gz", "train.de"], [("lines", "train.en.gz", "train.de")]),
        (
            "train",
            ["train2.de", "train2.en", "train.a.en", "train.a.de", "train3.tsv.gz", "train4.tmx"],
            [
                ("lines", "train.a.en", "train.a.de"),
                ("lines", "train2.en", "train2.de"),
                ("tsv", "train3.tsv.gz"),
                ("tmx", "train4.tmx"),
            ],
        ),
        (
            "train",
            [
                "training/europarl-v7.de-en.en",
                "training/europarl-v7.de-en.de",
                "training/commoncrawl.de-en.en",
                "training/commoncrawl.de-en.de",
                "training/commoncrawl.de-en.annotation",
                "training/README",
            ],
            [
                ("lines", "training/commoncrawl.de-en.en", "training/commoncrawl.de-en.de"),
                ("lines", "training/europarl-v7.de-en.en", "training/europarl-v7.de-en.de"),
            ],
        ),
        ("train", ["train/en-de.tmx.gz", "train.md"], [("tmx", "train/en-de.tmx.gz")]),
        ("validation", ["dev.en", "dev.de"], [("lines", "dev.en", "dev.de")]),
        ("validation", ["valid.en", "valid.de"], [("lines", "valid.en", "valid.de")]),
        ("validation", ["validation.en", "validation.de"], [("lines", "validation.en", "validation.de")]),
        (
            "validation",
            [f"dev/newstest2013-{kind}.{code}.sgm" for kind in ("src", "ref") for code in ("cs", "de", "en")],
            [("sgm", "dev/newstest2013-src.en.sgm", "dev/newstest2013-ref.de.sgm")],
        ),
        (
            "test",
            ["test/newstest2014-deen-src.de.sgm", "test/newstest2014-deen-ref.en.sgm"],
            [("sgm", "test/newstest2014-deen-ref.en.sgm", "test/newstest2014-deen-src.de.sgm")],
        ),
        ("test", ["test.en.sgm", "test.de.sgm", "train.en"], [("sgm", "test.en.sgm", "test.de.sgm")]),
    ],
)
def test_found(tmp_path, split, names, expected):
    assert find(tmp_path, names, split) == expected


def test_other_languages_beside_are_left_out_with_a_warning(tmp_path, caplog):
    names = [
        "europarl-v7.cs-en.cs",
        "europarl-v7.cs-en.en",
        "europarl-v9.fr-de.tsv",
        "x.fr-en.tmx",
        "un.ru.gz",
    ]
    names += ["europarl-v7.de-en.de", "europarl-v7.de-en.en", "y.tsv", "news-test.tmx"]
    assert find(tmp_path, [f"training/{name}" for name in names]) == [
        ("lines", "training/europarl-v7.de-en.en", "training/europarl-v7.de-en.de"),
        ("tmx", "training/news-test.tmx"),
        ("tsv", "training/y.tsv"),
    ]
    assert "left out 4 corpora of other languages (europarl-v7.cs-en.cs, europarl-v7.cs-en.en" in caplog.text


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("train.tsv", ("en", "de")),
        ("train.de-en.tsv", ("de", "en")),
        ("train-v1.en-de.tsv", ("en", "de")),
        ("train_de_en.tsv", ("de", "en")),
        ("train.made-end.tsv", ("en", "de")),
    ],
)
def test_a_name_tells_the_order_of_columns(tmp_path, name, order):
    (tmp_path / name).touch()
    (found,) = parallel_folder.find(str(tmp_path), "train", EN_DE)
    assert found.order == order


@pytest.mark.parametrize(
    ("names", "split", "message"),
    [
        (
            [],
            "train",
            "no train files in .*; expected train.en and train.de .*training/; .* https://example.org",
        ),
        (
            ["train.en"],
            "train",
            "no train file for `de` in .*; expected one of train.de, train.de.gz, beside t",
        ),
        (["dev/a.de"], "validation", "no validation file for `en` in .*dev; expected one of a.en, a.en.gz"),
        (["test-src.en.sgm"], "test", "no test file for `de` in .*; expected one of test-ref.de.sgm, "),
        (["test-ref.en.sgm"], "test", "no test file for `de` in .*; expected one of test-src.de.sgm, "),
        (
            ["train.en", "train.de", "train.de.gz"],
            "train",
            "both .*train.de and .*train.de.gz are there; keep",
        ),
        (["train.en", "train.de", "train.tsv"], "train", "both .*train.de and .*train.tsv are there"),
        (["train.tmx", "train.tmx.gz"], "train", "both .*train.tmx and .*train.tmx.gz are there"),
        (
            ["dev.en", "dev.de", "valid.en", "valid.de"],
            "validation",
            "both .*valid.en and .*dev.en are there",
        ),
        (["train.en", "train.de", "train/a.tsv"], "train", "both .*train.en and .*train/a.tsv are there"),
    ],
)
def test_errors(tmp_path, names, split, message):
    with pytest.raises(UserError, match=message):
        find(tmp_path, names, split)


def test_a_language_may_have_any_name(tmp_path):
    languages = ("en", "pirate")
    assert find(tmp_path, ["train.en", "train.pirate"], languages=languages) == [
        ("lines", "train.en", "train.pirate")
    ]
