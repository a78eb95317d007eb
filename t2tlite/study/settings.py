"""What an experiment or a sweep was asked to do, and an experiment's as it is kept in its folder."""

import dataclasses
import json
import pathlib
from typing import Any, Self

from t2tlite.errors import UserError
from t2tlite.files import write_json

FILE = "experiment.json"
VOCABULARY = "vocabulary.model"
LAYOUT = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """What was asked for that all runs of an experiment, or of a sweep, have in common.

    Attributes:
      problems: names.
      source, source_dir, tmp_dir, data_dir: of the prepared data.
      hparams_set, hparams: as for `t2t-train`.
      fraction: as for `t2t-train`, or "".
      usr_dirs: folders with the user's own code.
    """

    problems: tuple[str, ...]
    source: str
    source_dir: str | None
    tmp_dir: str | None
    data_dir: str
    hparams_set: str
    hparams: str
    fraction: str
    usr_dirs: tuple[str, ...] = ()

    def data_command(self, vocabulary: pathlib.Path | None, size: int, fraction: str) -> list[str]:
        """Arguments of the `t2t-datagen` that prepares the data, and the vocabulary that all runs share.

        Args:
          vocabulary: its file; None where there is no text.
          size: of the vocabulary.
          fraction: what it is learned from, as for `t2t-datagen`, or "".
        """
        argv = [f"--problems={','.join(self.problems)}", f"--source={self.source}"]
        argv += given("source_dir", self.source_dir) + given("tmp_dir", self.tmp_dir)
        argv += [f"--data_dir={self.data_dir}"]
        if vocabulary is not None:
            argv += [f"--vocab={vocabulary}", f"--vocabulary_size={size}", *given("fraction", fraction)]
        return argv + [f"--t2t_usr_dir={folder}" for folder in self.usr_dirs]


def given(name: str, value: Any) -> list[str]:
    """The flag, or nothing where it has no value."""
    return [f"--{name}={value}"] if value else []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """The flags of `t2t-experiment` that decide what is trained.

    Attributes:
      experiment: registered name.
      updates_per_problem: batches that each problem is trained on.
      seeds: of the runs.
    """

    experiment: str
    updates_per_problem: int
    seeds: tuple[int, ...]

    def keep(self, folder: pathlib.Path) -> Self:
        """Writes the settings, with the seeds that the folder has already, and returns them so.

        Raises:
          UserError: the folder holds an experiment of other settings.
        """
        merged = self
        if (folder / FILE).exists():
            before = self.load(folder)
            for name in _DECIDING:
                was, now = getattr(before, name), getattr(self, name)
                if was != now:
                    raise UserError(
                        f"{folder} holds an experiment with {name}={_shown(was)}, and {_shown(now)} is asked "
                        "for; use another --output_dir, or the same flags"
                    )
            merged = dataclasses.replace(self, seeds=tuple(sorted({*before.seeds, *self.seeds})))
            if merged.seeds == before.seeds:
                return merged
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FILE, {"layout": LAYOUT, **dataclasses.asdict(merged)})
        return merged

    @classmethod
    def load(cls, folder: pathlib.Path) -> Self:
        """Reads what `keep` wrote.

        Raises:
          UserError: there is nothing, or it can't be read.
        """
        try:
            description = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(
                f"{folder} holds no experiment ({FILE} is missing); begin one without --report"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{folder / FILE} can't be read: {error}") from None
        return cls._of(description, folder)

    @classmethod
    def _of(cls, description: dict[str, Any], folder: pathlib.Path) -> Self:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in description.items()
        }
        if values.pop("layout", None) != LAYOUT or values.keys() != {f.name for f in dataclasses.fields(cls)}:
            raise UserError(
                f"the experiment in {folder} is of another version of t2tlite; use another --output_dir"
            )
        return cls(**values)


# Where the data and the user's folders lie may differ from machine to machine.
_DECIDING = ("experiment", "problems", "source", "hparams_set", "hparams", "fraction", "updates_per_problem")


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value) or "(empty)"
