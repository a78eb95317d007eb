"""Whether weighting the problems' losses helps."""

from t2tlite import experiment, registry
from t2tlite.experiment import Claim, Column, Row, Table, Training
from t2tlite.experiments import paper

_PLAIN = "plain"
_NOTE = "Fixed: the loss of the first problem counts twice."


@registry.register_experiment
class LossWeights(experiment.Experiment):
    """Does weighting losses help? The plain sum, the first problem doubled, uncertainty, GradNorm."""

    problems = ("wsj_parsing", "imagenet", "wmt_ende")

    def trainings(self, problems, hparams):
        doubled = {"loss_weighting": "fixed", "loss_weights": f"{problems[0]}:2"}
        changes = {
            _PLAIN: {},
            "fixed": doubled,
            "uncertainty": {"loss_weighting": "uncertainty"},
            "gradnorm": {"loss_weighting": "gradnorm"},
        }
        return [Training(name, problems, change) for name, change in changes.items()]

    def tables(self, problems, hparams):
        names = ("fixed", "uncertainty", "gradnorm")
        columns = [Column(name, name) for name in (_PLAIN, *names)]
        rows = [Row(name, paper.TEXT) for name in problems]
        return [Table("Loss weights", rows, columns, _PLAIN, note=_NOTE)]

    def claims(self, problems, hparams):
        texts = {
            "fixed": "A doubled loss is better than the plain sum",
            "uncertainty": "Uncertainty is better than the plain sum",
            "gradnorm": "GradNorm is better than the plain sum",
        }
        return [
            Claim(text, name, training, _PLAIN)
            for training, text in texts.items()
            for name in (problems[:1] if training == "fixed" else problems)
        ]
