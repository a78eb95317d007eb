"""Rows of Hugging Face datasets that are on this machine; nothing is ever fetched."""

import dataclasses
import functools
import os
from collections.abc import Callable, Collection, Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Pieces
from t2tlite.problems.formats.rows import Row
from t2tlite.problems.formats.split_names import split_of

_ROWS = 20_000  # of a part


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows `first` to `end` of a split of a dataset."""

    path: str
    config: str
    split: str
    first: int
    end: int

    @property
    def folder(self) -> str:
        return self.path if os.path.isdir(self.path) else ""

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Broken]:
        """The rows: pictures and sounds as the `bytes` of their files, classes by their names.

        A file that is not in the dataset itself is the path that the dataset has.
        """
        data = _opened(self.path, self.config)[self.split]
        names = {name.partition(".")[0] for name in wanted} | set(wanted)
        data = data.select_columns([name for name in data.column_names if name in names])
        converters = {name: _converter(feature) for name, feature in data.features.items()}
        data = _undecoded(data)
        for number, row in enumerate(data.select(range(self.first, self.end)), self.first):
            cells = {name: converters[name](cell) for name, cell in row.items()}
            yield Row(f"{self.path}, {self.split}[{number}]", cells)


def parts(path: str, config: str, split: str) -> tuple[list[Part], int]:
    """The parts of a split, and how many rows it has.

    Args:
      path: a folder that `save_to_disk` wrote, or with the files of a dataset (Parquet, Arrow and so on); or
        the name of a dataset in the cache of `datasets`.
      config: the dataset's configuration; "": the only one.
      split: "train", "validation" or "test"; in the dataset it may be called "dev" and so on.

    Raises:
      UserError: there is no such dataset on this machine, or it lacks the split.
    """
    data = _opened(path, config)
    names = [name for name in data if split_of(name) == split]
    if len(names) != 1:
        why = "it has" if not names else "it has several of it:"
        raise UserError(f"the dataset {path} has no one split for {split}; {why} {', '.join(data)}")
    [name] = names
    rows = len(data[name])
    return [Part(path, config, name, at, min(at + _ROWS, rows)) for at in range(0, rows, _ROWS)], rows


def pieces(path: str, split: str, convert: Callable[[dict[str, Any]], Any], config: str = "") -> Pieces:
    """The examples of a dataset, for a problem that is a class.

    Args:
      path, split, config: as of `parts`.
      convert: makes an example, a `Broken` or a `Dropped` of a row, a dict with pictures and sounds as the
        `bytes` of their files and classes by their names. Workers are sent it: a function of a module, or
        `functools.partial` of one.

    Raises:
      UserError: as `parts`.
    """
    found, rows = parts(path, config, split)
    return Pieces(functools.partial(_converted, convert), found, rows)


def _converted(convert, part):
    columns = _opened(part.path, part.config)[part.split].column_names
    for row in part.rows(columns):
        yield convert(row.cells)


def _library():
    """The package `datasets`, told to stay off the network."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    try:
        import datasets
    except ImportError:
        raise UserError("source `hf` needs the package `datasets`: pip install 't2tlite[hf]'") from None
    datasets.config.HF_HUB_OFFLINE = True  # it may have been imported before
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    return datasets


@functools.lru_cache(maxsize=4)
def _opened(path, config):
    datasets = _library()
    is_folder = os.path.isdir(path)
    if not is_folder and path.startswith(("/", ".", "~")):
        raise UserError(f"there is no folder {path}; expected one of a Hugging Face dataset")
    saved = is_folder and any(
        os.path.exists(os.path.join(path, name)) for name in ("dataset_dict.json", "state.json")
    )
    try:
        data = datasets.load_from_disk(path) if saved else datasets.load_dataset(path, config or None)
    except Exception as error:  # of many kinds
        why = " ".join(str(error).split())[:300]
        raise UserError(f"can't open the Hugging Face dataset {path}: {why}; nothing is fetched") from None
    return data if isinstance(data, dict) else datasets.DatasetDict({"train": data})


def _undecoded(data):
    """The dataset with the files of its pictures and sounds as they are."""
    datasets = _library()
    for name, feature in data.features.items():
        if isinstance(feature, datasets.Image):
            data = data.cast_column(name, datasets.Image(decode=False))
        elif isinstance(feature, datasets.Audio):
            data = data.cast_column(name, datasets.Audio(decode=False))
    return data


def _converter(feature):
    datasets = _library()
    if isinstance(feature, datasets.ClassLabel):
        return lambda cell: None if cell is None or cell < 0 else feature.int2str(cell)
    if isinstance(feature, datasets.Image | datasets.Audio):
        return lambda cell: cell and (cell["bytes"] or cell["path"])
    return lambda cell: cell
