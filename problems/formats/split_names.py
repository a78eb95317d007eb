"""What the splits are called in the names of files and folders."""

import re

_NAMES = {
    "train": "train(ing)?",
    "validation": "valid(ation)?|val|dev",
    "test": "test",
}  # of files, where digits and such may follow, and of folders


def split_of(name: str) -> str | None:
    """The split that a file or a folder is named after, or None: `dev-00001.tar` is for validation."""
    for split, pattern in _NAMES.items():
        if re.match(rf"({pattern})(?![a-z])", name.lower()):
            return split
    return None
