"""Renaming of variables: a pattern for names in one run, and one for what they are called in another."""

import dataclasses
from collections.abc import Iterable, Sequence

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.training import paths


@dataclasses.dataclass(frozen=True)
class Rename:
    """Both are patterns as in `paths.compiled`, with equally many `*`, which keep what they stand for."""

    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old}:{self.new}"

    def apply(self, path: str) -> str | None:
        """What a path is called in the other run; None where the pattern doesn't match."""
        match = paths.compiled(self.old).fullmatch(paths.within(path))
        if not match:
            return None
        *stars, rest = match.groups()
        pieces = self.new.split("*")
        name = pieces[0] + "".join(star + piece for star, piece in zip(stars, pieces[1:], strict=True)) + rest
        return path.removesuffix(paths.within(path)) + name


def parse(text: str) -> Rename:
    """Reads OLD:NEW.

    Raises:
      UserError: it can't be read.
    """
    old, colon, new = (piece.strip() for piece in text.partition(":"))
    if not (old and colon and new) or ":" in new:
        raise UserError(f"`{text}` renames nothing; expected OLD:NEW, as encoder:image_encoder")
    if old.count("*") != new.count("*"):
        raise UserError(f"`{text}` must have equally many `*` on both sides: each keeps what it stands for")
    return Rename(old, new)


def renamed(stored: Iterable[str], renames: Sequence[Rename]) -> dict[str, str]:
    """`{path in the new run: path in the old one}`; of several patterns the first that matches holds.

    What is renamed takes the place of what had the name before.

    Raises:
      UserError: a pattern matches nothing, or two variables get the same name.
    """
    stored = list(stored)
    origin: dict[str, str] = {}
    used = set()
    for path in stored:
        for rename in renames:
            name = rename.apply(path)
            if name is not None:
                if name in origin:
                    raise UserError(
                        f"`{rename}` gives `{origin[name]}` and `{path}` the same name; use narrower patterns"
                    )
                origin[name] = path
                used.add(rename)
                break
    for rename in renames:
        if rename not in used:
            parts = sorted({paths.part(path) for path in stored})
            near = did_you_mean(rename.old, parts)
            raise UserError(
                f"`{rename}` renames nothing: the checkpoint has nothing more that `{rename.old}` matches"
                f"{near}; its parts are {', '.join(parts)}"
            )
    moved = set(origin.values())
    return {path: path for path in stored if path not in moved} | origin
