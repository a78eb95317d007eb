"""Table 3 of the paper: parsing alone, with ImageNet, and with all problems."""

from t2tlite import experiment, registry
from t2tlite.experiment import Claim, Column, Row, Table, Training
from t2tlite.experiments import paper

_FIGURES = (*paper.TEXT, "full_trees")


@registry.register_experiment
class ParsingTransfer(experiment.Experiment):
    """Does parsing gain from other problems, even an unrelated one? (Paper, table 3; try --fraction.)"""

    def trainings(self, problems, hparams):
        return [
            Training("alone", ("wsj_parsing",)),
            Training("with_imagenet", ("wsj_parsing", "imagenet")),
            Training("with_all", problems),
        ]

    def tables(self, problems, hparams):
        columns = [
            Column("alone", "alone"),
            Column("with ImageNet", "with_imagenet"),
            Column("with all", "with_all"),
        ]
        figures = paper.cells("wsj_parsing", paper.PARSING, _FIGURES)
        return [Table("Parsing (table 3)", [Row("wsj_parsing", _FIGURES)], columns, "alone", figures)]

    def claims(self, problems, hparams):
        return [
            Claim("Parsing gains from an unrelated problem", "wsj_parsing", "with_imagenet", "alone"),
            Claim("Parsing gains from all problems", "wsj_parsing", "with_all", "alone"),
            Claim(
                "Parsing gains whole trees from all problems",
                "wsj_parsing",
                "with_all",
                "alone",
                figure="full_trees",
            ),
        ]
