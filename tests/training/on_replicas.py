"""Updates of a tiny model on 1, 2 and 4 logical CPUs; a process of its own, since devices come first.

python on_replicas.py RESULT.npz plain|xla|micro_steps|frozen|weighted|transformer|lstm|named|distilled|
    contrastive|contrastive_xla|contrastive_micro_steps|energy|energy_xla|energy_micro_steps|
    experts|experts_micro_steps|moments|moments_micro_steps
"""

import os
import pathlib
import sys

os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiles faster

import keras
import numpy as np
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 4)
sys.path.append(str(pathlib.Path(__file__).parents[1] / "models"))
sys.path.append(str(pathlib.Path(__file__).parents[1] / "models" / "usr_rbm"))

import boltzmann  # noqa: E402
import tiny  # noqa: E402

from t2tlite import objective, registry, shard_values, shards  # noqa: E402
from t2tlite.component import Component  # noqa: E402
from t2tlite.layers.randomness import dropout  # noqa: E402
from t2tlite.objectives.distillation import Distillation, untrainable  # noqa: E402
from t2tlite.shared_hparams import DROPOUT, MOE  # noqa: E402
from t2tlite.training import parts  # noqa: E402
from t2tlite.training.optimizers import make_optimizer  # noqa: E402
from t2tlite.training.paths import frozen  # noqa: E402
from t2tlite.training.step import Accumulator, make_train_steps  # noqa: E402
from t2tlite.training.strategy import Replicas  # noqa: E402
from t2tlite.training.weights import Weights  # noqa: E402


@registry.register_encoder("small")
class SmallEncoder(Component):
    """What is random or of the whole batch, and no convolutions, which take XLA long."""

    HPARAMS = (DROPOUT, MOE)

    def __init__(self, hparams, **kwargs):
        super().__init__(hparams, **kwargs)
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape):
        self.experts.build(input_shape)

    def call(self, x, padding_mask=None, training=False):
        x = dropout(x, self.hparams.dropout, training)
        mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
        return x + mixed, statistics


# Dropout and the gate's noise are on; with n / k times the even share no expert is ever full.
HPARAMS = tiny.HPARAMS.replace(
    encoder="small",
    dropout=0.3,
    moe_capacity_factor=2.0,
    moe_load_loss_coef=1.0,
    moe_importance_loss_coef=0.5,
    learning_rate=0.01,
    learning_rate_warmup_steps=1,
    optimizer_adam_epsilon=1e-3,  # so that rounding is not amplified
)

# Ways of which the model is another one, and writes text.
BODIES = {
    "transformer": {"encoder": "transformer", "decoder": "transformer", "moe": "switch"},
    "lstm": {"encoder": "lstm", "decoder": "lstm", "moe": "top_k"},
    "named": {"encoder": "small", "decoder": "lstm", "moe": "top_k"},
}
# Ways of which the objective compares the rows of a batch.
CONTRASTIVE = {
    "contrastive": {"contrastive_loss": "sum_of_violations"},
    "contrastive_xla": {"contrastive_loss": "info_nce"},
    "contrastive_micro_steps": {"contrastive_loss": "hardest"},
}
# Ways in which each replica has some of the experts: with two replicas one has an expert less, and full ones
# drop what they drop on one replica.
SHARDED = {
    "experts": {"moe_num_experts": 5, "moe_capacity_factor": 0.4, "ema_decay": 0.9},
    "experts_micro_steps": {
        "moe": "switch",
        "moe_num_experts": 2,
        "moe_capacity_factor": 0.4,
        "precision": "mixed_float16",
    },
}
# Ways in which each replica has moments of a part of each weight.
MOMENTS = {
    "moments": {"ema_decay": 0.9, "optimizer": "adamw", "weight_decay": 0.1},
    "moments_micro_steps": {"precision": "mixed_float16"},
}
parts._LEAST = 64  # numbers of a weight that is cut
STEPS = 3
ONE_TO_FOUR = ("plain", "xla", "experts", "moments")  # the others on 1 and 2 devices


