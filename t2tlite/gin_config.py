"""Hyperparameters from gin files and bindings, such as `HParams.hidden_size = 64`."""

import functools
import os
import re
from collections.abc import Sequence
from typing import Any

import gin

from t2tlite.errors import UserError

_KEY = re.compile(r"^([\w./]+)\s*=", re.MULTILINE)
_NO_MACRO = re.compile(r"configurable 'macro' .* in scope '([^']*)'")


def changes(files: Sequence[str], bindings: Sequence[str]) -> dict[str, Any]:
    """What the files, then the bindings, set `HParams` to; macros, imports and includes work.

    Gin's configuration belongs to the whole process; what was in it before is put back.

    Raises:
      UserError: a file or line cannot be read, or configures anything but `HParams`: gin would drop that in
        silence.
    """
    for file in files:
        if not os.path.isfile(file):
            raise UserError(f"gin file {file} does not exist")
    configurable = _hparams()  # must be known before a binding to it is read
    before = gin.config_str()
    gin.clear_config()
    try:
        gin.parse_config_files_and_bindings(list(files), list(bindings), finalize_config=False)
        values = configurable()
        bound, used = _KEY.findall(gin.config_str()), _KEY.findall(gin.operative_config_str())
    except RecursionError as error:
        raise UserError("gin: a value refers to itself") from error
    except (OSError, SyntaxError, ValueError, TypeError, ImportError) as error:
        raise UserError(f"gin: {_one_line(error)}") from error
    finally:
        gin.clear_config()
        gin.parse_config(before)
    unused = [key for key in bound if key not in used]
    if unused:
        raise UserError(
            f"gin: `{unused[0]}` has no effect; expected HParams.NAME, or a macro that one of them uses"
        )
    return values


def _one_line(error: Exception) -> str:
    macro = _NO_MACRO.search(str(error))
    return f"the macro %{macro[1]} is not set" if macro else " ".join(str(error).split())


@functools.cache
def _hparams() -> Any:
    def collect(**values: Any) -> dict[str, Any]:
        return values

    return gin.external_configurable(collect, name="HParams")
