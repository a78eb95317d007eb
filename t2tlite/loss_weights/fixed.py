"""Loss weights that are given."""

import math
from collections.abc import Sequence

import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.loss_weights.weighting import LossWeighting, State
from t2tlite.nearest import did_you_mean


@registry.register_loss_weighting
class Fixed(LossWeighting):
    """Weights that are given, by `loss_weights`."""

    HPARAMS = (
        Hyperparameter(
            "loss_weights",
            str | None,
            "of problems, such as `wsj_parsing:2 imagenet:0.5`; one that is not named has 1",
            default=None,
        ),
    )

    def __init__(self, hparams: HParams, problems: Sequence[str]) -> None:
        super().__init__(hparams, problems)
        self._weights = parse(hparams.loss_weights or "", problems)

    def weights(self, state: State) -> tf.Tensor:
        return tf.constant(self._weights, tf.float32)


def parse(text: str, problems: Sequence[str]) -> list[float]:
    """The weight of each problem, from `wsj_parsing:2 imagenet:0.5`.

    Raises:
      UserError: the text can't be read, or names a problem that is not among them.
    """
    weights = dict.fromkeys(problems, 1.0)
    words = text.split()
    if not words:
        raise UserError(
            "loss_weighting=fixed needs weights: add --hparams=loss_weights='PROBLEM:2 PROBLEM:0.5'"
        )
    named = set()
    for word in words:
        name, _, value = word.partition(":")
        if name not in weights:
            raise UserError(
                f"loss_weights `{text}`: `{name}` is not one of this run's problems"
                f"{did_you_mean(name, problems)}; they are {', '.join(problems)}"
            )
        if name in named:
            raise UserError(f"loss_weights `{text}`: problem `{name}` is given more than once")
        named.add(name)
        weights[name] = _positive(value, text, word)
    return list(weights.values())


def _positive(value: str, text: str, word: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise UserError(
            f"loss_weights `{text}`: `{word}` needs a number above 0; a problem that is not to be trained is"
            " left out of --problems"
        )
    return number
