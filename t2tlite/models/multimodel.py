"""MultiModel: modality nets around one shared body, one model for any set of problems."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from t2tlite import objective, registry
from t2tlite.component import Component
from t2tlite.errors import UserError
from t2tlite.features.encoding import GIVEN, MARK
from t2tlite.features.feature import Feature
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.ids import PAD
from t2tlite.layers.normalization import LayerNormalization
from t2tlite.modality import Modality, Representation
from t2tlite.model import Output
from t2tlite.models.joining import join, mask_missing
from t2tlite.problem import Problem
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Batch, Shape


@dataclasses.dataclass(frozen=True)
class Net:
    """A modality net that some of the problems use: its name in the model, its modality, its size."""

    name: str
    modality: str
    size: int | None


@dataclasses.dataclass(frozen=True)
class Wiring:
    """What the model must know of a problem.

    Attributes:
      inputs: the net of each input, by the input's name in a batch; one that has a name of its own, as
        `inputs.question`, is told apart by that.
      targets: the net of the targets; None where there are none.
      command: name of the command token.
      optional: the inputs that an example may lack.
    """

    inputs: tuple[tuple[str, Net], ...]
    targets: Net | None
    command: str
    optional: tuple[str, ...] = ()

    def nets(self) -> list[Net]:
        """All nets of the problem."""
        return [*(net for _, net in self.inputs), *([] if self.targets is None else [self.targets])]


def wire(
    problems: Iterable[Problem], hparams: HParams, vocabulary: Any, labels: Mapping[str, tuple[str, ...]]
) -> dict[str, Wiring]:
    """The nets and the command of each problem.

    Args:
      problems: `Problem` instances.
      hparams: `HParams`, which name the modality of each kind of feature.
      vocabulary: the `Vocabulary` of all text, or None.
      labels: `{problem name: tuple of class names}` for problems with a label.

    Returns:
      `{problem name: Wiring}`; two problems share a net exactly if its name is the same.
    """

    def net(problem: Problem, side: str, feature: Feature) -> Net:
        modality = feature.modality_name(hparams)
        key, size = registry.get("modality", modality).sharing(
            problem, side, vocabulary, labels.get(problem.name)
        )
        return Net(f"{modality}_{key}" if key else modality, modality, size)

    def wiring(problem: Problem) -> Wiring:
        inputs = problem.inputs.named("inputs")
        nets = tuple((name, net(problem, name, feature)) for name, feature in inputs.items())
        targets = None if problem.targets is None else net(problem, "targets", problem.targets)
        optional = tuple(name for name, feature in inputs.items() if feature.optional)
        return Wiring(nets, targets, problem.command, optional)

    return {problem.name: wiring(problem) for problem in problems}


@registry.register_model("multimodel")
class MultiModel(keras.Model):
    """The MultiModel of Kaiser et al. 2017, "One Model To Learn Them All" (arXiv 1706.05137).

    Args:
      hparams: `HParams`; names every component.
      wiring: `{problem name: Wiring}`, from `wire`.
    """

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter("encoder", str, "encoder of the inputs", default="multimodel", names="encoder"),
        Hyperparameter(
            "mixer", str, "what joins inputs and outputs so far", default="multimodel", names="mixer"
        ),
        Hyperparameter("decoder", str, "decoder of texts", default="multimodel", names="decoder"),
        Hyperparameter(
            "final_norm", bool, "layer normalization between decoder and language out", default=False
        ),
    )

    @classmethod
    def from_problems(
        cls,
        problems: Iterable[Problem],
        hparams: HParams,
        vocabulary: Any,
        labels: Mapping[str, tuple[str, ...]],
    ) -> Self:
        """See `t2tlite.model.Trainable`.

        Raises:
          UserError: a problem has no targets, and its objective reads logits.
        """
        problems = list(problems)
        for problem in problems:
            if problem.targets is None and not objective.overrides_forward(problem):
                raise UserError(
                    f"problem `{problem.name}` has no targets, so this `model` gives no logits of it, as its"
                    f" objective `{problem.objective_name()}` reads them; use one that reads what is encoded,"
                    " such as `contrastive`"
                )
        return cls(hparams, wire(problems, hparams, vocabulary, labels))

    def __init__(self, hparams: HParams, wiring: dict[str, Wiring], **kwargs: Any) -> None:
        # Without autocast a waveform reaches its net in float32 under mixed precision.
        super().__init__(**{"name": "multimodel", "autocast": False, **kwargs})
        self.hparams = hparams
        self.wiring = dict(wiring)
        nets = {net.name: net for w in wiring.values() for net in w.nets()}
        self.nets: dict[str, Modality] = {
            name: registry.get("modality", net.modality).from_hparams(hparams, size=net.size, name=name)
            for name, net in sorted(nets.items())
        }
        self.encoder = registry.get("encoder", hparams.encoder).from_hparams(hparams, name="encoder")
        self.decodes = any(self._writes_text(w) for w in wiring.values())
        if self.decodes:
            self.mixer = registry.get("mixer", hparams.mixer).from_hparams(hparams, name="mixer")
            self.decoder = registry.get("decoder", hparams.decoder).from_hparams(hparams, name="decoder")
            if hparams.final_norm:
                self.final_norm = LayerNormalization(epsilon=1e-6, name="final_norm")
        self.commands: dict[str, keras.Variable] = {}
        self.names: dict[str, keras.Variable] = {}

    def build(self, input_shape: Shape | None = None) -> None:
        """Creates every variable, whatever the problems' shapes; called once before training."""
        shape = (None, None, self.hparams.hidden_size)
        for net in self.nets.values():
            net.build(None)
        self.encoder.build(shape)
        if self.decodes:
            self.mixer.build(shape)
            self.decoder.build(shape)
            if self.hparams.final_norm:
                self.final_norm.build(shape)
        for wiring in self.wiring.values():
            if self._writes_text(wiring) and wiring.command not in self.commands:
                self.commands[wiring.command] = self._add_vector(f"command_{wiring.command}")
            for name, _ in wiring.inputs if len(wiring.inputs) > 1 else ():
                if name not in self.names:
                    self.names[name] = self._add_vector(f"input_{name.rpartition(MARK)[2]}")
        self.built = True

    def _add_vector(self, name: str) -> keras.Variable:
        hidden = self.hparams.hidden_size
        normal = keras.initializers.RandomNormal(stddev=hidden**-0.5)
        return self.add_weight(name=name, shape=(hidden,), initializer=normal)

    def computation(self, problem: str) -> Hashable:
        """The nets on both sides; see `t2tlite.model.Trainable`."""
        wiring = self.wiring[problem]
        return wiring.inputs, wiring.targets

    def problem_variables(self, problem: str) -> list[keras.Variable]:
        """The problem's command, if it has one."""
        wiring = self.wiring[problem]
        return [self.commands[wiring.command]] if self._writes_text(wiring) else []

    def _writes_text(self, wiring: Wiring) -> bool:
        return wiring.targets is not None and self.nets[wiring.targets.name].autoregressive

    def call(
        self, features: Batch, problem: str, training: bool = False, values: Sequence[tf.Tensor] | None = None
    ) -> Output:
        """Logits for every position of `features["targets"]`, given the positions before it.

        Args:
          features: a batch of the problem's pipeline.
          problem: name of the problem.
          values: in the place of `problem_variables(problem)`; default: their values. With those of a problem
            that has the same `computation` it computes that one.

        Raises:
          UserError: the problem has no targets, so there are no logits.
        """
        net = self.target_net(problem)
        source, statistics = self.encode(features, problem, training)
        experts = {"encoder": statistics} if statistics else {}
        if not net.autoregressive:
            return Output(net.top(source, training=training), experts)
        embedded = net.embed_targets(features["targets"])  # [batch, length, hidden]
        command = values[0] if values else None
        start = self.start(problem, tf.shape(embedded)[0], command)
        shifted = tf.concat([start, embedded[:, :-1]], axis=1)
        padding_mask = features["targets"] != PAD
        logits, statistics, _ = self.decode(shifted, self.memory(source), problem, padding_mask, training)
        return Output(logits, {**experts, "decoder": statistics} if statistics else experts)

    def target_net(self, problem: str) -> Modality:
        """The net of a problem's targets.

        Raises:
          UserError: it has none.
        """
        net = self.wiring[problem].targets
        if net is None:
            raise UserError(
                f"problem `{problem}` has no targets, so this model gives no logits of it, but only its"
                " encoded inputs; an objective such as `contrastive` reads those"
            )
        return self.nets[net.name]

    def encode(
        self, features: Batch, problem: str, training: bool = False, only: str | None = None
    ) -> tuple[Representation, dict[str, Any]]:
        """The encoded inputs as a `Representation`, and the statistics of the encoder's experts.

        See `t2tlite.model.Embeddable`. One of several named inputs has its name's vector added also where it
        is encoded alone.
        """
        sources = self.sources(features, problem, training, only)
        [source, *_] = parts = list(sources.values())
        if len(self.wiring[problem].inputs) > 1:
            source = join(parts, self._names(sources))
        encoded, statistics = self.encoder(source.x, padding_mask=source.mask, training=training)
        return Representation(encoded, source.mask, source.grid), statistics

    def sources(
        self, features: Batch, problem: str, training: bool = False, only: str | None = None
    ) -> dict[str, Representation]:
        """What the modality nets make of each input, or of one alone, by its name in a batch."""
        wiring = self.wiring[problem]
        representations: dict[str, Representation] = {}
        for name, net in wiring.inputs:
            if only not in (None, name):
                continue
            representations[name] = self.nets[net.name].bottom(features, name, training=training)
            if name in wiring.optional:
                representations[name] = mask_missing(representations[name], features[name + GIVEN])
        return representations

    def _names(self, inputs: Iterable[str]) -> list[tf.Tensor]:
        """The vector of each input's name, drawn and scaled as a command token's."""
        vectors = (tf.convert_to_tensor(self.names[name]) for name in inputs)
        return [vector * self.hparams.hidden_size**0.5 for vector in vectors]

    def memory(self, source: Representation, copies: int = 1) -> tuple[Any, Any]:
        """What mixer and decoder keep of the encoded inputs while they decode.

        Args:
          copies: sequences that are decoded of each input. Components that don't have `shares_memory` are
            given a memory for each.
        """
        return self._memory(self.mixer, source, copies), self._memory(self.decoder, source, copies)

    @staticmethod
    def _memory(part: Component, source: Representation, copies: int) -> Any:
        memory = part.memory(source.x, source.mask)
        if copies == 1 or getattr(part, "shares_memory", False):
            return memory
        return tf.nest.map_structure(lambda x: None if x is None else tf.repeat(x, copies, axis=0), memory)

    def start(self, problem: str, batch: int | tf.Tensor, command: tf.Tensor | None = None) -> tf.Tensor:
        """The embedded command token, `[batch, 1, hidden]`, with which every decoding starts.

        Like a subword's embedding it is drawn with variance 1 / hidden and scaled by sqrt(hidden).

        Args:
          command: value of the token's variable, `[hidden]`; default: that of the problem.
        """
        if command is None:
            command = tf.convert_to_tensor(self.commands[self.wiring[problem].command])
        command = tf.cast(command * self.hparams.hidden_size**0.5, self.compute_dtype)
        return tf.tile(command[None, None], [batch, 1, 1])

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[Any, Any]:
        """State for decoding up to `length` positions step by step."""
        return self.mixer.initial_state(batch, length), self.decoder.initial_state(batch, length)

    def embed(self, ids: tf.Tensor, problem: str) -> tf.Tensor:
        """What the language net makes of ids `[batch, length]`: `[batch, length, hidden]`."""
        return self.target_net(problem).embed_targets(ids)

    def add_zero_shot(self, name: str, reads: str, writes: str) -> None:
        """See `t2tlite.model.ZeroShot`."""
        source = self.wiring[reads]
        self.wiring[name] = dataclasses.replace(
            self.wiring[writes], inputs=source.inputs, optional=source.optional
        )

    def decode(
        self,
        x: tf.Tensor,
        memory: tuple[Any, Any],
        problem: str,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: tuple[Any, Any] | None = None,
    ) -> tuple[tf.Tensor, dict[str, Any], tuple[Any, Any] | None]:
        """Runs mixer, decoder and the language net's top.

        Args:
          x: `[batch, length, hidden]`, the command token and the embedded outputs so far.
          memory: from `memory(source)`.
          padding_mask: bool `[batch, length]` or None, False for padding.
          state: from `initial_state` or the call before, to continue a sequence; None for a whole one.

        Returns:
          float32 logits `[batch, length, size]`, the decoder's expert statistics, the new state or None.
        """
        for_mixer, for_decoder = memory
        if state is None:
            x = self.mixer(x, for_mixer, training=training)
            x, statistics, _ = self.decoder(x, for_decoder, padding_mask=padding_mask, training=training)
        else:
            x, mixer_state = self.mixer(x, for_mixer, state=state[0])
            x, statistics, decoder_state = self.decoder(
                x, for_decoder, padding_mask=padding_mask, state=state[1]
            )
            state = (mixer_state, decoder_state)
        if self.hparams.final_norm:
            x = self.final_norm(x)
        return self.target_net(problem).top(Representation(x)), statistics, state
