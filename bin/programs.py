"""The flags that experiments and sweeps have in common, as their settings."""

import pathlib
from typing import Any

from absl.flags import FlagValues


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
