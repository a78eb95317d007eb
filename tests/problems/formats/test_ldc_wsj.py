"""WSJ0 and WSJ1 as LDC distributes them, small, from the discs' files to waveforms with words."""

import os
import pathlib
import pickle

import numpy as np
import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import ldc_discs, ldc_wsj

from ...data import sound_bytes

SOUNDS = {  # by path on the discs: the seed of its voice
    "11-1.1/wsj0/si_tr_s/01i/01ic0201.wv1": 0,
    "11-1.1/wsj0/si_tr_s/01i/01ic0202.wv1": 1,
    "11-2.1/wsj0/si_tr_s/401/401c0201.wv1": 2,
    "11-4.1/wsj0/si_tr_s/01i/01ic0201.wv2": 9,
    "11-14.1/wsj0/si_et_20/440/440c0401.wv1": 3,
    "13-1.1/wsj1/si_tr_s/46a/46ac020a.wv1": 4,
    "13-16.1/WSJ1/SI_DT_20/4K0/4K0C0301.WV1": 5,
    "13-33.1/wsj1/si_et_h1/4oa/4oac0201.wv1": 6,
}
TEXTS = {
    "11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx": (
        ";; File: tr_s_wv1.ndx, updated 04/26/94\n;;\n"
        "11_1_1:wsj0/si_tr_s/01i/01ic0202.wv1\n11_1_1:wsj0/si_tr_s/01i/01ic0201.wv1\n"
        "11_2_1:wsj0/si_tr_s/401/401c0201.wv1\n"
    ),
    "11-13.1/wsj0/doc/indices/test/nvp/si_et_20.ndx": "11_14_1:wsj0/si_et_20/440/440c0401\r\n\r\n\x1a",
    "11-13.1/wsj0/doc/indices/test/vp/si_et_20.ndx": "11_14_1:wsj0/si_et_20/440/440v0401\n",
    "13-34.1/wsj1/doc/indices/si_tr_s.ndx": "13_1_1: wsj1/si_tr_s/46a/46ac020a.wv1\n",
    "13-34.1/wsj1/doc/indices/h1_p0.ndx": "13_16_1:wsj1/si_dt_20/4k0/4k0c0301.wv1\n",
    "13-32.1/wsj1/doc/indices/wsj1/eval/h1_p0.ndx": "13_32_1:wsj1/si_et_h1/4oa/4oac0201.wv1\n",
    "11-10.1/wsj0/transcrp/dots/si_tr_s/01i/01ic0200.dot": (
        "The men [cough] \\,COMMA \\-\\-DASH *said* (01ic0201)\nMr\\. <Smith> . came ~ (01ic0202)\n"
    ),
    "11-1.1/wsj0/si_tr_s/01i/01ic0200.ptx": "not this (01ic0201 87.01)\n",
    "11-14.1/wsj0/transcrp/440c0400.lsn": "EVALUATE THIS (440C0401)\n",
    "11-14.1/wsj0/si_et_20/440/440c0400.ptx": "Not this (440c0401)\n",
    "13-34.1/wsj1/trans/wsj1/si_tr_s/46a/46ac0200.dot": "TRAIN ON THIS (46ac020a)\n",
    "13-34.1/wsj1/trans/wsj1/si_dt_20/4k0/4K0C0300.DOT": "Develop this (4K0C0301)\n",
}
EXPECTED = {
    "train": [("mr. smith came", 1), ("the men comma dash said", 0), ("train on this", 4)],
    "validation": [("develop this", 5)],
    "test": [("evaluate this", 3)],
}


def content(path, seed):
    voice = sound_bytes.voice(seed=seed)
    return sound_bytes.sphere(voice, order="10" if "wsj0" in path else "01")


@pytest.fixture
def discs(tmp_path):
    """The folder with the discs; a test adds and takes away."""
    for path, seed in SOUNDS.items():
        write(tmp_path / path, content(path, seed))
    for path, text in TEXTS.items():
        write(tmp_path / path, text.encode())
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def pieces(discs, split):
    return ldc_wsj.examples(ldc_discs.Discs(discs), split)


def read(discs, split):
    return list(pieces(discs, split))


def assert_examples(found, expected):
    assert [example["targets"] for example in found] == [words for words, _ in expected]
    for example, (_, seed) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(example["inputs"], np.float32(sound_bytes.voice(seed=seed)) / 32768)


@pytest.mark.parametrize("split", EXPECTED)
def test_a_split_is_its_lists_in_their_order(discs, split):
    assert_examples(read(discs, split), EXPECTED[split])
    assert pieces(discs, split).total == len(EXPECTED[split])


def upper(discs):
    for folder, folders, files in os.walk(discs, topdown=False):
        for name in folders + files:
            os.rename(os.path.join(folder, name), os.path.join(folder, name.upper()))


def deeper_with_other_names(discs):
    for number, folder in enumerate(sorted(discs.iterdir())):
        (discs / "csr" / "senn").mkdir(parents=True, exist_ok=True)
        folder.rename(discs / "csr" / "senn" / f"disc{number}")


def merged(discs):
    for folder in sorted(discs.iterdir()):
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            write(discs / path.relative_to(folder).as_posix().replace("WSJ1", "wsj1"), path.read_bytes())
            path.unlink()


def by_links(discs):
    (discs / "away").mkdir()
    for folder in sorted(discs.iterdir()):
        if folder.name != "away":
            folder.rename(discs / "away" / folder.name)
    (discs / "links").mkdir()
    (discs / "links" / "all").symlink_to(discs / "away")
    (discs / "away" / "round").symlink_to(discs)


