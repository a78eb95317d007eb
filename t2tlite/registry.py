"""The registry: names for problems, features, modalities, hyperparameter sets, and the parts of models.

A decorator registers a class or function and returns it unchanged:

    @registry.register_problem            # -> "polite_english"
    class PoliteEnglish(problem.Problem): ...

    @registry.register_hparams("tiny")
    def small_enough_for_a_laptop(): ...

Installed packages are found by their entry points in the group `t2tlite.plugins`. They are read, and not
imported until something of theirs is asked for, so listing names needs no TensorFlow. For that, their
decorators stand at the top level of a module and give names literally.
"""

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from t2tlite import discovery, user_code
from t2tlite.discovery import KINDS, Entry
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean


class Registry:
    """Entries by kind and name.

    Args:
      scan: called once, at the first look-up; yields the entries of modules to be imported when needed.
    """

    def __init__(self, scan: Callable[[], Iterable[Entry]] = discovery.scan_plugins) -> None:
        self._scan = scan
        self._scanned = False
        self._entries: dict[tuple[str, str], Entry] = {}
        self._things: dict[tuple[str, str], Any] = {}

    def register(self, kind: str, thing: Any = None, *, name: str | None = None) -> Any:
        """Registers `thing`, or returns a decorator that does; see the module's docstring.

        Args:
          kind: one of `KINDS`.
          thing: the class or function, or the name for what is decorated.
          name: the name, where it is not the first argument. Default: the thing's own, in snake_case.

        Raises:
          UserError: the name is taken by something registered at another place.
        """
        _check_kind(kind)
        if thing is None or isinstance(thing, str):
            return functools.partial(self._add_thing, kind, thing or name)
        return self._add_thing(kind, name, thing)

    def get(self, kind: str, name: str) -> Any:
        """The class or function registered under this name; imports its module where need be."""
        entry = self.entry(kind, name)
        if (kind, name) not in self._things:
            module = importlib.import_module(entry.module)
            # Decorators register with the default registry; another one takes the thing from its module.
            self._things.setdefault((kind, name), getattr(module, entry.attribute))
        return self._things[kind, name]

    def loaded(self, kind: str, name: str) -> Any:
        """The class or function registered under this name, or None where its module is not imported yet."""
        return self._things.get((kind, name))

    def names(self, kind: str) -> list[str]:
        """The registered names of a kind, sorted."""
        _check_kind(kind)
        self._discover()
        return sorted(name for other, name in self._entries if other == kind)

    def entry(self, kind: str, name: str) -> Entry:
        """Where and as what a name is registered, without importing it.

        Raises:
          UserError: there is no such kind or name; the message has the nearest ones.
        """
        names = self.names(kind)
        if name not in names:
            near = did_you_mean(name, names)
            known = f"; there is {', '.join(names[:20])}" if names else "; none is registered"
            raise UserError(
                f"unknown {kind} `{name}`{near or known} (--registry_help={kind} lists all; for your own,"
                " give its folder by --t2t_usr_dir=DIR, or install a package with an entry point in the group"
                f" {discovery.GROUP})"
            )
        return self._entries[kind, name]

    def get_problem(self, name: str) -> Any:
        """An instance of the problem registered under this name."""
        instance = self.get("problem", name)()
        instance.name = name  # a class may be registered under several names
        return instance

    def problems(self, names: str | Iterable[str]) -> list:
        """Instances of several problems.

        Args:
          names: "a,b", ["a", "b"], or "all" for those of the paper: the problems that come with t2tlite and
            have a `paper_row` (their row in the paper's table), in that order.

        Raises:
          UserError: a name is unknown or given twice, or there is none.
        """
        if names == "all":
            core = __name__.partition(".")[0] + "."
            entries = [self.entry("problem", name) for name in self.names("problem")]
            known = [self.get_problem(entry.name) for entry in entries if entry.module.startswith(core)]
            in_paper = [problem for problem in known if hasattr(problem, "paper_row")]
            if not in_paper:
                raise UserError("no problem is registered by t2tlite itself; is it installed whole?")
            return sorted(in_paper, key=lambda problem: problem.paper_row)
        requested = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
        requested = [name for name in requested if name]
        if not requested:
            raise UserError("no problem given; expected names separated by commas, or `all`")
        twice = sorted({name for name in requested if requested.count(name) > 1})
        if twice:
            raise UserError(f"problem `{twice[0]}` is given more than once")
        return [self.get_problem(name) for name in requested]

    def _discover(self) -> None:
        if not self._scanned:
            self._scanned = True
            try:
                for entry in self._scan():
                    self._add_entry(entry, scanned=True)
            except BaseException:
                self._scanned = False  # so that the next look-up says the same, and not "unknown name"
                raise

    def _add_thing(self, kind: str, name: str | None, thing: Any) -> Any:
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__") == __name__ and frame.f_back:
            frame = frame.f_back
        name = name or discovery.snake_case(thing.__name__)
        module = frame.f_globals.get("__name__", "__main__")
        file = frame.f_code.co_filename
        doc = inspect.cleandoc(thing.__doc__ or "")
        return self.add(Entry(kind, name, module, file, frame.f_lineno, thing.__qualname__, doc), thing)

    def add(self, entry: Entry, thing: Any) -> Any:
        """Registers `thing` as the entry says, and returns it.

        Raises:
          UserError: the name is taken by something registered at another place.
        """
        kind, name = entry.kind, entry.name
        self._add_entry(entry)
        self._things[kind, name] = thing
        if kind in ("problem", "objective", "experiment") and isinstance(thing, type):
            thing.name = name  # type: ignore[attr-defined]  # these kinds declare it
        return thing

    def _add_entry(self, entry: Entry, scanned: bool = False) -> None:
        key = entry.kind, entry.name
        old = self._entries.get(key)
        if old is not None and not _same_place(old, entry):
            raise UserError(
                f"{entry.kind} `{entry.name}` is registered twice: at {old.place} and at {entry.place};"
                " give one of them another name"
            )
        if old is None or not scanned:
            self._entries[key] = entry


