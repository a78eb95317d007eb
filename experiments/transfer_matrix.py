"""Which problem helps which: every pair together, against each alone."""

import functools

from t2tlite import experiment, registry
from t2tlite.experiment import Column, Row, Table, Training
from t2tlite.experiments import paper


@registry.register_experiment
class TransferMatrix(experiment.Experiment):
    """Which problem helps which? Every pair of problems trained together, against each of them alone.

    That is n single runs and n (n - 1) / 2 of pairs for each seed: 36 for eight problems.
    """

    def trainings(self, problems, hparams):
        alone = [Training(f"alone_{name}", (name,)) for name in problems]
        pairs = [
            Training(f"{first}-{second}", (first, second))
            for number, first in enumerate(problems)
            for second in problems[number + 1 :]
        ]
        return [*alone, *pairs]

    def tables(self, problems, hparams):
        together = [Column(f"with {name}", functools.partial(_pair, problems, name)) for name in problems]
        rows = [Row(name, ("log_perplexity",)) for name in problems]
        note = "Each row is a problem, each column what it was trained together with."
        columns = [Column("alone", "alone_{problem}"), *together]
        return [Table("Transfer", rows, columns, "alone", note=note), _accuracy(problems, columns)]


def _accuracy(problems, columns):
    return Table("Transfer", [Row(name, paper.TEXT[1:]) for name in problems], columns, "alone")


def _pair(problems, other, problem):
    """The name of the training on two problems; None for a problem with itself."""
    if problem == other:
        return None
    return "-".join(sorted((problem, other), key=problems.index))