@pytest.mark.parametrize("change", [upper, deeper_with_other_names, merged, by_links])
def test_names_and_places_do_not_matter(discs, change):
    change(discs)
    for split, expected in EXPECTED.items():
        assert_examples(read(discs, split), expected)


@pytest.mark.parametrize("extension", [".wav", ".flac", ".wv1.flac"])
def test_sounds_that_were_converted(discs, extension):
    for path in [path for path in SOUNDS if path.endswith("wv1")]:
        old = discs / path
        samples = sound_bytes.voice(seed=SOUNDS[path])
        form = "WAV" if extension == ".wav" else "FLAC"
        (old.with_suffix(extension)).write_bytes(sound_bytes.sound_file(samples, format=form))
        old.unlink()
    assert_examples(read(discs, "train"), EXPECTED["train"])


def test_the_listed_disc_comes_first_where_several_have_the_sound(discs):
    other = "11-0.1/wsj0/si_tr_s/01i/01ic0201.wv1"
    write(discs / other, content(other, 7))
    assert_examples(read(discs, "train"), EXPECTED["train"])


def test_ptx_where_there_is_nothing_better(discs):
    (discs / "11-14.1/wsj0/transcrp/440c0400.lsn").unlink()
    assert_examples(read(discs, "test"), [("not this", 3)])


def test_what_is_wrong_is_said_with_the_lists_line_and_the_rest_is_read(discs):
    cut = discs / "13-1.1/wsj1/si_tr_s/46a/46ac020a.wv1"
    cut.write_bytes(cut.read_bytes()[:-200])
    with open(discs / "11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx", "a") as file:
        file.writelines(f"11_1_1:wsj0/si_tr_s/01i/01ic020{n}.wv1\n" for n in "3456")
        file.write("11_9_1:wsj0/si_tr_s/999/999c0201.wv1\n")
    with open(discs / "11-10.1/wsj0/transcrp/dots/si_tr_s/01i/01ic0200.dot", "ab") as file:
        file.write(b"no sound (01ic0203)\n caf\xe9 (01ic0205)\n[cough] . (01ic0206)\n")
    for number in "456":
        write(discs / f"11-1.1/wsj0/si_tr_s/01i/01ic020{number}.wv1", content("wsj0", 8))
    found = read(discs, "train")
    assert_examples(found[:2], EXPECTED["train"][:2])
    listing = discs / "11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx"
    assert found[2:] == [
        Broken("the list's utterance has no sound (.wv1, .wav or .flac)", f"{listing}:6: 01ic0203"),
        Broken("the list's utterance has no transcript (.dot, .lsn or .ptx)", f"{listing}:7: 01ic0204"),
        Broken("the transcript is not UTF-8", f"{listing}:8: 01ic0205"),
        Dropped("a transcript without words"),
        Broken("the list's utterance has no sound (.wv1, .wav or .flac)", f"{listing}:10: 999c0201"),
        Broken("the sound is cut off", str(cut)),
    ]


@pytest.mark.parametrize(
    ("path", "split", "message"),
    [
        ("11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx", "train", "no list tr_s_wv1.ndx.*WSJ0's disc 11-13.1"),
        ("13-34.1/wsj1/doc/indices/si_tr_s.ndx", "train", "no list si_tr_s.ndx.*WSJ1's disc 13-34.1"),
        ("13-34.1/wsj1/doc/indices/h1_p0.ndx", "validation", "no list h1_p0.ndx.*WSJ1's disc 13-34.1"),
        ("11-13.1/wsj0/doc/indices/test/nvp/si_et_20.ndx", "test", "no list si_et_20.ndx.*indices/test/nvp"),
    ],
)
def test_a_list_that_is_missing(discs, path, split, message):
    kept = (discs / path).read_bytes()
    (discs / path).unlink()
    with pytest.raises(UserError, match=message):
        read(discs, split)
    write(discs / path, kept)
    assert len(read(discs, split)) == len(EXPECTED[split])


def test_a_list_that_is_none(discs):
    path = discs / "13-34.1/wsj1/doc/indices/h1_p0.ndx"
    path.write_text(";; a comment\nwsj1/si_dt_20/4k0/4k0c0301.wv1\n")
    with pytest.raises(UserError, match=f"{path}:2: 'wsj1/si_dt_20/4k0/4k0c0301.wv1' is no `disc:path`"):
        read(discs, "validation")


def test_parts_are_plain_and_compact(tmp_path, monkeypatch):
    monkeypatch.setattr(ldc_wsj, "UTTERANCES", 40)
    lines = [
        f"11_1_1:wsj0/si_tr_s/{s:03d}/{s:03d}c{t:02d}{u:02d}.wv1\n"
        for s in range(5)
        for t in (2, 3)
        for u in range(25)
    ]
    write(tmp_path / "11-13.1/wsj0/doc/indices/test/nvp/si_et_20.ndx", "".join(lines).encode())
    made = pieces(tmp_path, "test")
    assert made.total == 250
    assert [sum(len(session.utterances) for session in part) for part in made.parts] == [50] * 5
    assert pickle.loads(pickle.dumps(made.parts)) == made.parts
    assert len(repr(made.parts)) < 50 * 250
    found = list(made)
    assert len(found) == 250 and all(isinstance(other, Broken) for other in found)
    assert pathlib.Path(found[-1].where.split(":")[0]).name == "si_et_20.ndx"


def test_what_looks_like_the_discs(discs, tmp_path_factory):
    assert ldc_discs.Discs(discs)
    empty = tmp_path_factory.mktemp("empty")
    assert not ldc_discs.Discs(empty)
    (empty / "a" / "wsj0").mkdir(parents=True)
    assert ldc_discs.Discs(empty)
