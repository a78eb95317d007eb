"""The discs of the corpora WSJ0 (LDC93S6) and WSJ1 (LDC94S13), as folders with any names."""

import collections
import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator

from t2tlite.errors import UserError

_TRANSCRIPTS = (".dot", ".lsn", ".ptx")  # the first that has an utterance is taken
_LINE = re.compile(r"(?P<disc>\w+):\s*/?(?P<path>\S+)\s*$")
_DEEPEST = 12  # folders within each other: what is deeper is none of the discs'


@dataclasses.dataclass(frozen=True)
class Listed:
    """An utterance in a list: its disc ("11_2_1"), its folder from wsj0 or wsj1 on, its name, its line."""

    disc: str
    folder: str
    name: str
    line: int


class Discs:
    """What there is on the discs, whatever the case of its names.

    Args:
      source_dir: folder with the discs, at any depth.

    Attributes:
      source_dir: the same.
      lists: paths of the lists by file name, in lower case.
    """

    def __init__(self, source_dir: str | os.PathLike):
        self.source_dir = os.fspath(source_dir)
        self.lists: dict[str, list] = collections.defaultdict(list)
        self._transcripts: dict[str, list] = collections.defaultdict(list)
        self._folders = collections.defaultdict(list)
        for folder, names in _walk(self.source_dir):
            if key := _from_corpus(folder):
                self._folders[key].append(folder)
            for name in names:
                self._note(folder, name)

    def __bool__(self):
        """Whether there is anything that looks like one of the discs."""
        tops = [
            os.path.relpath(folder, self.source_dir) for copies in self._folders.values() for folder in copies
        ]
        return bool(self.lists) or any(_from_corpus(folder) for folder in tops)

    def folders(self, listed: Listed) -> tuple[str, ...]:
        """Folders that could hold a listed sound, the disc's own first: some lists name a wrong disc."""
        folders = self._folders.get(listed.folder, [])
        return tuple(sorted(folders, key=lambda folder: listed.disc not in _discs(folder)))

    def transcripts(self, name: str) -> tuple[str, ...]:
        """Transcripts of the session (the first six letters) that an utterance belongs to, the best first."""
        paths = self._transcripts.get(name[:6], [])
        return tuple(sorted(paths, key=lambda path: _TRANSCRIPTS.index(_extension(path))))

    def _note(self, folder, name):
        path, lower = os.path.join(folder, name), name.lower()
        if lower.endswith(".ndx"):
            self.lists[lower].append(path)
        elif lower.endswith(_TRANSCRIPTS):
            self._transcripts[lower[:6]].append(path)


def read_list(path: str | os.PathLike) -> Iterator[Listed]:
    """The utterances of a list (.ndx), "disc:path" a line with or without an extension; ";" starts a comment.

    Raises:
      UserError: a line is something else.
    """
    with open(path, encoding="latin-1") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip("\x1a\r\n\t ") or line.startswith(";"):
                continue
            if not (match := _LINE.match(line)):
                raise UserError(
                    f"{path}:{number}: {line.strip()!r:.60} is no `disc:path`, as in 11_1_1:wsj0/x"
                )
            listed = pathlib.PurePosixPath(match["path"].lower())
            disc = re.sub("[-.]", "_", match["disc"])
            yield Listed(disc, _from_corpus(str(listed.parent)) or str(listed.parent), listed.stem, number)


def _walk(top) -> Iterator[tuple[str, list[str]]]:
    """Folders and the names of their files, in an order that is always the same; links are followed."""
    seen = set()
    for folder, folders, names in os.walk(top, followlinks=True):
        at = os.stat(folder)
        relative = os.path.relpath(folder, top)
        if (at.st_dev, at.st_ino) in seen or relative.count(os.sep) >= _DEEPEST:
            folders.clear()
            continue
        seen.add((at.st_dev, at.st_ino))
        folders.sort()
        yield folder, sorted(names)


def _from_corpus(folder: str) -> str | None:
    """The part of a path from wsj0 or wsj1 on, in lower case."""
    parts = [part.lower() for part in pathlib.PurePath(folder).parts]
    last = max((at for at, part in enumerate(parts) if part in ("wsj0", "wsj1")), default=None)
    return None if last is None else "/".join(parts[last:])


def _discs(folder):
    return [re.sub("[-.]", "_", part) for part in pathlib.PurePath(folder).parts]


def _extension(path):
    return os.path.splitext(path)[1].lower()
