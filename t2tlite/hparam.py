"""HParams: the typed, frozen hyperparameters of a run, and the ways to get and change them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self

from t2tlite import declarations, registry
from t2tlite.core_hparams import CORE
from t2tlite.declarations import Part
from t2tlite.errors import UserError
from t2tlite.hyperparameter import REQUIRED, Hyperparameter
from t2tlite.nearest import did_you_mean

_PARTS = "parts"  # in JSON


class HParams:
    """The hyperparameters of a run: those of the core (`t2tlite/core_hparams.py`) and of every chosen part.

    Each is an attribute. A part declares its own in the tuple `HPARAMS` of its class, and is chosen where a
    hyperparameter names it, as `encoder="lstm"` does; features and objectives always are. Sets are functions
    that return `HParams`, registered with `@registry.register_hparams`. A set may also give values for parts
    that it doesn't choose: they count once such a part is chosen.

    Args:
      parts: further parts that are chosen.
      given: values by name. What is not given has the default that its part declares.

    Raises:
      UserError: no registered part declares a name, a value has the wrong type or is out of range, one that
        has no default is missing, or two chosen parts declare a name differently.
    """

    __slots__ = ("_declared", "_given", "_parts", "_values")

    def __init__(self, parts: Iterable[Part] = (), /, **given: Any) -> None:
        parts = tuple(dict.fromkeys(Part(*part) for part in parts))
        declared = declarations.chosen(CORE, given, parts)
        for name in declared:
            if hasattr(HParams, name):
                raise UserError(f"a hyperparameter can't be called `{name}`, as HParams itself has that name")
        for name in given:
            if name not in declared and not declarations.owners(name):
                _refuse(name, declared)
        values = {name: given.get(name, one.default) for name, one in declared.items()}
        missing = [name for name, value in values.items() if value is REQUIRED]
        if missing:
            raise UserError(f"hyperparameters are missing: {', '.join(missing)}")
        for name, one in declared.items():
            values[name] = one.checked(values[name])
        for one in declared.values():
            _check_related(one, values)
        for name, value in (
            ("_declared", declared),
            ("_given", given),
            ("_parts", parts),
            ("_values", values),
        ):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no chosen part declares the hyperparameter `{name}`")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"hyperparameters are frozen; use hparams.replace({name}=...)")

    def __contains__(self, name: str) -> bool:
        """Whether a chosen part, or the core, declares the hyperparameter."""
        return name in self._values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HParams):
            return NotImplemented
        return (self._values, self._parts) == (other._values, other._parts)

    def __hash__(self) -> int:
        return hash((frozenset(self._values.items()), self._parts))

    def __repr__(self) -> str:
        return f"HParams({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._parts, self._given)

    def declared(self) -> dict[str, Hyperparameter]:
        """What is declared of each hyperparameter, by name."""
        return dict(self._declared)

    def parts(self) -> tuple[Part, ...]:
        """The parts that are chosen by the problems' features, and by no hyperparameter."""
        return self._parts

    def text_bounds(self) -> tuple[int, ...]:
        """What texts are padded to, in positions, ascending: `length_bounds` as far as `max_length`."""
        if not self.max_length:
            return self.length_bounds
        return (*(bound for bound in self.length_bounds if bound < self.max_length), self.max_length)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values, checked like the constructor's.

        Raises:
          UserError: a name is not a hyperparameter, or a value has the wrong type or is out of range.
        """
        return type(self)(self._parts, **{**self._given, **changes})

    def for_problems(self, problems: Iterable) -> Self:
        """A copy in which the modalities are chosen that the problems' features name themselves."""
        features = [feature for problem in problems for feature in problem.features().values()]
        parts = [Part("modality", feature.modality) for feature in features if feature.modality]
        return type(self)((*self._parts, *parts), **self._given)


def get(
    set_name: str,
    overrides: str | Mapping[str, Any] = "",
    gin_files: Sequence[str] = (),
    gin_bindings: Sequence[str] = (),
    problems: Iterable = (),
) -> HParams:
    """A registered set with changes on top; see `changes`.

    Args:
      problems: `Problem` instances that are trained; see `HParams.for_problems`.
    """
    # All at once: what the gin file sets may fit only together with the overrides.
    return (
        _set(set_name)
        .for_problems(problems)
        .replace(**changes(set_name, overrides, gin_files, gin_bindings, problems))
    )


