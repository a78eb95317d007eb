"""Experiment: which trainings are compared, and what tables and claims come of them. Needs no TensorFlow."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2tlite.hparam import HParams


@dataclasses.dataclass(frozen=True)
class Training:
    """One of the trainings that are compared; it is made once for each seed.

    Attributes:
      name: its own within the experiment: a word for a folder.
      problems: names of the problems that it learns.
      hparams: changes to the hyperparameters that were asked for, `{name: value}`.
      minutes_of: name of a training that it takes as many minutes as; None: it makes as many updates of each
        problem as all others.
      speed_of: with `minutes_of`, the training whose speed says how many updates fit: one with the same
        hyperparameters.
    """

    name: str
    problems: Sequence[str]
    hparams: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    minutes_of: str | None = None
    speed_of: str | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
      problem: the name of the problem that the figures are of.
      figures: what `t2t-eval` tells of it: `log_perplexity`, `accuracy`, or metrics of decoded outputs.
    """

    problem: str
    figures: Sequence[str] = ("log_perplexity", "accuracy")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
      heading: what stands over it.
      training: the name of the training that it shows, in which `{problem}` stands for that of the row; or
        a function that gives it for a problem, or None for an empty cell.
    """

    heading: str
    training: str | Callable[[str], str | None]

    def training_for(self, problem: str) -> str | None:
        """The name of the training that a row's cell shows."""
        if callable(self.training):
            return self.training(problem)
        return self.training.format(problem=problem)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of figures of held-out data.

    Attributes:
      title: what stands over it.
      rows, columns: what it shows.
      baseline: heading of the column that the others are compared with; None: they are not compared.
      paper: `{(problem, heading, figure): text}`, what the paper has in this place.
      note: what a reader should know.
    """

    title: str
    rows: Sequence[Row]
    columns: Sequence[Column]
    baseline: str | None = None
    paper: Mapping[tuple[str, str, str], str] = dataclasses.field(default_factory=dict)
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Claim:
    """That a training is better than another one, or worse by less than a margin.

    Attributes:
      text: the claim, in a sentence.
      problem: name of the problem it is about.
      training, reference: names of the trainings.
      margin: by how much the figure may be worse, in its unit; 0: it must be better.
      figure: by which figure.
    """

    text: str
    problem: str
    training: str
    reference: str
    margin: float = 0.0
    figure: str = "log_perplexity"


class Experiment:
    """Base class of experiments; register one with `@registry.register_experiment`.

        @registry.register_experiment
        class BothDirections(experiment.Experiment):
            \"\"\"Does German to English gain from English to German?\"\"\"

            problems = ("wmt_deen", "wmt_ende")

            def trainings(self, problems, hparams):
                return [Training("alone", problems[:1]), Training("both", problems)]

            def tables(self, problems, hparams):
                columns = [Column("alone", "alone"), Column("both ways", "both")]
                return [Table("One way or both", [Row(problems[0])], columns, baseline="alone")]

    Attributes:
      name: that under which it is registered.
      problems: names of the problems unless `--problems` says otherwise, or "all".
    """

    name: str = ""
    problems: str | Sequence[str] = "all"

    def trainings(self, problems: Sequence[str], hparams: HParams) -> Sequence[Training]:
        """The trainings, in the order in which they are made.

        Args:
          problems: names of the problems that were asked for.
          hparams: the hyperparameters that were asked for.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no trainings")

    def tables(self, problems: Sequence[str], hparams: HParams) -> Sequence[Table]:
        """The tables of the report, the most important one first; arguments as for `trainings`."""
        raise NotImplementedError(f"{type(self).__name__} defines no tables")

    def claims(self, problems: Sequence[str], hparams: HParams) -> Sequence[Claim]:
        """What is to be tested; nothing by default. Arguments as for `trainings`."""
        return ()
