"""Problems that a model computes alike: what is compiled for one of them serves them all."""

import dataclasses
from collections.abc import Collection, Hashable, Mapping, Sequence

import keras
import tensorflow as tf

from t2tlite.model import Trainable
from t2tlite.objective import Objective


@dataclasses.dataclass(frozen=True)
class Family:
    """Problems alike, in the order in which they were given.

    Attributes:
      problems: their names; the first stands for all.
      objective: that they have in common.
      spec: of their batches.
      shared: the variables that train, but for those that are a problem's own.
      alternatives: the different lists of variables in which they differ.
      fixed: whether the variables at each place of these lists don't train.
      which: the number of its list in `alternatives`, by problem.
    """

    problems: tuple[str, ...]
    objective: Objective
    spec: dict[str, tf.TensorSpec]
    shared: list[keras.Variable]
    alternatives: list[list[keras.Variable]]
    fixed: tuple[bool, ...]
    which: dict[str, int]

    def values(self, which: tf.Tensor) -> list[tf.Tensor]:
        """The values of the variables in the list with this number, an int32 scalar."""
        alternatives = zip(*self.alternatives, strict=True)
        return [tf.gather([tf.convert_to_tensor(v) for v in variables], which) for variables in alternatives]


def key(
    model: Trainable, objective: Objective, problem: str, spec: dict[str, tf.TensorSpec]
) -> tuple[Hashable, ...]:
    """A key: one compiled function serves all problems of a model with the same one."""
    return model.computation(problem), objective.computation(), *sorted(spec.items())


def families(
    model: Trainable,
    objectives: Mapping[str, Objective],
    element_specs: Mapping[str, dict[str, tf.TensorSpec]],
    frozen: Collection[str] = (),
) -> list[Family]:
    """The problems in `{problem: spec of its batches}`, those together whose one function can serve all.

    `frozen` are the paths of variables that don't train.
    """
    groups: dict[tuple[Hashable, ...], list[str]] = {}
    for name, spec in element_specs.items():
        kind = key(model, objectives[name], name, spec), _fixed(model, name, frozen)
        groups.setdefault(kind, []).append(name)
    return [
        _family(model, names, objectives[names[0]], element_specs[names[0]], frozen)
        for names in groups.values()
    ]


def _fixed(model: Trainable, name: str, frozen: Collection[str]) -> tuple[bool, ...]:
    return tuple(variable.path in frozen for variable in model.problem_variables(name))


def _family(
    model: Trainable,
    names: Sequence[str],
    objective: Objective,
    spec: dict[str, tf.TensorSpec],
    frozen: Collection[str],
) -> Family:
    by_name = {name: model.problem_variables(name) for name in names}
    paths = {name: tuple(variable.path for variable in variables) for name, variables in by_name.items()}
    different = list(dict.fromkeys(paths.values()))
    lists = {paths[name]: variables for name, variables in by_name.items()}
    apart = {path for group in different for path in group} | set(frozen)
    return Family(
        tuple(names),
        objective,
        spec,
        [variable for variable in model.trainable_variables if variable.path not in apart],
        [lists[group] for group in different],
        _fixed(model, names[0], frozen),
        {name: different.index(paths[name]) for name in names},
    )
