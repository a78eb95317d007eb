"""A MultiModel for one problem as an ordinary Keras model: summary, fit, predict, save and load."""

import dataclasses
import importlib
import os
import pathlib
from typing import Any, Self

import keras
import tensorflow as tf

from t2tlite import hparam, registry
from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.component import dtype_scope
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.model import Output
from t2tlite.models.multimodel import MultiModel, Net, Wiring, wire
from t2tlite.run import Run
from t2tlite.types import Batch

_LAYERS = "attention convolution dense_feed_forward experts recurrent source_attention switch transformer"
_WITH_CLASSES = (*(f"layers.{name}" for name in _LAYERS.split()), "training.optimizers")


@keras.saving.register_keras_serializable("t2tlite")
class ProblemModel(keras.Model):
    """A MultiModel with the nets of one problem; its inputs are the batches of the problem's pipeline.

    Called with `{"inputs": ..., "targets": ...}` (and "inputs_length" for audio; of named inputs
    "inputs.NAME" and "inputs.NAME_length") it returns float32 logits:
    `[batch, length, size]`, of every target given those before it, or `[batch, size]` of classes. In training
    the losses of the experts are added to the model's losses.

    Args:
      hparams: `HParams`.
      wiring: the problem's `Wiring`.
      problem: its name, and the model's.
      objective: name of its objective.
    """

    def __init__(self, hparams: HParams, wiring: Wiring, problem: str, objective: str, **kwargs: Any) -> None:
        # Without autocast a waveform reaches its net in float32 under mixed precision.
        super().__init__(**{"name": problem, "autocast": False, **kwargs})
        self.supports_jit = False  # on a CPU jit makes a step slower, and compiles for each length
        self.hparams = hparams
        self.wiring = wiring
        self.problem = problem
        self.objective = objective
        with dtype_scope(self.dtype_policy):
            self.multimodel = registry.get("model", hparams.model)(hparams, {problem: wiring})
            self.multimodel.build(None)  # not in `build`, so that variables have the paths of a run's
        self.built = True

    def call(self, features: Batch, training: bool = False) -> tf.Tensor:
        output = self.multimodel(features, problem=self.problem, training=training)
        if training:
            for statistics in output.experts.values():
                self.add_loss(statistics["loss"])
        return output.logits

    def make_loss(self) -> "TargetLoss":
        """The loss of the problem's targets, for `compile`.

        Raises:
          UserError: the objective reads more than logits and targets.
        """
        if not registry.get("objective", self.objective).reads_targets_only:
            raise UserError(
                f"the objective `{self.objective}` reads more than logits and targets, so it is no Keras"
                " loss; train it with t2t-train"
            )
        return TargetLoss(self.hparams, self.objective)

    def summary(self, *args: Any, expand_nested: bool = True, **kwargs: Any) -> None:
        """Keras's summary, by default with the parts of the MultiModel."""
        hidden = (None, None, self.hparams.hidden_size)
        for layer in self.multimodel.layers:
            layer.output_shape = hidden
        net = self.multimodel.target_net(self.problem)
        net.output_shape = (None, None, net.size) if net.autoregressive else (None, net.size)
        self.multimodel.output_shape = net.output_shape
        super().summary(*args, expand_nested=expand_nested, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hparams": hparam.to_json(self.hparams),
            "wiring": dataclasses.asdict(self.wiring),
            "problem": self.problem,
            "objective": self.objective,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        wiring = config["wiring"]
        inputs = tuple((name, Net(**net)) for name, net in wiring["inputs"])
        optional = tuple(wiring["optional"])
        wiring = Wiring(inputs, Net(**wiring["targets"]), wiring["command"], optional)
        return cls(**{**config, "hparams": hparam.from_json(config["hparams"]), "wiring": wiring})


@keras.saving.register_keras_serializable("t2tlite")
class TargetLoss(keras.losses.Loss):
    """An objective's loss as a Keras loss, by the target, padding left out.

    Args:
      hparams: `HParams`.
      objective: name of the registered objective.
    """

    def __init__(self, hparams: HParams, objective: str, name: str = "target_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.hparams = hparams
        self.objective = registry.get("objective", objective)(hparams)

    def __call__(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> tf.Tensor:
        """The mean over the targets of a batch; `sample_weight` is refused."""
        if sample_weight is not None:
            raise ValueError("the loss of an objective is a mean over targets; it takes no `sample_weight`")
        features = {"targets": y_true}
        return self.objective.loss(Output(y_pred), features) / tf.maximum(self.objective.count(features), 1.0)

    call = __call__

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "hparams": hparam.to_json(self.hparams)}
        return {**config, "objective": self.objective.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "hparams": hparam.from_json(config["hparams"])})


def keras_model(
    run: Run | str | os.PathLike, problem: str | None = None, checkpoint_path: str | os.PathLike | None = None
) -> ProblemModel:
    """The model of a run for one of its problems, with the weights of a checkpoint, or fresh ones.

    Args:
      run: a `Run`, or its folder.
      problem: the name of one of its problems; not needed where there is only one.
      checkpoint_path: default: the newest, and fresh weights where there is none.

    Raises:
      UserError: there is no run, problem or checkpoint, the checkpoint doesn't fit, or the run's model is no
        MultiModel.
    """
    from t2tlite.checkpoints import checkpoint
    from t2tlite.decoding.problem_names import check_problem

    run = run if isinstance(run, Run) else Run.load(run)
    names = list(run.problems)
    problem = problem or (names[0] if len(names) == 1 else "")
    check_problem(problem, names, run.output_dir)
    if not issubclass(registry.get("model", run.hparams.model), MultiModel):
        raise UserError(
            f"the run has the model `{run.hparams.model}`, and only a MultiModel is made a Keras model of one"
            " problem; Run.load(FOLDER).restore_model() gives the model itself"
        )
    if run.problems[problem].targets is None:
        raise UserError(f"problem `{problem}` has no targets, so it is no Keras model of one problem")
    wiring = wire([run.problems[problem]], run.hparams, run.vocabulary, run.labels)
    model = ProblemModel(run.hparams, wiring[problem], problem, run.problems[problem].objective_name())
    if checkpoint_path or checkpoint.newest(pathlib.Path(run.output_dir) / CHECKPOINTS):
        trained = {variable.path: variable for variable in run.restore_model(checkpoint_path).variables}
        for variable in model.multimodel.variables:
            variable.assign(trained[variable.path])
    return model


def load(path: str | os.PathLike) -> keras.Model:
    """`keras.models.load_model`, for a file in which layers, losses or optimizers of t2tlite are."""
    for name in _WITH_CLASSES:  # Keras finds a class once its module has been imported
        importlib.import_module(f"{__package__.rpartition('.')[0]}.{name}")
    return keras.models.load_model(path)


def batches(run: Run, problem: str, split: str = "train", training: bool = True) -> tf.data.Dataset:
    """Batches of a problem for `fit`, `evaluate` and `predict`: pairs of features and targets.

    Args:
      training: endless and shuffled (`fit` wants `steps_per_epoch`); otherwise one epoch in a fixed order.

    Raises:
      UserError: the prepared data is missing.
    """
    config = ReadConfig(training, run.seed)
    dataset = pipeline.dataset(run.split(problem, split), run.hparams, config)
    return dataset.map(lambda features: (features, features["targets"]))
