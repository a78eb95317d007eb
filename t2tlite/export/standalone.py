"""The source of a function with all that it uses, as a file of its own. Needs no TensorFlow."""

import dis
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from t2tlite.errors import UserError


def source(function: Callable, name: str) -> str:
    """Python source that defines a function, using the standard library alone.

    What it uses of its module comes along: functions, plain values, regular expressions.

    Args:
      function: of a module.
      name: under which it is to be found.

    Raises:
      UserError: it uses something else, or is no plain function.
    """
    if not isinstance(function, types.FunctionType):
        raise UserError(f"a from_text_function must be a function of a module; received {function!r:.60}")
    imports: set[str] = set()
    values: dict[str, str] = {}
    functions: dict[str, str] = {}

    def take(one: types.FunctionType) -> None:
        functions[one.__name__] = inspect.getsource(one).strip()
        for key in _globals(one.__code__):
            if key in one.__globals__ and key not in functions and key not in values:
                add(key, one.__globals__[key])

    def add(key: str, value: Any) -> None:
        if isinstance(value, types.ModuleType) and value.__name__ == key and key in sys.stdlib_module_names:
            imports.add(key)
        elif isinstance(value, types.FunctionType) and value.__name__ == key:
            take(value)
        elif isinstance(value, re.Pattern):
            imports.add("re")
            values[key] = f"re.compile({value.pattern!r}, {value.flags})"
        elif _plain(value):
            values[key] = repr(value)
        else:
            raise UserError(
                f"`{function.__name__}` of {function.__module__} uses `{key}`, which can't be exported with"
                " it; a from_text_function may use the standard library and plain values of its module"
            )

    take(function)
    parts = [
        f'"""`{name}(inputs, output)`: what people read, of what a model was given and wrote."""',
        "\n".join(f"import {one}" for one in sorted(imports)),
        "\n".join(f"{key} = {value}" for key, value in values.items()),
        *(f"\n{text}" for text in functions.values()),
        "" if name in functions else f"\n{name} = {function.__name__}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _globals(code: types.CodeType) -> Iterator[str]:
    """Names that code, and functions inside it, look up in its module."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals(constant)


def _plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_plain, value)) and all(map(_plain, value.values()))
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(_plain, value))
    return value is None or type(value) in (str, bytes, int, float, bool)
