"""How many experts, and how many of them at a position."""

from t2tlite import experiment, registry
from t2tlite.experiment import Column, Row, Table, Training
from t2tlite.experiments import paper


@registry.register_experiment
class Experts(experiment.Experiment):
    """How many experts, and how many work at a position? From a quarter to four times those of the set."""

    def trainings(self, problems, hparams):
        return [
            Training(_name(*pair), problems, dict(zip(("moe_num_experts", "moe_k"), pair, strict=True)))
            for pair in _pairs(hparams)
        ]

    def tables(self, problems, hparams):
        own = _heading(hparams.moe_num_experts, hparams.moe_k)
        columns = [Column(_heading(*pair), _name(*pair)) for pair in _pairs(hparams)]
        return [Table("Experts", [Row(name, paper.TEXT) for name in problems], columns, own)]


def _pairs(hparams):
    """Pairs (experts, experts at a position): first more or fewer experts, then more or fewer at work."""
    number, k = hparams.moe_num_experts, hparams.moe_k
    pairs = [(number, k), (number // 4, k), (number // 2, k), (number * 2, k), (number * 4, k)]
    pairs += [(number, 1), (number, k * 2)]
    return [(n, at_once) for n, at_once in dict.fromkeys(pairs) if 1 <= at_once <= n]


def _name(number, k):
    return f"experts_{number}_k_{k}"


def _heading(number, k):
    return f"{number} experts, k = {k}"
