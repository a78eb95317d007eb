"""Importing a user's folder of problems, modalities and hyperparameter sets (`--t2t_usr_dir`)."""

import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Sequence

from t2tlite.errors import UserError

_NOT_OURS = re.compile(r"(setup|conftest|test_.*|.*_test|__main__|__init__)\.py")


def import_usr_dir(path: str, others: Sequence[str] = ()) -> None:
    """Imports the modules of a folder, so that what they register is known.

    A folder with an `__init__.py` is a package, named after the folder; the files of any other folder are
    modules that can import one another by name. All its files are imported but for `setup.py`, `conftest.py`
    and tests. A second import of the same folder does nothing.

    Args:
      path: the folder.
      others: names of files that a folder may have in place of modules.

    Raises:
      UserError: the folder is missing or empty; a module of it raises at import (the message has file, line
        and error), or has the name of another module.
    """
    folder = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise UserError(
            f"--t2t_usr_dir={path} {what}; expected a folder with {' or '.join(['.py files', *others])}"
        )
    files = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    if not files:
        if any(os.path.isfile(os.path.join(folder, name)) for name in others):
            return
        raise UserError(f"--t2t_usr_dir={path} holds no {' or '.join(['.py file', *others])}")
    modules = [name[:-3] for name in files if not _NOT_OURS.fullmatch(name)]
    if "__init__.py" in files:
        package = re.sub(r"\W", "_", os.path.basename(folder))
        _import(package, os.path.join(folder, "__init__.py"), folder)
        prefix = package + "."
    else:
        if folder not in sys.path:
            sys.path.append(folder)  # at the end: a user's `random.py` must not replace Python's own
        prefix = ""
    for module in modules:
        _import(prefix + module, os.path.join(folder, module + ".py"), folder)


def _import(name: str, file: str, folder: str) -> None:
    _check_not_taken(name, file)
    try:
        if os.path.basename(file) == "__init__.py" and name not in sys.modules:
            _load_package(name, file)
        else:
            importlib.import_module(name)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        where = _where(error, file, folder)
        raise UserError(f"{where}: {type(error).__name__}: {getattr(error, 'msg', None) or error}") from error


def _check_not_taken(name: str, file: str) -> None:
    if not name.rpartition(".")[2].isidentifier():
        raise UserError(f"{file}: the file must be named like a Python module: letters, digits, underscores")
    importlib.invalidate_caches()
    if name in sys.modules:
        origin = getattr(sys.modules[name], "__file__", None)
    else:
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec else file
    if os.path.realpath(origin or "") != os.path.realpath(file):
        other = origin or "another module"
        raise UserError(f"{file}: its module name `{name}` is taken by {other}; rename the file")


def _load_package(name: str, file: str) -> None:
    """Imports a package from its file, without opening its parent folder to every other import."""
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[os.path.dirname(file)]
    )
    assert spec is not None and spec.loader is not None, file  # the file is there, and is Python
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _where(error: BaseException, file: str, folder: str) -> str:
    """file:line of the error, as near to its cause as the user's own files go."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    user_frames = [frame for frame in frames if os.path.realpath(frame.filename).startswith(folder + os.sep)]
    return f"{user_frames[-1].filename}:{user_frames[-1].lineno}" if user_frames else file
