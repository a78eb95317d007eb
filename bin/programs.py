"""How one command starts another: in an interpreter like this one, with paths that are the same elsewhere."""

import pathlib
import sys
from collections.abc import Sequence


def program(name: str, argv: Sequence[str]) -> list[str]:
    """The command line of a command of t2tlite."""
    module = f"t2tlite.bin.{name.replace('-', '_')}"
    code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-P", "-c", code, *argv]


def absolute(path: str | None) -> str | None:
    """The path from the root, or None."""
    return str(pathlib.Path(path).expanduser().absolute()) if path else None
