"""The corpora WSJ0 (LDC93S6) and WSJ1 (LDC94S13) as LDC distributes them: si284, dev93 and eval92."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped, Pieces
from t2tlite.problems.formats import ldc_discs, sounds, transcripts

UTTERANCES = 200  # of a part, at least: about 50 MB of sound
_SOUNDS = (".wv1", ".wav", ".flac", ".sph", ".wv1.wav", ".wv1.flac")  # the first there is; LDC's own are .wv1
_NOT_THERE = ("11_2_1", "wsj0/si_tr_s/401")  # a speaker in the list whom the discs don't have


@dataclasses.dataclass(frozen=True)
class List:
    """A list of utterances: its file's name, which folder must not be in its path, and where it is found."""

    name: str
    without: str
    place: str


_LISTS = {
    "train": (
        List("tr_s_wv1.ndx", "", "WSJ0's disc 11-13.1, wsj0/doc/indices/train"),
        List("si_tr_s.ndx", "", "WSJ1's disc 13-34.1, wsj1/doc/indices"),
    ),
    "validation": (List("h1_p0.ndx", "eval", "WSJ1's disc 13-34.1, wsj1/doc/indices"),),
    "test": (List("si_et_20.ndx", "vp", "WSJ0's disc 11-13.1, wsj0/doc/indices/test/nvp"),),
}


@dataclasses.dataclass(frozen=True)
class Session:
    """What one speaker said in one session.

    Attributes:
      listing: the list.
      folders: where its sounds could be, in the order to look.
      transcripts: files with its transcripts, the best first.
      utterances: (name, line in the list).
    """

    listing: str
    folders: tuple[str, ...]
    transcripts: tuple[str, ...]
    utterances: tuple[tuple[str, int], ...]


def examples(discs: ldc_discs.Discs, split: str) -> Pieces:
    """The utterances of a split, in the order of the corpora's lists: si284, dev93 or eval92.

    Args:
      discs: what there is of the corpora.
      split: "train" (37416 utterances), "validation" (503) or "test" (333).

    Raises:
      UserError: a list is missing, or is no list.
    """
    paths = [_path(discs, listing) for listing in _LISTS[split]]
    sessions = [session for path in paths for session in _sessions(discs, path)]
    total = sum(len(session.utterances) for session in sessions)
    return Pieces(_read, list(_parts(sessions)), total)


def _path(discs, listing):
    for path in discs.lists.get(listing.name, ()):
        if listing.without not in pathlib.PurePath(os.path.relpath(path, discs.source_dir).lower()).parts:
            return path
    raise UserError(
        f"{discs.source_dir} has no list {listing.name}; expected it on {listing.place}, "
        "so copy that disc into the folder too (https://catalog.ldc.upenn.edu)"
    )


def _sessions(discs, path) -> Iterator[Session]:
    grouped: dict[Any, list] = {}
    for listed in ldc_discs.read_list(path):
        if (listed.disc, listed.folder) != _NOT_THERE:
            key = dataclasses.replace(listed, name=listed.name[:6], line=0)
            grouped.setdefault(key, []).append((listed.name, listed.line))
    for key, utterances in grouped.items():
        yield Session(path, discs.folders(key), discs.transcripts(key.name), tuple(utterances))


def _parts(sessions) -> Iterator[tuple[Session, ...]]:
    part, size = [], 0
    for session in sessions:
        part.append(session)
        size += len(session.utterances)
        if size >= UTTERANCES:
            yield tuple(part)
            part, size = [], 0
    if part:
        yield tuple(part)


def _read(part: tuple[Session, ...]) -> Iterator[dict | Broken | Dropped]:
    for session in part:
        files = _files(session.folders)
        texts = _texts(session.transcripts)
        for name, line in session.utterances:
            yield from _utterance(files, texts, name, f"{session.listing}:{line}")


def _utterance(files, texts, name, where):
    path = next((files[file_name] for extension in _SOUNDS if (file_name := name + extension) in files), None)
    if path is None:
        yield Broken("the list's utterance has no sound (.wv1, .wav or .flac)", f"{where}: {name}")
    elif name not in texts:
        yield Broken("the list's utterance has no transcript (.dot, .lsn or .ptx)", f"{where}: {name}")
    elif not transcripts.is_text(texts[name]):
        yield Broken("the transcript is not UTF-8", f"{where}: {name}")
    elif words := transcripts.words(texts[name]):
        yield from sounds.examples(path, [sounds.Utterance(words)])
    else:
        yield Dropped("a transcript without words")


def _files(folders) -> dict[str, str]:
    """Paths by name in lower case; of what is in several folders, the first."""
    paths: dict[str, str] = {}
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            paths.setdefault(name.lower(), os.path.join(folder, name))
    return paths


def _texts(paths) -> dict[str, str]:
    """Transcripts by utterance; of what is in several files, the first."""
    texts: dict[str, str] = {}
    for path in paths:
        for name, text in _transcripts(path).items():
            texts.setdefault(name, text)
    return texts


@functools.lru_cache(maxsize=16)
def _transcripts(path) -> dict[str, str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return transcripts.utterances(file)
