"""Warm start: a new run that begins with another run's weights, whatever problems either of them has."""

import collections
import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

from t2tlite import shard_values, shards
from t2tlite.checkpoints import CHECKPOINTS, averaging, checkpoint
from t2tlite.errors import UserError
from t2tlite.model import Trainable
from t2tlite.run import RUN_FILE, VOCABULARY_FILE
from t2tlite.training import paths, renaming

if TYPE_CHECKING:
    from t2tlite.data.text.vocabulary import Vocabulary

FLAG = "--warm_start_from="
_DEPTH = 4  # of RUN/checkpoints/best/PROBLEM/step-00001000 in RUN


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the weights come from: a checkpoint, and the folder of its run where it stands in one."""

    checkpoint: pathlib.Path
    run: pathlib.Path | None


def find(path: str | os.PathLike, flag: str = FLAG) -> Source:
    """Reads `--warm_start_from`: a checkpoint, or the folder of a run, whose newest is taken.

    Args:
      path: of either.
      flag: what it was given as, for errors.

    Raises:
      UserError: it is neither, or the run has no checkpoint.
    """
    path = pathlib.Path(path).resolve()
    if (path / RUN_FILE).exists():
        newest = checkpoint.newest(path / CHECKPOINTS)
        if newest is None:
            raise UserError(f"{flag}{path} holds no checkpoint yet")
        return Source(newest, path)
    if not checkpoint.is_checkpoint(path):
        raise UserError(
            f"{flag}{path} is neither the --output_dir of a t2t-train nor a checkpoint such as "
            "OUTPUT_DIR/checkpoints/step-00001000"
        )
    run = next((folder for folder in path.parents[:_DEPTH] if (folder / RUN_FILE).exists()), None)
    return Source(path, run)


def check(path: str | os.PathLike, output_dir: str | os.PathLike) -> None:
    """Raises what `find` raises, unless the run in `output_dir` is begun and needs it no more."""
    if checkpoint.newest(pathlib.Path(output_dir) / CHECKPOINTS) is None:
        find(path)


def vocabulary(path: str | os.PathLike) -> "Vocabulary | None":
    """The vocabulary of the run that `--warm_start_from` names, unchanged; None where there is none.

    With it the language net is the same. What it lacks of the new problems' symbols is spelled in its units.
    """
    from t2tlite.data.text.vocabulary import Vocabulary

    run = find(path).run
    file = run and run / VOCABULARY_FILE
    return Vocabulary.load(file) if file and file.exists() else None


def load(
    path: str | os.PathLike, model: Trainable, renames: Sequence[renaming.Rename] = (), flag: str = FLAG
) -> str:
    """Gives a model the weights of the same path and shape; the others stay as they were initialized.

    The path of a language net tells its vocabulary, and that of a net of classes their names, so that none
    is taken for another's. Where the checkpoint holds moving averages, they are what is loaded.

    Args:
      path, flag: as for `find`.
      model: a model that is built.
      renames: what of the checkpoint is called otherwise in the model.

    Returns:
      A table, of several lines, of what was loaded, what is new, and what of the other model was left. A part
      that was loaded under another name is called OLD:NEW.

    Raises:
      UserError: the checkpoint is missing or broken, nothing in it fits, or nothing of what was renamed.
    """
    source = find(path, flag)
    stored = averaging.Stored(source.checkpoint)
    old = renaming.renamed(stored.names, renames)
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    used = set()
    for variable in model.variables:
        shape = shards.whole_shape(variable)
        size = math.prod(shape)
        name = old.get(variable.path)
        if name is None or tuple(stored.shapes[stored.names[name]]) != shape:
            counts[paths.part(variable.path)]["new"] += size
            continue
        key = stored.averages.get(name.replace("/", "_"), stored.names[name])
        shard_values.assign(variable, stored.value(key))
        used.add(name)
        counts[_label(name, variable.path)]["loaded"] += size
    for name, key in stored.names.items():
        if name not in used:
            counts[paths.part(name)]["left"] += math.prod(stored.shapes[key])
    _check_used(source, used, old, renames)
    title = f"warm start from {source.checkpoint}, with a new optimizer; parameters:"
    return paths.table(title, ("loaded", "new", "left"), counts)


def _check_used(
    source: Source, used: Set[str], old: Mapping[str, str], renames: Sequence[renaming.Rename]
) -> None:
    if not used:
        raise UserError(
            f"nothing of {source.checkpoint} fits this model: no variable has the same name and shape; use "
            "the --hparams_set and --hparams of that run, which its run.json holds"
        )
    for rename in renames:
        if not any(rename.apply(name) == path for path, name in old.items() if name in used):
            raise UserError(
                f"nothing of {source.checkpoint} that `{rename}` renames fits this model: it has no variable "
                "of such a name and shape"
            )


def _label(old: str, new: str) -> str:
    """The part of the model, and before it that of the checkpoint where it is another one."""
    return ":".join(dict.fromkeys([paths.part(old), paths.part(new)]))
