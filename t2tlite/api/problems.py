"""Problems as they are given in Python: by name, as a class or as an instance."""

import copy
from collections.abc import Iterable
from typing import Any

from t2tlite import discovery, registry
from t2tlite.errors import UserError
from t2tlite.problem import Problem

OneProblem = str | Problem | type[Problem]
Problems = OneProblem | Iterable[OneProblem]


def register(*problems: Problem | type[Problem]) -> None:
    """Registers problems in this process, so that runs trained on them can be loaded, resumed and decoded.

    `t2tlite.train` does so itself with what it is given. In another process define them again and register
    them, before the run is loaded. A problem that is registered again replaces the one before.

    Args:
      problems: classes, named like themselves in snake case, or instances, with their own `name`.

    Raises:
      UserError: something is not a problem, or its name is taken by one that was registered elsewhere.
    """
    for problem in problems:
        _registered(problem)


def names(problems: Problems) -> list[str]:
    """The names of problems, in order; classes and instances are registered.

    Args:
      problems: one or several; a text may have several names separated by commas, or be "all".

    Raises:
      UserError: a name is unknown or given twice, there is none, or something is not a problem.
    """
    if isinstance(problems, str):
        return [problem.name for problem in registry.problems(problems)]
    several = [problems] if isinstance(problems, Problem | type) else problems
    if not isinstance(several, Iterable):
        raise UserError(_expected(problems))
    return [problem.name for problem in registry.problems([_registered(one) for one in several])]


def listed(names: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names, or the pieces of one text with commas between them."""
    pieces = names.split(",") if isinstance(names, str) else names or ()
    return tuple(filter(None, map(str.strip, pieces)))


def is_of_this_process(name: str) -> bool:
    """Whether a problem is defined in the main script or a notebook, where no other process finds it."""
    return registry.entry("problem", name).module in ("__main__", __name__)


def _registered(problem: OneProblem) -> str:
    """The name of a problem, which is registered now."""
    if isinstance(problem, str):
        return problem
    if not isinstance(problem, Problem) and not (isinstance(problem, type) and issubclass(problem, Problem)):
        raise UserError(_expected(problem))
    kind = problem if isinstance(problem, type) else type(problem)
    # A class's own, not that of a registered class from which it is derived.
    name = vars(problem).get("name") or vars(kind).get("name") or discovery.snake_case(kind.__name__)
    known = name in registry.names("problem")
    if known and registry.get("problem", name) is kind and not _has_state(problem):
        return name
    if known and registry.entry("problem", name).module != __name__:
        place = registry.entry("problem", name).place
        raise UserError(
            f"problem `{name}` is already registered at {place}; give yours another name: the class, or its"
            " attribute `name`"
        )
    registry.register_problem(problem if isinstance(problem, type) else _copies(problem), name=name)
    return name


def _has_state(problem: Problem | type[Problem]) -> bool:
    """Whether it is an instance that differs from what its class makes."""
    return not isinstance(problem, type) and not vars(problem).keys() <= {"name", "objective"}


def _copies(problem: Problem) -> Any:
    """A function that gives copies of an instance; runs change their problems (`Problem.configure`)."""

    def instance() -> Problem:
        return copy.copy(problem)

    instance.__doc__ = type(problem).__doc__
    return instance


def _expected(received: Any) -> str:
    return f"expected the name of a problem, a Problem or a subclass of it; received {received!r:.60}"
