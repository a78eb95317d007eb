"""How one command starts others: what all of them have in common, in an interpreter like this one."""

import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from absl.flags import FlagValues


def program(name: str, argv: Sequence[str]) -> list[str]:
    """The command line of a command of t2tlite."""
    module = f"t2tlite.bin.{name.replace('-', '_')}"
    code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-P", "-c", code, *argv]


def common_settings(flags: FlagValues, folder: pathlib.Path) -> dict[str, Any]:
    """The flags of `CommonSettings` but for the problems, for an experiment or a sweep in a folder."""
    return {
        "source": flags.source,
        "source_dir": _absolute(flags.source_dir),
        "tmp_dir": _absolute(flags.tmp_dir),
        "data_dir": _absolute(flags.data_dir) or str(folder / "data"),
        "hparams_set": flags.hparams_set,
        "hparams": flags.hparams,
        "fraction": flags.fraction or "",
        "usr_dirs": tuple(str(pathlib.Path(user).expanduser().absolute()) for user in flags.t2t_usr_dir),
    }


def _absolute(path: str | None) -> str | None:
    """The path from the root, or None."""
    return str(pathlib.Path(path).expanduser().absolute()) if path else None
