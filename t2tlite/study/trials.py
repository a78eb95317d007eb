"""The trials of a sweep: ordinary runs, by commands that a user could type, and what came of them."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from t2tlite import hparam, registry
from t2tlite.data.stored import fractions
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.nearest import did_you_mean
from t2tlite.study import space, times, updates
from t2tlite.study.rungs import Rung, rungs
from t2tlite.study.settings import VOCABULARY, CommonSettings, given

FILE = "sweep.json"
FOLDER = "trials"
LAYOUT = 1
_MEAN = "mean"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepSettings(CommonSettings):
    """The flags of `t2t-sweep` that decide what is tried.

    Attributes:
      search: the space, see `space.parse`.
      trials: how many, that of the set as it is among them.
      train_steps: updates of the trials that get to the end.
      halving: see `rungs`.
      metric: PROBLEM/FIGURE or mean/FIGURE, of the validation split.
      seed: of the draws, and of all trainings.
    """

    search: str
    trials: int
    train_steps: int
    halving: int
    metric: str
    seed: int

    def keep(self, folder: pathlib.Path) -> None:
        """Writes the settings.

        Raises:
          UserError: the folder holds a sweep of other settings.
        """
        now = json.loads(json.dumps({"layout": LAYOUT, **dataclasses.asdict(self)}))
        before = times.read(folder / FILE)
        if before is None:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / FILE, now)
            return
        for name in now:
            if before.get(name) != now[name]:
                raise UserError(
                    f"{folder} holds a sweep with {name}={before.get(name)}, and {now[name]} is asked for; "
                    "use another --output_dir, or the same flags"
                )


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a trial in a rung.

    Attributes:
      steps: updates it had made.
      value: of the metric; None where the trial failed.
      seconds: that the rung took it.
      failed: the last line of what it said where it failed, else "".
    """

    steps: int
    value: float | None
    seconds: float
    failed: str = ""