def changes(
    set_name: str,
    overrides: str | Mapping[str, Any] = "",
    gin_files: Sequence[str] = (),
    gin_bindings: Sequence[str] = (),
    problems: Iterable = (),
) -> dict[str, Any]:
    """What is changed of a registered set: by the gin files, then the gin bindings, then the overrides.

    Args:
      set_name: name of a registered set.
      overrides: "hidden_size=64,length_bounds=8;16;32"; values are read by the type of the hyperparameter. Or
        values by name, in which lists stand for tuples.
      gin_files: paths of files with lines such as `HParams.hidden_size = 64`.
      gin_bindings: such lines.
      problems: as of `get`.

    Raises:
      UserError: the set or a hyperparameter is unknown, no chosen part has it, or a value has the wrong type
        or is out of range.
    """
    base = _set(set_name).for_problems(problems)
    given: dict[str, Any] = {}
    if isinstance(overrides, Mapping):
        given = {name: _frozen(value) for name, value in overrides.items()}
    texts = {} if isinstance(overrides, Mapping) else _split(overrides)
    from_gin: dict[str, Any] = {}
    if gin_files or gin_bindings:
        from t2tlite import gin_config

        from_gin = gin_config.changes(gin_files, gin_bindings)
    parsed = from_gin | given
    declared = _chosen_with(base, parsed, texts)
    for name in (*parsed, *texts):
        if name not in declared:
            _refuse(name, declared)
    return parsed | {name: declared[name].parse(text) for name, text in texts.items()}


def _chosen_with(
    base: HParams, parsed: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, Hyperparameter]:
    """The hyperparameters there are once those are changed that name parts."""
    values = {**base._given, **parsed}
    while True:
        declared = declarations.chosen(CORE, values, base.parts())
        named = {
            name: declared[name].parse(text)
            for name, text in texts.items()
            if name in declared and declared[name].names
        }
        if all(name in values and values[name] == value for name, value in named.items()):
            return declared
        values |= named


def _split(overrides: str) -> dict[str, str]:
    """The texts of "name=value,name=value"."""
    texts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in overrides.split(","))):
        name, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals:
            hint = "; the parts of a tuple are separated by `;`" if texts else ""
            raise UserError(f"cannot read `{part}` among the hyperparameters; expected name=value{hint}")
        if name in texts:
            raise UserError(f"hyperparameter `{name}` is given twice in `{overrides}`")
        texts[name] = text
    return texts


def to_json(hparams: HParams) -> dict[str, Any]:
    """Plain values by name, and the parts that problems choose, under "parts", where there are any."""
    parts = {_PARTS: [list(part) for part in hparams.parts()]} if hparams.parts() else {}
    return parts | {name: _plain(getattr(hparams, name)) for name in hparams.declared()}


def from_json(values: dict[str, Any]) -> HParams:
    """The inverse of `to_json`. The user's folders that define parts must have been imported.

    Raises:
      UserError: a part is not there, or names or values do not fit.
    """
    values = dict(values)
    hparams = HParams([Part(*part) for part in values.pop(_PARTS, [])], **values)
    for name in values:
        if name not in hparams:
            _refuse(name, hparams.declared())
    return hparams


def operative_gin(hparams: HParams) -> str:
    """The text of a gin file that sets every hyperparameter to its value."""
    return "".join(f"HParams.{name} = {getattr(hparams, name)!r}\n" for name in hparams.declared())


def _set(name: str) -> HParams:
    hparams = registry.get("hparams", name)()
    if not isinstance(hparams, HParams):
        raise UserError(
            f"hparams set `{name}` returned {type(hparams).__name__}; expected an HParams"
            f" ({registry.entry('hparams', name).place})"
        )
    return hparams


def _restored(parts: Any, given: dict[str, Any]) -> HParams:
    return HParams(parts, **given)


def _check_related(one: Hyperparameter, values: Mapping[str, Any]) -> None:
    """Raises a UserError unless a value fits another one, where there is that one."""
    name, most, multiple = one.name, one.at_most, one.divides
    if most and most in values and values[name] > values[most]:
        raise UserError(
            f"{name} must be at most {most}; received {name}={values[name]!r}, {most}={values[most]!r}"
        )
    if multiple and multiple in values and values[multiple] % values[name]:
        raise UserError(
            f"{multiple} must be a multiple of {name}; received {multiple}={values[multiple]!r},"
            f" {name}={values[name]!r}"
        )


def _refuse(name: str, declared: Mapping[str, Hyperparameter]) -> NoReturn:
    """Raises the UserError for a name that no chosen part declares."""
    if owners := declarations.owners(name):
        which = "which is not chosen" if len(owners) == 1 else "of which none is chosen"
        *others, last = (f"the {part}" for part in owners)
        of = f"{', '.join(others)} or {last}" if others else last
        raise UserError(f"hyperparameter `{name}` has no effect: it is of {of}, {which}")
    every = {one.name: one for _, several in declarations.every() for one in several} | dict(declared)
    new = [one.name for one in every.values() if name in one.formerly]
    if new:
        near = "; use " + " or ".join(f"`{other}`" for other in new)
    else:
        near = did_you_mean(name, declared) or did_you_mean(name, every)
    raise UserError(f"unknown hyperparameter `{name}`{near or ' (--registry_help=SET shows them all)'}")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
