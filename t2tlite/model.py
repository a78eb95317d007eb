"""The contracts of models: all that training, evaluation, decoding, exports and t2t-show ask of one."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.problem import Problem
from t2tlite.types import Batch


class Output(NamedTuple):
    """What a forward pass gives.

    Attributes:
      logits: float32, what the problem's objective reads: `[batch, length, size]` of a text, `[batch, size]`
        of a class; whatever tensors an objective's own `forward` gives.
      experts: `{place: statistics}` of the mixtures of experts that took part, as the call of
        `t2tlite.layers.experts.MixtureOfExperts` gives them; empty where there are none.
      carried: `{path: value}` of variables that an update leaves with another value, though they have no
        gradient, such as the states of chains. The values are the same on every replica, and are taken over
        where the loss is finite.
    """

    logits: Any
    experts: Mapping[str, Any] = {}
    carried: Mapping[str, Any] = {}


@runtime_checkable
class Trainable(Protocol):
    """What is trained and evaluated. Register the class with `@registry.register_model`.

    A Keras model with these methods is one. Where a problem's targets are classes, its logits rank them, and
    so it also predicts them.

    Attributes:
      hparams: the run's `HParams`.
      variables, trainable_variables: Keras variables with different paths, by which checkpoints hold them.
    """

    hparams: Any
    variables: list
    trainable_variables: list

    @classmethod
    def from_problems(
        cls, problems: Iterable, hparams: HParams, vocabulary: Any, labels: Mapping[str, tuple]
    ) -> Self:
        """A model for some problems, to be built.

        Args:
          problems: `Problem` instances.
          hparams: the run's `HParams`.
          vocabulary: the `Vocabulary` of all text, or None.
          labels: `{problem name: tuple of class names}` for problems with a label.
        """

    def build(self, input_shape: Any = None) -> None:
        """Creates every variable, whatever the shapes of the problems' batches; called once."""

    def computation(self, problem: str) -> Hashable:
        """A key. Problems with the same one are computed alike, but for their `problem_variables`.

        One compiled function serves all of them. The problem's name is always right.
        """

    def problem_variables(self, problem: str) -> list:
        """The trainable variables that problems with the same `computation` don't share; often none."""

    def __call__(
        self, features: Batch, problem: str, training: bool = False, values: Sequence[Any] | None = None
    ) -> Output:
        """A forward pass.

        Args:
          features: a batch of the problem's pipeline.
          problem: its name.
          training: whether dropout and the like take part.
          values: tensors in the place of `problem_variables(problem)`; default: their values. With those of
            a problem that has the same `computation` it computes that one.
        """


@runtime_checkable
class Embeddable(Protocol):
    """What represents inputs as vectors."""

    def encode(
        self, features: Batch, problem: str, training: bool = False, only: str | None = None
    ) -> tuple[Any, Mapping]:
        """The encoded inputs of a batch.

        Args:
          features: the batch; targets are not read.
          problem: its name.
          training: whether dropout and the like take part.
          only: the name in a batch, such as `inputs.picture`, of one of several named inputs. It is encoded
            as if there were no others; None for all of them together.

        Returns:
          A `t2tlite.modality.Representation`, with a vector for each position of each input, and the
          statistics of the experts that took part, empty where there are none.
        """


@runtime_checkable
class EnergyBased(Protocol):
    """What gives states an energy E, and with it the probability exp(-E) / Z, Z unknown.

    A state is a tensor `[batch, ...]`.
    """

    def states(self, features: Batch, problem: str) -> Any:
        """The examples of a batch as states."""

    def energy(self, states: Any, problem: str) -> Any:
        """The energy of each state, float32 `[batch]`; what is hidden in them is summed over."""

    def transition(self, states: Any, problem: str) -> Any:
        """The states after a step of a Markov chain that leaves the model's distribution as it is.

        Draw with `t2tlite.layers.randomness`, so that a step is the same in every run.
        """

    def chains(self, problem: str) -> Any:
        """An untrainable variable, the states of chains that are carried from update to update.

        None where there is none: only persistent chains need it.
        """


@runtime_checkable
class Decodable(Embeddable, Protocol):
    """What writes text, one position after the other."""

    def memory(self, source: Any, copies: int = 1) -> Any:
        """What every position reads of the encoded inputs: nested tensors.

        Args:
          source: the `Representation` from `encode`.
          copies: sequences that are decoded of each input.
        """

    def initial_state(self, batch: Any, length: int) -> Any:
        """What a position hands to the next: nested tensors `[batch, ...]`, scalars and `History`s.

        Args:
          batch: number of sequences.
          length: most positions of a sequence.
        """

    def start(self, problem: str, batch: Any) -> Any:
        """What is read at the first position: `[batch, 1, hidden]`."""

    def embed(self, ids: Any, problem: str) -> Any:
        """What is read after the entries `ids` int32 `[batch, length]`: `[batch, length, hidden]`."""

    def decode(
        self,
        x: Any,
        memory: Any,
        problem: str,
        padding_mask: Any = None,
        training: bool = False,
        state: Any = None,
    ) -> tuple:
        """The logits of the entries that follow.

        Args:
          x: `[batch, length, hidden]`, from `start` and `embed`.
          memory: from `memory`.
          padding_mask: bool `[batch, length]` or None, False for padding.
          state: from `initial_state` or the call before, to continue sequences; None for whole ones.

        Returns:
          Float32 logits `[batch, length, size]`, the statistics of the experts, and the new state or None.
        """


@runtime_checkable
class ZeroShot(Protocol):
    """What can read as one of its problems and write as another."""

    def add_zero_shot(self, name: str, reads: str, writes: str) -> None:
        """From now on `name` is a problem with the inputs of `reads` and the outputs of `writes`."""


def check_trainable(model: Any, name: str) -> None:
    """Raises a UserError unless what is registered as the model `name` is `Trainable`."""
    if not isinstance(model, Trainable):
        members = [n for n in dir(Trainable) if not n.startswith("_")] + list(Trainable.__annotations__)
        lacks = ", ".join(member for member in members if not hasattr(model, member))
        raise UserError(f"the model `{name}` can't be trained: it has no {lacks}; see t2tlite/model.py")


def check_decodable(model: Any, name: str, problem: Problem) -> None:
    """Raises a UserError unless the model `name` can write what a problem's outputs are."""
    targets = problem.targets
    if targets is None:
        raise UserError(f"problem `{problem.name}` has no targets, so there is nothing to decode")
    if targets.has_classes or (targets.is_text and isinstance(model, Decodable)):
        return
    if targets.is_text:
        raise UserError(
            f"the model `{name}` can't decode problem `{problem.name}`: it is no `Decodable`"
            " (t2tlite/model.py); t2t-eval --nodecoded evaluates it"
        )
    raise UserError(f"problem `{problem.name}` writes {targets.kind}, which can't be decoded")