def run(number, mode):
    """Figures of each update and the weights after the last one."""
    keras.utils.clear_session()  # its generator of seeds would be of the last strategy
    devices = [f"CPU:{i}" for i in range(number)]
    sums = tf.distribute.ReductionToOneDevice()  # collectives of a process are all of one number of devices
    name, hparams = "topics", HPARAMS
    if mode in BODIES:
        shallow = {
            "mixer": "none",
            "num_encoder_layers": 1,
            "num_decoder_layers": 1,
            "moe_capacity_factor": 4.0,
        }
        # Rounding is amplified less by smaller steps, and there are more layers here.
        shallow |= {"learning_rate": 0.001} if mode == "named" else {}
        name = "told" if mode == "named" else "translation"
        hparams = HPARAMS.replace(**BODIES[mode], **shallow)
    if mode in CONTRASTIVE:
        name, hparams = "matched", HPARAMS.replace(**CONTRASTIVE[mode])
    if mode.startswith("energy"):
        persistent = {"energy_persistent": mode != "energy", "energy_chain_steps": 2, "rbm_chains": 7}
        name, hparams = "bars_and_stripes", HPARAMS.replace(model="rbm", **persistent)
    if mode in SHARDED or mode in MOMENTS:
        hparams = HPARAMS.replace(**SHARDED.get(mode, {}), **MOMENTS.get(mode, {}))
    if mode == "weighted":
        hparams = HPARAMS.replace(loss_weighting="uncertainty", loss_weighting_rate=0.5)
    strategy = tf.distribute.MirroredStrategy(devices, sums) if number > 1 else None
    shard = "experts" if mode in SHARDED else "optimizer" if mode in MOMENTS else "none"
    replicas = Replicas(strategy, shard)
    with replicas.scope():
        model = machine(hparams) if mode.startswith("energy") else tiny.model((name,), hparams)
        optimizer = make_optimizer(hparams, model.trainable_variables, replicas.sharing_moments)
        weights = Weights.of(hparams, [name], optimizer)
    # Of four replicas two have one row less.
    batch = {"inputs": bits(6)} if mode.startswith("energy") else tiny.batch(name, size=6)
    spec = {side: tf.TensorSpec([None] * value.shape.rank, value.dtype) for side, value in batch.items()}
    if mode.startswith("energy"):
        aims = objective.all_of({name: registry.get_problem(name)}, hparams)
    else:
        aims = tiny.objectives(model)
    if mode == "distilled":
        with replicas.scope(), untrainable():
            aims = {name: Distillation(hparams, tiny.get(name), tiny.model((name,), hparams, seed=1))}
    if mode.endswith("micro_steps") or mode == "frozen":
        paths = [v.path for v in model.trainable_variables]
        still = frozen(["encoder", "categorical_*/*/bias"] if mode == "frozen" else [], paths)
        accumulator = Accumulator(model, optimizer, aims, 0, {name: spec}, 2, replicas, frozen=still)
        outputs = [accumulator.update([(name, batch)] * 2, step)[-1] for step in range(STEPS)]
    else:
        jit = mode.endswith("xla")
        update = make_train_steps(model, optimizer, aims, 0, {name: spec}, replicas, jit, weights=weights)[
            name
        ]
        outputs = [update(batch, tf.constant(step)) for step in range(STEPS)]
    figures = {name: np.array([each[name] for each in outputs]) for name in outputs[0]}
    assert figures.get("dropped", np.zeros(1)).any() == (mode in SHARDED)
    kept = [*model.variables, *(v for v in optimizer.variables if "loss_weights" in v.path)]
    if mode in SHARDED:
        kept += [v for v in optimizer.variables if "experts" in v.path]  # moments and averages
        shapes = [variable.shape for variable in kept if shards.of(variable)]
        assert len(shapes) == (0 if number == 1 else 2 * (4 if mode == "experts" else 3)), shapes
    if mode in MOMENTS:
        kept += [v for v in optimizer.variables if len(v.shape)]
        assert any(map(shards.of, kept)) == (number > 1)
    return figures | {variable.path: shard_values.here(variable).numpy() for variable in kept}


def bits(rows):
    return tf.constant(np.random.default_rng(rows).integers(0, 2, (rows, boltzmann.SIDE**2)), tf.float32)


def machine(hparams):
    """A Boltzmann machine of which every variable was drawn."""
    model = registry.get("model", "rbm")(hparams, boltzmann.SIDE**2)
    model.build(None)
    tiny.randomise(model)
    model.states_of_chains.assign(bits(hparams.rbm_chains))
    return model


def numbers(mode):
    """Of devices."""
    return (1, 2, 4) if mode in ONE_TO_FOUR else (1, 2)


if __name__ == "__main__":
    path, *modes = sys.argv[1:]
    tf.config.run_functions_eagerly(not modes[0].endswith("xla"))  # quicker than tracing
    results = {f"{mode}:{number}": run(number, mode) for mode in modes for number in numbers(mode)}
    np.savez(path, **{f"{which}:{k}": v for which, figures in results.items() for k, v in figures.items()})