def _same_place(old: Entry, new: Entry) -> bool:
    """Whether `new` is `old` again: imported after its scan, reloaded, or a notebook's cell run again."""
    if old.module == new.module == "__main__" and not os.path.exists(new.file):
        return old.attribute == new.attribute
    if os.path.realpath(old.file) != os.path.realpath(new.file):
        return False
    if old.line == new.line:
        return True
    if old.attribute != new.attribute or not os.path.exists(new.file):
        return False
    # Same file, other line: an edited file that is loaded again, or two definitions of one name.
    now = discovery.scan_file(new.file, new.module)
    return len([entry for entry in now if (entry.kind, entry.name) == (new.kind, new.name)]) <= 1


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise UserError(f"unknown kind `{kind}`{did_you_mean(kind, KINDS)} (kinds: {', '.join(KINDS)})")


_default = Registry()

get = _default.get
loaded = _default.loaded
names = _default.names
entry = _default.entry
get_problem = _default.get_problem
problems = _default.problems
add = _default.add

register_problem = functools.partial(_default.register, "problem")
register_feature = functools.partial(_default.register, "feature")
register_modality = functools.partial(_default.register, "modality")
register_objective = functools.partial(_default.register, "objective")
register_loss_weighting = functools.partial(_default.register, "loss_weighting")
register_hparams = functools.partial(_default.register, "hparams")
register_model = functools.partial(_default.register, "model")
register_encoder = functools.partial(_default.register, "encoder")
register_mixer = functools.partial(_default.register, "mixer")
register_decoder = functools.partial(_default.register, "decoder")
register_moe = functools.partial(_default.register, "moe")
register_metric = functools.partial(_default.register, "metric")
register_experiment = functools.partial(_default.register, "experiment")
register_user_file = functools.partial(_default.register, "user_file")


def import_usr_dir(path: str) -> None:
    """Imports a user's folder, so that what its modules and its `user_file`s register is known.

    A second import of the same folder does nothing.

    Raises:
      UserError: as `user_code.import_usr_dir`, or a file describes something that can't be.
    """
    user_code.import_usr_dir(path, names("user_file"))
    for name in names("user_file"):
        if os.path.isfile(file := os.path.join(os.path.realpath(os.path.expanduser(path)), name)):
            get("user_file", name)(file)
