"""From an experiment and its settings to the runs: commands that a user could type."""

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from t2tlite import hparam, registry
from t2tlite.data.stored import fractions
from t2tlite.errors import UserError
from t2tlite.experiment import Claim, Experiment, Table, Training
from t2tlite.hparam import HParams
from t2tlite.study import times, updates
from t2tlite.study.settings import VOCABULARY, Settings, given

EVALUATION = "test.jsonl"  # in a run's folder
TEACHER_FORCED = frozenset({"loss", "log_perplexity", "accuracy", "accuracy_top5", "sequence_accuracy"})
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_VALIDATIONS = 10  # of each run, for its learning curve


@dataclasses.dataclass(frozen=True)
class Job:
    """One run: a training with a seed, and its evaluation.

    Attributes:
      name: of its folder.
      training, seed: what is trained.
      folder: the run's.
      updates: how many in all; 0 while it waits.
      train: arguments of `t2t-train`.
      evaluate: arguments of `t2t-eval`.
      waits_for: names of the jobs whose times decide how many updates it makes, which are not known yet.
    """

    name: str
    training: Training
    seed: int
    folder: pathlib.Path
    updates: int
    train: tuple[str, ...]
    evaluate: tuple[str, ...]
    waits_for: tuple[str, ...] = ()


class Plan:
    """The runs, tables and claims of an experiment.

    Args:
      settings: what was asked for.
      folder: where the experiment is kept.

    Raises:
      UserError: a name is unknown, or the experiment contradicts itself.
    """

    def __init__(self, settings: Settings, folder: pathlib.Path) -> None:
        self.settings = settings
        self.folder = folder
        self.experiment: Experiment = registry.get("experiment", settings.experiment)()
        problems = registry.problems(settings.problems)
        self._problems = {problem.name: problem for problem in problems}
        self.problems = tuple(self._problems)
        for problem in problems:
            problem.check_source(settings.source)
        self.fractions = fractions.parse(settings.fraction, self.problems)
        self.hparams = hparam.get(settings.hparams_set, settings.hparams, problems=problems)
        if self.hparams.accumulate != 1:
            raise UserError(
                f"accumulate={self.hparams.accumulate}: here an update is a batch of one problem, "
                "so that those of each can be counted; add --hparams=accumulate=1"
            )
        self.trainings = {one.name: one for one in self._ask(Experiment.trainings.__name__)}
        self.tables: Sequence[Table] = self._ask(Experiment.tables.__name__)
        self.claims: Sequence[Claim] = self._ask(Experiment.claims.__name__)
        self._check()

    def data_command(self) -> list[str]:
        """Arguments of the `t2t-datagen` that prepares the data of all runs, and their vocabulary."""
        vocabulary = self.folder / VOCABULARY if self._has_text(self.problems) else None
        fraction = fractions.describe(self.fractions)
        return self.settings.data_command(vocabulary, self.hparams.vocabulary_size, fraction)

    def jobs(self) -> list[Job]:
        """The runs, all of a seed before those of the next."""
        sizes = self._sizes() if "proportional" in self.hparams.mixing else None
        jobs = []
        for seed in self.settings.seeds:
            updates_each = self.settings.updates_per_problem
            quota = updates.quotas(self.problems, self.hparams, seed, updates_each, sizes)
            jobs += [self._job(training, seed, quota) for training in self.trainings.values()]
        return jobs

    def evaluated(self, training: str) -> dict[str, set[str]]:
        """The figures that tables and claims want of a training, by problem."""
        figures: dict[str, set[str]] = {}
        for table in self.tables:
            for row in table.rows:
                if training in {column.training_for(row.problem) for column in table.columns}:
                    figures.setdefault(row.problem, set()).update(row.figures)
        for claim in self.claims:
            if training in (claim.training, claim.reference):
                figures.setdefault(claim.problem, set()).add(claim.figure)
        return {name: figures[name] for name in self.trainings[training].problems if name in figures}

    def hyperparameters(self, training: Training, number: int) -> dict[str, Any]:
        """The changes to the set with which a training of so many updates is made."""
        settings = self.settings
        problems = [self._problems[name] for name in training.problems]
        hparam_changes = hparam.changes(
            settings.hparams_set, settings.hparams, problems=self._problems.values()
        )
        changes = {**hparam_changes, **training.hparams}
        base = hparam.get(settings.hparams_set, problems=problems).replace(**changes)
        own: dict[str, Any] = {**updates.scheduled(base, number)}
        # Bounds that grow with the data would leave out other examples of one run than of another.
        own["max_left_out"] = 1.0
        changes = own | changes
        base.replace(**changes)
        return changes

    def _job(self, training: Training, seed: int, quota: Mapping[str, int]) -> Job:
        name = job_name(training.name, seed)
        folder = self.folder / "runs" / name
        number = sum(quota[problem] for problem in training.problems)
        if training.minutes_of:
            awaited = (job_name(training.minutes_of, seed), job_name(training.speed_of or "", seed))
            whole, own = (times.finished(self.folder / "runs" / other) for other in awaited)
            if whole is None or own is None:
                return Job(name, training, seed, folder, 0, (), (), tuple(dict.fromkeys(awaited)))
            quota = {key: max(1, round(value * whole / own)) for key, value in quota.items()}
            number = sum(quota[problem] for problem in training.problems)
        return Job(
            name, training, seed, folder, number, *self._commands(training, seed, folder, number, quota)
        )

    def _commands(
        self, training: Training, seed: int, folder: pathlib.Path, number: int, quota: Mapping[str, int]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        settings = self.settings
        changes = self.hyperparameters(training, number)
        mixed = updates.mixed(training.problems, quota)
        changes |= {key: value for key, value in mixed.items() if value != getattr(self.hparams, key)}
        share = {name: self.fractions[name] for name in training.problems if name in self.fractions}
        every = max(1, number // _VALIDATIONS)
        train = [
            f"--problems={','.join(training.problems)}",
            f"--source={settings.source}",
            f"--data_dir={settings.data_dir}",
            f"--hparams_set={settings.hparams_set}",
            f"--hparams={','.join(f'{key}={_text(value)}' for key, value in changes.items())}",
            *given("fraction", fractions.describe(share)),
            *(given("vocab", self.folder / VOCABULARY) if self._has_text(training.problems) else []),
            f"--seed={seed}",
            f"--train_steps={number}",
            f"--local_eval_frequency={every}",
            f"--save_checkpoints_steps={min(1000, every)}",
            "--keep_checkpoint_max=1",
            f"--log_steps={min(100, every)}",
            f"--output_dir={folder}",
            *(f"--t2t_usr_dir={user}" for user in settings.usr_dirs),
        ]
        figures = self.evaluated(training.name)
        evaluate = [
            f"--output_dir={folder}",
            f"--problems={','.join(figures)}",
            "--split=test",
            f"--output_file={folder / EVALUATION}",
        ]
        if set().union(*figures.values()) <= TEACHER_FORCED:
            evaluate.append("--nodecoded")
        return tuple(train), tuple(evaluate)

    def _ask(self, method: str) -> Any:
        return list(getattr(self.experiment, method)(self.problems, self.hparams))

    def _check(self) -> None:
        """Raises a UserError where the experiment names what is not there, or a training can't be made."""
        of = f"experiment `{self.settings.experiment}`"
        for training in self.trainings.values():
            if not _NAME.fullmatch(training.name) or not training.problems:
                raise UserError(
                    f"{of}: training `{training.name}` needs a name fit for a folder, and problems"
                )
            for problem in training.problems:
                if problem not in self._problems:
                    raise UserError(
                        f"{of}: training `{training.name}` learns `{problem}`, which is not among the "
                        f"problems {', '.join(self.problems)}; add it to --problems"
                    )
            for other in filter(None, (training.minutes_of, training.speed_of)):
                self._check_known(other, f"training `{training.name}`")
            self.hyperparameters(training, 1000)
            if not self.evaluated(training.name):
                raise UserError(f"{of}: no table shows training `{training.name}`")
        for table in self.tables:
            for row in table.rows:
                for column in table.columns:
                    name = column.training_for(row.problem)
                    if name is not None:
                        self._check_known(name, f"table `{table.title}`")
        for claim in self.claims:
            self._check_known(claim.training, f"claim `{claim.text}`")
            self._check_known(claim.reference, f"claim `{claim.text}`")

    def _check_known(self, training: str, where: str) -> None:
        if training not in self.trainings:
            known = ", ".join(self.trainings)
            raise UserError(
                f"experiment `{self.settings.experiment}`: {where} names the training `{training}`; there is "
                f"{known}"
            )

    def _has_text(self, problems: Sequence[str]) -> bool:
        return any(self._problems[name].has_text() for name in problems)

    def _sizes(self) -> dict[str, int]:
        """Number of training examples of each problem, its fraction of them where it has one."""
        sizes = {}
        for name, problem in self._problems.items():
            path = pathlib.Path(self.settings.data_dir) / (problem.corpus or name) / "manifest.json"
            try:
                examples = json.loads(path.read_text(encoding="utf-8"))["splits"]["train"]["examples"]
            except (OSError, ValueError, KeyError):
                raise UserError(
                    f"mixing `{self.hparams.mixing}` needs the sizes of the corpora, and {path} is not "
                    "there; prepare the data by t2t-datagen first"
                ) from None
            sizes[name] = fractions.count(self.fractions.get(name, 1.0), examples)
        return sizes


def job_name(training: str, seed: int) -> str:
    return f"{training}-seed{seed}"


def choices(hparams: HParams, settings: Settings) -> list[str]:
    """What makes the comparison fair, and how, a sentence each."""
    order = f"mixing {hparams.mixing}, {hparams.order.replace('_', ' ')}"
    return [
        f"Every run is trained on as many batches of a problem as every other run that learns it: those of a "
        f"training on all problems together, {settings.updates_per_problem:,} on average ({order}).",
        "All runs read the same prepared data and share one vocabulary, so a log-perplexity (nats per "
        "subword or class) means the same in each.",
        "All runs have the same hyperparameters but for what the experiment names. A cosine schedule ends "
        "with its run, and the learning rate rises in at most a tenth of it.",
        "Figures are of the whole test split, of the last checkpoint. Examples longer than the set's bounds "
        "are left out of all runs alike.",
    ]


def _text(value: Any) -> str:
    """A value as --hparams takes it."""
    if isinstance(value, tuple | list):
        return ";".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)
