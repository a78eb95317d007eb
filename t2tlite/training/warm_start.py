"""Warm start: a new run that begins with another run's weights, whatever problems either of them has."""

import collections
import dataclasses
import math
import pathlib
from collections.abc import Sequence

from t2tlite.errors import UserError
from t2tlite.run import CHECKPOINTS, RUN_FILE, VOCABULARY_FILE
from t2tlite.training import averaging, checkpoint

_DEPTH = 4  # of RUN/checkpoints/best/PROBLEM/step-00001000 in RUN


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the weights come from: a checkpoint, and the folder of its run where it stands in one."""

    checkpoint: pathlib.Path
    run: pathlib.Path | None


def find(path) -> Source:
    """Reads `--warm_start_from`: a checkpoint, or the folder of a run, whose newest is taken.

    Raises:
      UserError: it is neither, or the run has no checkpoint.
    """
    path = pathlib.Path(path).resolve()
    if (path / RUN_FILE).exists():
        newest = checkpoint.newest(path / CHECKPOINTS)
        if newest is None:
            raise UserError(f"--warm_start_from={path} holds no checkpoint yet")
        return Source(newest, path)
    if not checkpoint.is_checkpoint(path):
        raise UserError(
            f"--warm_start_from={path} is neither the --output_dir of a t2t-train nor a checkpoint such as "
            "OUTPUT_DIR/checkpoints/step-00001000"
        )
    run = next((folder for folder in path.parents[:_DEPTH] if (folder / RUN_FILE).exists()), None)
    return Source(path, run)


def check(path, output_dir):
    """Raises what `find` raises, unless the run in `output_dir` is begun and needs it no more."""
    if checkpoint.newest(pathlib.Path(output_dir) / CHECKPOINTS) is None:
        find(path)


def vocabulary(path):
    """The vocabulary of the run that `--warm_start_from` names, unchanged; None where there is none.

    With it the language net is the same. What it lacks of the new problems' symbols is spelled in its units.
    """
    from t2tlite.data.vocabulary import Vocabulary

    run = find(path).run
    found = run and run / VOCABULARY_FILE
    return Vocabulary.load(found) if found and found.exists() else None


def load(path, model) -> str:
    """Gives a model the weights of the same path and shape; the others stay as they were initialised.

    The path of a language net tells its vocabulary, and that of a net of classes their names, so that none
    is taken for another's. Where the checkpoint holds moving averages, they are what is loaded.

    Args:
      path: as for `find`.
      model: a model that is built.

    Returns:
      A table, of several lines, of what was loaded, what is new, and what of the other model was left.

    Raises:
      UserError: the checkpoint is missing or broken, or nothing in it fits.
    """
    source = find(path)
    stored = averaging.Stored(source.checkpoint)
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    used = set()
    for variable in model.variables:
        key = stored.names.get(variable.path)
        fits = key is not None and tuple(stored.shapes[key]) == tuple(variable.shape)
        if fits:
            key = stored.averages.get(variable.path.replace("/", "_"), key)
            variable.assign(stored.value(key))
            used.add(variable.path)
        counts[_part(variable.path)]["loaded" if fits else "new"] += math.prod(variable.shape)
    for name, key in stored.names.items():
        if name not in used:
            counts[_part(name)]["left"] += math.prod(stored.shapes[key])
    if not used:
        raise UserError(
            f"nothing of {source.checkpoint} fits this model: no variable has the same name and shape; use "
            "the --hparams_set and --hparams of that run, which its run.json holds"
        )
    return _table(f"warm start from {source.checkpoint}, with a new optimizer; parameters:", counts)


def _part(path: str) -> str:
    """The part of the model that a variable belongs to: encoder, image, language_9916b373 ..."""
    names = path.split("/")
    return names[1] if len(names) > 1 else names[0]


def _table(title: str, counts) -> str:
    columns = ("loaded", "new", "left")
    total: collections.Counter = sum(counts.values(), collections.Counter())
    rows = [
        ("part", *columns),
        *((part, *(_number(one[c]) for c in columns)) for part, one in sorted(counts.items())),
        ("all", *(_number(total[c]) for c in columns)),
    ]
    return "\n".join([title, *_aligned(rows)])


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [f"  {row[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"
