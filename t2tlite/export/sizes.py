"""How large the parts of an export are, and what was left out."""

import math
import pathlib
import re
from collections.abc import Iterable
from typing import NamedTuple


class Size(NamedTuple):
    """Of some variables: how many numbers, and how many bytes."""

    parameters: int
    bytes: int


def by_part(variables: Iterable) -> dict[str, Size]:
    """The sizes of a model's parts: its nets, encoder, mixer, decoder, command tokens, in order of name."""
    sizes: dict[str, Size] = {}
    for variable in variables:
        part = variable.path.partition("/")[2].partition("/")[0]
        part = re.sub("^command_.*", "commands", part)
        parameters = math.prod(variable.shape)
        before = sizes.get(part, Size(0, 0))
        size = parameters * variable.value.dtype.size
        sizes[part] = Size(before.parameters + parameters, before.bytes + size)
    return dict(sorted(sizes.items()))


def of_folder(path: pathlib.Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def total(sizes: Iterable[Size]) -> Size:
    sizes = list(sizes)
    return Size(sum(size.parameters for size in sizes), sum(size.bytes for size in sizes))


def table(exported: dict[str, Size], whole: dict[str, Size], export: int, checkpoint: int | None) -> str:
    """Parameters and megabytes of each part, with what is left out, and of the files on the disk.

    Args:
      exported, whole: the parts of the export, and of the model.
      export, checkpoint: bytes of the folders.
    """
    rows: list[tuple[str, ...]] = [("part", "parameters", "MB", "left out"), ("", "", "", "")]
    for part, size in {**whole, "total": total(whole.values())}.items():
        here = total(exported.values()) if part == "total" else exported.get(part, Size(0, 0))
        left = size.parameters - here.parameters
        rows.append((part, f"{here.parameters:,}", f"{here.bytes / 1e6:,.1f}", f"{left:,}" if left else ""))
    rows.append(("the export, with graphs and vocabulary", "", f"{export / 1e6:,.1f}", ""))
    if checkpoint is not None:
        rows.append(("the checkpoint, with the optimizer's state", "", f"{checkpoint / 1e6:,.1f}", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    rows[1] = tuple("-" * width for width in widths)
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3))]).rstrip()
        for row in rows
    )
