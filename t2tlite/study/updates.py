"""How many batches of each problem a training sees: as many as every other one of the experiment."""

from collections import Counter
from collections.abc import Mapping, Sequence

from t2tlite.data.reading.mixing import Mixing, parse_rates
from t2tlite.errors import UserError
from t2tlite.hparam import HParams


def quotas(
    problems: Sequence[str], hparams: HParams, seed: int, updates: int, sizes: Mapping[str, int] | None
) -> dict[str, int]:
    """Updates of each problem: what a training on all of them makes of each.

    Args:
      problems: names of all problems of the experiment.
      hparams: `mixing` and `order` say how a training on all of them mixes them.
      seed: of the order.
      updates: of each problem on average.
      sizes: number of training examples of each, for a mixing that is proportional to it.

    Raises:
      UserError: the mixing gives a problem no update.
    """
    mixing = Mixing(parse_rates(hparams.mixing, problems, sizes), hparams.order, seed, problems)
    counts = Counter(mixing.problem_at(step) for step in range(updates * len(problems)))
    idle = [name for name in problems if not counts[name]]
    if idle:
        raise UserError(
            f"mixing `{hparams.mixing}` gives `{idle[0]}` no update; give it a share, or name the others by "
            "--problems"
        )
    return {name: counts[name] for name in problems}


def mixed(problems: Sequence[str], quota: Mapping[str, int]) -> dict[str, str]:
    """The hyperparameters with which a training on some problems makes exactly its quota of each.

    A training on all problems of the experiment is mixed as was asked for, and needs none.
    """
    if set(problems) == set(quota):
        return {}
    of_each = [quota[name] for name in problems]
    if len(set(of_each)) == 1:
        return {"mixing": "uniform", "order": "round_robin"}
    rates = " ".join(f"{name}:{number}" for name, number in zip(problems, of_each, strict=True))
    return {"mixing": rates, "order": "round_robin"}


def scheduled(hparams: HParams, updates: int) -> dict[str, int]:
    """The changes that fit a schedule of the learning rate to a training of so many updates.

    A cosine reaches its end with the training; the rate rises in at most a tenth of it. Not so for noam,
    whose warm-up decides how high the rate gets.
    """
    changes = {}
    warmup = min(hparams.learning_rate_warmup_steps, max(1, updates // 10))
    if hparams.learning_rate_schedule != "noam" and warmup != hparams.learning_rate_warmup_steps:
        changes["learning_rate_warmup_steps"] = warmup
    if hparams.learning_rate_schedule == "cosine" and hparams.learning_rate_decay_steps != updates:
        changes["learning_rate_decay_steps"] = updates
    return changes
