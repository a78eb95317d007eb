"""Table 4 of the paper: blocks that a problem may not need."""

from t2tlite import experiment, registry
from t2tlite.experiment import Claim, Column, Row, Table, Training
from t2tlite.experiments import paper

_CHANGES = {
    "all blocks": {},
    "without MoE": {"moe": "none"},
    "without attention": {"attention": False},
}
_CLAIMS = {"without MoE": "Experts never hurt", "without attention": "Attention never hurts"}
_NOTE = (
    "A class is read off the encoded input, by-passing mixer and decoder, so attention has no part in "
    "classifying pictures: without it the same is computed, from other random weights."
)
_HARMLESS = 0.05  # nats: half of the last digit that the paper gives


@registry.register_experiment
class Ablation(experiment.Experiment):
    """Do blocks hurt where a problem may not need them? Without experts, without attention (paper, table 4).

    Each problem is trained by itself. The mixture of experts is left out, its residual connection stays;
    without attention, mixer and decoder attend neither to themselves nor to the input.
    """

    problems = ("imagenet", "wmt_enfr")

    def trainings(self, problems, hparams):
        return [
            Training(_name(heading).format(problem=name), (name,), changes)
            for name in problems
            for heading, changes in _CHANGES.items()
        ]

    def tables(self, problems, hparams):
        columns = [Column(heading, _name(heading)) for heading in _CHANGES]
        figures = {}
        for name, headings in paper.ABLATION.items():
            figures |= paper.cells(name, headings)
        rows = [Row(name, paper.TEXT) for name in problems]
        return [Table("Blocks (table 4)", rows, columns, "all blocks", figures, _NOTE)]

    def claims(self, problems, hparams):
        whole = _name("all blocks")
        return [
            Claim(
                _CLAIMS[heading],
                name,
                whole.format(problem=name),
                _name(heading).format(problem=name),
                _HARMLESS,
            )
            for name in problems
            for heading in _CLAIMS
        ]


def _name(heading):
    return heading.replace(" ", "_").lower() + "_{problem}"
