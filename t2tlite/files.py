"""Files that are there whole or not at all."""

import json
import os
import pathlib
from typing import Any


def write_whole(path: pathlib.Path, content: str | bytes) -> None:
    """Writes a file under a temporary name, then renames it; text as UTF-8."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # a disk that is full needs the room
        raise


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
