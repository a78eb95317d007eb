"""The data of an experiment or a sweep, prepared once, by the first process that comes."""

import pathlib
from collections.abc import Callable, Sequence

from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.study import lock, times
from t2tlite.study.processes import Processes, last_line, shown

_PREPARED = "prepared.json"


def prepare(
    folder: pathlib.Path, argv: Sequence[str], processes: Processes, say: Callable[[str], None]
) -> None:
    """Runs a `t2t-datagen`, unless the folder says that it was run.

    Args:
      folder: of the experiment.
      argv: the command's arguments.

    Raises:
      UserError: the data can't be prepared.
    """
    argv = list(argv)
    with lock.held(
        folder / "data-lock", lambda holder: say(f"{holder} prepares the data; waiting")
    ) as descriptor:
        if (times.read(folder / _PREPARED) or {}).get("command") == argv:
            return
        say(f"preparing the data: {shown('t2t-datagen', argv)}")
        log = folder / "datagen.log"
        if processes.run("t2t-datagen", argv, log, descriptor, lambda: None):
            raise UserError(f"the data could not be prepared: {last_line(log)} (all of it is in {log})")
        write_json(folder / _PREPARED, {"command": argv})
