"""Tables 1 and 2 of the paper: one model for all problems against a model for each."""

from t2tlite import experiment, registry
from t2tlite.experiment import Claim, Column, Row, Table, Training
from t2tlite.experiments import paper

_DECODED = 2  # metrics of a problem, the most important first
_NOTE = (
    "The state of the art of 2017, as the paper has it: ImageNet top-5 95%, WMT English to German 26.0 BLEU, "
    "English to French 40.5 BLEU."
)


@registry.register_experiment
class JointVsSingle(experiment.Experiment):
    """Does training together help? One model on all problems, against one on each (paper, tables 1 and 2)."""

    def trainings(self, problems, hparams):
        single = [Training(f"single_{name}", (name,)) for name in problems]
        return [Training("joint", problems), *single]

    def tables(self, problems, hparams):
        columns = [Column("joint", "joint"), Column("single", "single_{problem}")]
        figures = {}
        for name, headings in paper.JOINT_AND_SINGLE.items():
            figures |= paper.cells(name, headings)
        rows = [Row(name, paper.TEXT) for name in problems]
        decoded = [Row(name, registry.get_problem(name).metrics[:_DECODED]) for name in problems]
        return [
            Table("Jointly and singly (table 2)", rows, columns, "single", figures),
            Table(
                "Decoded outputs (table 1)",
                [row for row in decoded if row.figures],
                columns,
                "single",
                paper.STATE_OF_THE_ART,
                _NOTE,
            ),
        ]

    def claims(self, problems, hparams):
        return [
            Claim("A small corpus gains from joint training", name, "joint", f"single_{name}")
            if name in paper.SMALL
            else Claim("A large corpus loses little", name, "joint", f"single_{name}", paper.LITTLE)
            for name in problems
        ]
