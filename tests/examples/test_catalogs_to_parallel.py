"""Tests of examples/catalogs_to_parallel.py, on catalogs and pages written here."""

import os
import pathlib
import struct
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "examples" / "catalogs_to_parallel.py"
SUBJECTS = "cat dog bird horse fish snake mouse cow goat frog".split()
TIERE = "Katze Hund Vogel Pferd Fisch Schlange Maus Kuh Ziege Frosch".split()


def write_catalog(path, messages, charset="UTF-8", order="<"):
    """Writes {message: translation} as a .mo file."""
    messages = {"": f"Content-Type: text/plain; charset={charset}\n", **messages}
    pairs = [(key.encode(charset), messages[key].encode(charset)) for key in sorted(messages)]
    start = 28 + 16 * len(pairs)
    tables, data = [], b""
    for side in (0, 1):
        for pair in pairs:
            tables += [len(pair[side]), start + len(data)]
            data += pair[side] + b"\0"
    header = struct.pack(order + "7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + struct.pack(f"{order}{len(tables)}I", *tables) + data)


def run(*args):
    """Runs the script."""
    return subprocess.run([sys.executable, SCRIPT, *map(str, args)], capture_output=True, text=True)


def read_pairs(folder, parts=("train", "dev", "test"), language="de"):
    """Returns the pairs of the parts as a list."""
    pairs = []
    for part in parts:
        sides = [(folder / f"{part}.{suffix}").read_text("utf-8").splitlines() for suffix in ("en", language)]
        pairs += zip(*sides, strict=True)
    return pairs


@pytest.fixture
def root(tmp_path):
    """A folder with ten plain messages in a catalog, to add to."""
    animals = {
        f"The {a} sleeps in the garden.": f"Im Garten schläft: {b}."
        for a, b in zip(SUBJECTS, TIERE, strict=True)
    }
    write_catalog(tmp_path / "root/locale/de/LC_MESSAGES/animals.mo", animals)
    return tmp_path / "root"


def collect(root, *args):
    """Runs the script on the folder with one pair held out each; returns all the pairs."""
    result = run("--language=de", f"--output_dir={root.parent}/out", "--held_out=1", *args, root)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(os.listdir(root.parent / "out")) == sorted(
        f"{part}.{suffix}" for part in ("train", "dev", "test") for suffix in ("en", "de")
    )
    return read_pairs(root.parent / "out")


def test_splits_without_overlap_and_deterministically(root):
    pairs = collect(root)
    assert len(pairs) == len(set(pairs)) == 10
    out = root.parent / "out"
    assert len(read_pairs(out, ["dev"])) == len(read_pairs(out, ["test"])) == 1
    first = {name: (out / name).read_bytes() for name in os.listdir(out)}
    collect(root)
    assert first == {name: (out / name).read_bytes() for name in os.listdir(out)}


def test_sentences_alike_go_to_the_same_part(root):
    write_catalog(
        root / "locale/de/LC_MESSAGES/more.mo",
        {
            f"the {a} sleeps in the garden": f"Im Garten ruht: {b}"
            for a, b in zip(SUBJECTS, TIERE, strict=True)
        },
    )
    pairs = collect(root)
    assert len(pairs) == 18  # the one likeness each of dev and test is left out
    held_out = {en.casefold().strip(".") for en, _ in read_pairs(root.parent / "out", ["dev", "test"])}
    assert len(held_out) == 2
    assert not held_out & {en.casefold().strip(".") for en, _ in read_pairs(root.parent / "out", ["train"])}


@pytest.mark.parametrize("order, charset", [("<", "UTF-8"), (">", "ISO-8859-1")])
def test_cleans_messages(root, order, charset):
    write_catalog(
        root / "locale/de/LC_MESSAGES/program.mo",
        {
            "menu\x04_Open a file": "Eine Datei ö_ffnen",
            "Save &as picture": "Als Bild &speichern",
            "<b>Bold</b> words &amp; more": "<b>Fette</b> Wörter &amp; mehr",
            "One file was removed\0%d files were removed": "Eine Datei ist fort\0%d Dateien sind fort",
            "It is late. Go home now.": "Es ist spät. Geh jetzt nach Hause.",
            "First a line.\n\nThen another line.": "Zuerst eine Zeile.\n\nDann eine andere Zeile.",
            "wrapped at the\nmargin only": "nur am Rand\numbrochen worden",
            "Dropped": "Weg damit",
            "left in English": "left in English",
            "not translated at all": "",
            "far too short this one, it cannot be true": "Kurz",
            "--all -a --verbose": "--alle -a --mehr",
            "lost the %s here in this sentence": "hier ging es in diesem Satz verloren",
        },
        charset,
        order,
    )
    pairs = [pair for pair in collect(root) if "Garten" not in pair[1]]
    assert sorted(pairs) == [
        ("%d files were removed", "%d Dateien sind fort"),
        ("Bold words & more", "Fette Wörter & mehr"),
        ("First a line.", "Zuerst eine Zeile."),
        ("Go home now.", "Geh jetzt nach Hause."),
        ("It is late.", "Es ist spät."),
        ("One file was removed", "Eine Datei ist fort"),
        ("Open a file", "Eine Datei öffnen"),
        ("Save as picture", "Als Bild speichern"),
        ("Then another line.", "Dann eine andere Zeile."),
        ("wrapped at the margin only", "nur am Rand umbrochen worden"),
    ]


def test_pairs_help_pages(root):
    pages = {
        "help/C/index.page": "<page><title>Make tea</title><p>Boil <em>the</em> water.</p></page>",
        "help/de/index.page": "<page><title>Tee kochen</title><p>Nun <em>Wasser</em> erhitzen.</p></page>",
        "help/C/other.page": "<page><title>Drink tea</title><p>Take a cup.</p></page>",
        "help/de/other.page": "<page><title>Tee trinken</title><p>Nimm.</p><p>Eine Tasse nehmen.</p></page>",
    }
    for name, text in pages.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    pairs = [pair for pair in collect(root) if "Garten" not in pair[1]]
    assert sorted(pairs) == [
        ("Boil the water.", "Nun Wasser erhitzen."),
        ("Make tea", "Tee kochen"),
    ]


def test_passes_over_broken_catalogs(root):
    (root / "locale/de/LC_MESSAGES/broken.mo").write_bytes(b"\xde\x12\x04\x95\0\0")
    assert len(collect(root)) == 10


@pytest.mark.parametrize(
    "args, message",
    [
        (["--language=fr"], "found no text in language fr"),
        (["--language=../de"], "is not a code such as"),
        (["--held_out=0"], "must be at least 1"),
        (["--held_out=5"], "found 10 pairs, too few to hold out 5 each"),
        (["/no/such/folder"], "/no/such/folder is not a folder"),
    ],
)
def test_tells_mistakes_in_one_line(root, args, message):
    result = run(f"--output_dir={root.parent}/out", *args, root)
    assert result.returncode == 1
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (root.parent / "out").exists()
