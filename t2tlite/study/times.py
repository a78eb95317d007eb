"""How long a run has taken, over all its starts, and that it is done."""

import json
import pathlib
from typing import Any

from t2tlite.files import write_json

FINISHED = "finished.json"
SECONDS = "seconds.json"


def read(path: pathlib.Path) -> dict[str, Any] | None:
    """A JSON object, or None where there is none yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def taken(folder: pathlib.Path) -> dict[str, float]:
    """Seconds that a run has taken so far, `{"train": ..., "evaluate": ...}`."""
    return {"train": 0.0, "evaluate": 0.0, **(read(folder / SECONDS) or {})}


def keep(folder: pathlib.Path, seconds: dict[str, float]) -> None:
    write_json(folder / SECONDS, {name: round(value, 1) for name, value in seconds.items()})


def finished(folder: pathlib.Path) -> float | None:
    """Seconds of a finished run's training; None for one that is not finished."""
    content = read(folder / FINISHED)
    return max(content["seconds"]["train"], 0.1) if content else None
