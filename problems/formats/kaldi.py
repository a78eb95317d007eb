"""Kaldi's data folders: `wav.scp`, `text` and, where recordings hold several utterances, `segments`."""

import dataclasses
import functools
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped, Pieces
from t2tlite.problems.formats import kaldi_table, kaldi_wav, sounds, transcripts

UTTERANCES = 200  # of a part: about 50 MB of sound


@dataclasses.dataclass(frozen=True)
class Part:
    """Lines of one of a folder's tables, by number from 0 on: utterances, or transcripts without a sound."""

    table: str
    lines: tuple[int, ...] | range


def is_folder(path: str | os.PathLike) -> bool:
    """Whether there is a data folder of Kaldi's at `path`."""
    return os.path.isfile(os.path.join(path, "wav.scp"))


def examples(folder: str | os.PathLike, source_dir: str | os.PathLike) -> Pieces:
    """The utterances of a data folder, in the order of `segments`, or of `wav.scp` where there is none.

    Among utterances that are near to each other, those of one recording are read one after the other.

    Args:
      folder: has `wav.scp` ("recording path" or "recording command |"), `text` ("utterance words") and, as
        the case may be, `segments` ("utterance recording start end [channel]", seconds; an end of -1 is that
        of the recording). See https://kaldi-asr.org/doc/data_prep.html.
      source_dir: where relative paths are looked for after `folder`; after it, the folder that it is in.

    Raises:
      UserError: `text` is missing, or a key stands twice in a table.
    """
    folder = pathlib.Path(folder)
    if not (folder / "text").is_file():
        raise UserError(
            f"{folder} has wav.scp, but no file `text`; expected the transcripts, `utterance words` a line"
        )
    driver = _driver(folder)
    table, text = kaldi_table.table(folder / driver), kaldi_table.table(folder / "text")
    kaldi_table.table(folder / "wav.scp")
    silent = text.unknown_to(table).tolist()
    parts = [Part(driver, numbers) for numbers in _ranges(range(len(table)))]
    parts += [Part("text", tuple(numbers)) for numbers in _ranges(silent)]
    return Pieces(functools.partial(_read, str(folder), str(source_dir)), parts, len(table) + len(silent))


def _driver(folder):
    return "segments" if (folder / "segments").is_file() else "wav.scp"


def _ranges(numbers):
    return [numbers[first : first + UTTERANCES] for first in range(0, len(numbers), UTTERANCES)]


def _read(folder: str, source_dir: str, part: Part) -> Iterator[dict | Broken | Dropped]:
    rows = kaldi_table.table(os.path.join(folder, part.table)).rows(part.lines)
    if part.table == "text":
        yield from (Broken("the transcript has no sound", row.where) for row in rows)
        return
    folders = [folder, source_dir, os.path.dirname(os.path.abspath(source_dir))]
    by_recording: dict[Any, list] = {}  # utterances by recording
    for row in rows:
        entry = _utterance(folder, row) if part.table == "segments" else _whole(folder, row)
        if isinstance(entry, Broken | Dropped):
            yield entry
        else:
            by_recording.setdefault(entry[0], []).append(entry[1])
    for row, utterances in by_recording.items():
        yield from _of_recording(row, utterances, folders)


def _of_recording(row, utterances, folders):
    try:
        recording = kaldi_wav.recording(row.value, folders)
    except FileNotFoundError as error:
        yield from [Broken("the sound file is not there", f"{row.where}: {error.filename}")] * len(utterances)
        return
    except ValueError as error:
        yield from [Broken(str(error), row.where)] * len(utterances)
        return
    if recording.channel is not None:
        utterances = [dataclasses.replace(utterance, channel=recording.channel) for utterance in utterances]
    yield from sounds.examples(recording.path, utterances)


def _whole(folder, row):
    """The recording's line in wav.scp, and what to read of it: all."""
    text = _text(folder, row)
    return text if isinstance(text, Broken | Dropped) else (row, sounds.Utterance(text))


def _utterance(folder, row):
    """The recording's line in wav.scp, and what to read of it: a segment."""
    text = _text(folder, row)
    if isinstance(text, Broken | Dropped):
        return text
    try:
        name, start, stop, channel = _segment(row.value)
    except ValueError:
        return Broken("the segment is not `utterance recording start end` with start before end", row.where)
    recording = kaldi_table.table(os.path.join(folder, "wav.scp")).find(name)
    if recording is None:
        return Broken("the segment's recording is not in wav.scp", row.where)
    return recording, sounds.Utterance(text, row.where, start, stop, channel)


def _segment(value):
    name, *times = value.split()
    start, stop, *channel = map(float, times)
    if len(channel) > 1 or not 0 <= start < math.inf or not (stop == -1 or start < stop < math.inf):
        raise ValueError(value)
    return name, start, None if stop == -1 else stop, int(channel[0]) + 1 if channel else None


def _text(folder, row):
    """What is said in an utterance."""
    entry = kaldi_table.table(os.path.join(folder, "text")).find(row.key)
    if entry is None:
        return Broken("the sound has no transcript in `text`", row.where)
    if not transcripts.is_text(entry.value):
        return Broken("the transcript is not UTF-8", entry.where)
    return transcripts.kaldi_words(entry.value) or Dropped("a transcript without words")