class Trials:
    """All trials of a sweep.

    Args:
      settings: what was asked for.
      folder: where the sweep is kept.

    Raises:
      UserError: a name is unknown, the space can't be read, or a trial has hyperparameters that don't fit.
    """

    def __init__(self, settings: SweepSettings, folder: pathlib.Path) -> None:
        self.settings = settings
        self.folder = folder
        self.problems = registry.problems(settings.problems)
        for problem in self.problems:
            problem.check_source(settings.source)
        names = [problem.name for problem in self.problems]
        self.fractions = fractions.parse(settings.fraction, names)
        self.space = space.parse(settings.search, self._value_of)
        for name in {one.name for one in self.space} & {"vocabulary_size", "objective"}:
            raise UserError(f"{name} can't be searched: figures of different ones don't compare")
        self.rungs = rungs(settings.trials, settings.train_steps, settings.halving)
        for number in range(settings.trials):
            self._check(number)
        self.watched, self.higher_is_better = self._watched()

    def drawn(self, number: int) -> dict[str, str]:
        """What a trial changes of the set: texts by name."""
        return space.draw(self.space, self.settings.seed, number)

    def hyperparameters(self, number: int) -> dict[str, Any]:
        """The values of what is searched, in a trial."""
        hparams = self._hparams(number)
        return {one.name: getattr(hparams, one.name, None) for one in self.space}

    def folder_of(self, number: int) -> pathlib.Path:
        return self.folder / FOLDER / f"trial-{number:03d}"

    def data_command(self) -> list[str]:
        """Arguments of the `t2t-datagen` that prepares the data, and the vocabulary that all trials share."""
        vocabulary = self.folder / VOCABULARY if self._has_text() else None
        size = self._hparams(0).vocabulary_size
        return self.settings.data_command(vocabulary, size, self.settings.fraction)

    def train_command(self, number: int, steps: int) -> list[str]:
        """Arguments of the `t2t-train` that brings a trial to so many updates."""
        settings = self.settings
        scheduled = updates.scheduled(self._hparams(number), settings.train_steps)
        changes = {name: str(value) for name, value in scheduled.items()} | self._changes(number)
        return [
            f"--problems={','.join(settings.problems)}",
            f"--source={settings.source}",
            f"--data_dir={settings.data_dir}",
            f"--hparams_set={settings.hparams_set}",
            f"--hparams={_joined(changes)}",
            *given("fraction", settings.fraction),
            *([f"--vocab={self.folder / VOCABULARY}"] if self._has_text() else []),
            f"--seed={settings.seed}",
            f"--train_steps={steps}",
            "--local_eval_frequency=0",
            "--eval_steps=0",
            f"--save_checkpoints_steps={min(1000, steps)}",
            "--keep_checkpoint_max=1",
            f"--output_dir={self.folder_of(number)}",
            *(f"--t2t_usr_dir={user}" for user in settings.usr_dirs),
        ]

    def result(self, number: int, rung: Rung) -> Result | None:
        """What came of a trial in a rung; None before it is done."""
        content = times.read(self._result_file(number, rung))
        return None if content is None else Result(**content)

    def keep(self, number: int, rung: Rung, seconds: float, failed: str = "") -> Result:
        """Writes what came of a trial in a rung: the figure in its log, or why there is none."""
        value = None if failed else self._measured(number, rung.steps)
        if not failed and value is None:
            failed = f"no finite {self.settings.metric} at step {rung.steps}"
        result = Result(rung.steps, value, round(seconds, 1), failed)
        write_json(self._result_file(number, rung), dataclasses.asdict(result))
        return result

    def of_rung(self, place: int) -> list[int] | None:
        """The numbers of a rung's trials; None before the rung before it is done."""
        if place == 0:
            return list(range(self.settings.trials))
        before = self.of_rung(place - 1)
        results = [self.result(number, self.rungs[place - 1]) for number in before or ()]
        if before is None or None in results:
            return None
        ranked = sorted(
            (self._rank(result), number)
            for number, result in zip(before, results, strict=True)
            if result and result.value is not None
        )
        return sorted(number for _, number in ranked[: self.rungs[place].trials])

    def ranking(self) -> list[tuple[int, Result]]:
        """Trials and their last results: those of more updates first, then the better, then failed ones."""
        last: dict[int, Result] = {}
        for rung in self.rungs:
            for number in range(self.settings.trials):
                if result := self.result(number, rung):
                    last[number] = result
        return sorted(
            last.items(),
            key=lambda item: (item[1].value is None, -item[1].steps, self._rank(item[1]), item[0]),
        )

    def _rank(self, result: Result) -> float:
        if result.value is None:
            return math.inf
        return -result.value if self.higher_is_better else result.value

    def _measured(self, number: int, steps: int) -> float | None:
        """The metric in the log of a trial, at a step."""
        figure = self.settings.metric.partition("/")[2]
        values = {}
        for line in (self.folder_of(number) / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
            content = json.loads(line)
            if content["step"] == steps and content["split"] == "validation" and figure in content:
                values[content["problem"]] = content[figure]
        if not all(name in values and math.isfinite(values[name]) for name in self.watched):
            return None
        return float(sum(values[name] for name in self.watched) / len(self.watched))

    def _result_file(self, number: int, rung: Rung) -> pathlib.Path:
        return self.folder_of(number) / f"rung-{rung.steps:08d}.json"

    def _changes(self, number: int) -> dict[str, str]:
        """What a trial changes of the set: what was asked for of all trials, and over it what was drawn."""
        parts = (part.partition("=") for part in self.settings.hparams.split(",") if part)
        return {name.strip(): text for name, _, text in parts} | self.drawn(number)

    def _hparams(self, number: int) -> hparam.HParams:
        return hparam.get(self.settings.hparams_set, _joined(self._changes(number)), problems=self.problems)

    def _check(self, number: int) -> None:
        try:
            self._hparams(number)
        except UserError as error:
            raise UserError(f"trial {number}: {error}; name values that fit, as in NAME=A|B") from None

    def _value_of(self, name: str, text: str) -> Any:
        changes = hparam.changes(self.settings.hparams_set, f"{name}={text}", problems=self.problems)
        return changes[name]

    def _has_text(self) -> bool:
        return any(problem.has_text() for problem in self.problems)

    def _watched(self) -> tuple[list[str], bool]:
        """The problems whose figure decides, and whether a higher one is better."""
        from t2tlite.objective import figures_of  # imports TensorFlow

        name, _, figure = self.settings.metric.partition("/")
        names = [problem.name for problem in self.problems]
        if name != _MEAN and name not in names:
            raise UserError(
                f"--metric={self.settings.metric}: no problem `{name}`{did_you_mean(name, names)}"
            )
        chosen = [problem for problem in self.problems if name in (_MEAN, problem.name)]
        directions = {problem.name: figures_of(problem) for problem in chosen}
        watched = [name for name, figures in directions.items() if figure in figures]
        if not watched:
            known = sorted({known for figures in directions.values() for known in figures})
            decoded = {metric for problem in chosen for metric in problem.metrics}
            hint = (
                f"; `{figure}` is of decoded outputs, which trials don't make"
                if figure in decoded
                else did_you_mean(figure, known)
            )
            raise UserError(
                f"--metric={self.settings.metric}: no figure `{figure}` among {', '.join(known)}{hint}"
            )
        return watched, bool(directions[watched[0]][figure])


def _joined(changes: Mapping[str, str]) -> str:
    """As `--hparams` takes them."""
    return ",".join(f"{name}={text}" for name, text in changes.items())
