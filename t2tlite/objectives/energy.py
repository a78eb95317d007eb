"""Energy: the data have a lower energy than the states that the model itself comes to."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.hyperparameter import POSITIVE, Hyperparameter
from t2tlite.layers import randomness, replicas
from t2tlite.model import EnergyBased, Output
from t2tlite.objective import Objective
from t2tlite.types import Batch


@registry.register_objective
class Energy(Objective):
    """The mean energy of the data, less that of states of the model, which have no gradient.

    Its gradient is that of contrastive divergence (Hinton 2002, "Training Products of Experts by Minimizing
    Contrastive Divergence", equation 10): the chains start at the data and take `energy_chain_steps` steps.
    With `energy_persistent` they go on where the last update left them (Tieleman 2008, "Training Restricted
    Boltzmann Machines using Approximations to the Likelihood Gradient"); each replica carries on all of them.
    For several micro-steps in an update the chains go on at each.

    The loss of an update is no measure of the likelihood: it is near 0 once the model's states are like the
    data, and before there are any that are not.
    """

    HPARAMS = (
        Hyperparameter(
            "energy_chain_steps", int, "steps of the chains in an update (the k of CD-k)", POSITIVE, default=1
        ),
        Hyperparameter(
            "energy_persistent",
            bool,
            "chains go on from update to update, and don't start at the data",
            default=False,
        ),
    )
    # Means. Energies are only known up to a constant, so none of them tells how good a model is.
    FIGURES = {
        "loss": False,  # the energy of the data, less that of the states
        "data_energy": False,
        "state_energy": True,
    }
    reads_targets_only = False
    reads_targets = False
    across_replicas = True

    def forward(
        self,
        model: Any,
        features: Batch,
        problem: str,
        training: bool,
        values: Sequence[tf.Tensor] | None = None,
    ) -> Output:
        """The energies of the data and of the model's states, a pair of float32 `[batch]` and `[chains]`.

        Raises:
          UserError: the model is not `EnergyBased`, or has no chains that would persist.
        """
        self._check(model, problem)
        data, carried = model.states(features, problem), {}
        # An evaluation draws the same every time.
        with contextlib.nullcontext() if training else randomness.scope(tf.zeros([2], tf.int32)):
            if self.hparams.energy_persistent:
                chains = model.chains(problem)
                with randomness.scope(randomness.next_seed()):  # not by the rows of a batch
                    states = self._moved(model, tf.convert_to_tensor(chains), problem)
                carried = {chains.path: states}
            else:
                states = self._moved(model, data, problem)
        states = tf.stop_gradient(states)
        return Output((model.energy(data, problem), model.energy(states, problem)), carried=carried)

    def _moved(self, model: EnergyBased, states: tf.Tensor, problem: str) -> tf.Tensor:
        for _ in range(self.hparams.energy_chain_steps):
            states = model.transition(states, problem)
        return states

    def _check(self, model: Any, problem: str) -> None:
        name = self.hparams.model
        if not isinstance(model, EnergyBased):
            raise UserError(
                f"objective `energy` needs a model that is `EnergyBased` (t2tlite/model.py), and `{name}` is"
                " not"
            )
        if self.hparams.energy_persistent and model.chains(problem) is None:
            raise UserError(
                f"the model `{name}` has no chains of problem `{problem}`; use"
                " --hparams=energy_persistent=False"
            )

    def count(self, features: Batch) -> tf.Tensor:
        """How many examples there are."""
        return tf.cast(tf.shape(next(iter(features.values())))[0], tf.float32)

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`."""
        data, states = output.logits
        rows, chains = replicas.total((_size(data), _size(states)))
        return tf.reduce_sum(data) - tf.reduce_sum(states) * rows / chains

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """See `Objective.sums`."""
        data, states = output.logits
        weighted = tf.reduce_sum(states) * _size(data) / _size(states)
        return {**super().sums(output, features), "data": tf.reduce_sum(data), "states": weighted}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """See `FIGURES`."""
        count = sums["count"]
        return {
            "loss": sums["loss"] / count,
            "data_energy": sums["data"] / count,
            "state_energy": sums["states"] / count,
            "sequences": sums["sequences"],
        }


def _size(energies: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.shape(energies)[0], tf.float32)
