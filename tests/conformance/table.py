"""The conformance table: one row for each registered component; the suites beside it walk the table.

Who registers a modality, encoder, mixer, decoder or mixture of experts with t2tlite adds a row here, and an
objective, problem or metric in the tables at the end; the suites fail while one is missing.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.modality import Representation
from t2tlite.model import Decodable, Embeddable, Trainable, ZeroShot

from ..models import tiny

COMPONENT_KINDS = ("modality", "encoder", "mixer", "decoder", "moe")
LENGTHS = np.array([6, 10])
MASK = np.arange(10) < LENGTHS[:, None]  # [2, 10]


@dataclasses.dataclass(frozen=True)
class Row:
    """How to make a component and run it.

    Attributes:
      kind, name: as registered.
      inputs: makes what `run` reads: a dict of tensors.
      run: `(component, inputs, training) -> (float outputs, scalar loss of its own)`.
      size: vocabulary entries or classes, for a modality that has any.
      padded: `{input: bool array}`, True at padding, which must reach no valid output and get no gradient.
      valid: bool array over the leading axes of the outputs, True where they count; None: everywhere.
      variant: changes of the tiny hyperparameters.
    """

    kind: str
    name: str
    inputs: Callable[[], dict[str, Any]]
    run: Callable[[Any, dict[str, Any], bool], tuple[Any, Any]]
    size: int | None = None
    padded: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    valid: np.ndarray | None = None
    variant: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self):
        changes = [f"{name}={value}" for name, value in self.variant.items()]
        return "-".join([self.kind, self.name, *changes])

    @property
    def hparams(self):
        chosen = {} if self.kind == "modality" else {self.kind: self.name}
        return tiny.HPARAMS.replace(num_encoder_layers=1, num_decoder_layers=1, **chosen | self.variant)

    def make(self, seed=0, **kwargs):
        """A component named "row", of which every variable was drawn."""
        if self.size is not None:
            kwargs["size"] = self.size
        cls = registry.get(self.kind, self.name)
        return built(cls.from_hparams(self.hparams, name="row", **kwargs), seed)


def built(component, seed=0):
    component.build((None, None, tiny.HPARAMS.hidden_size))
    return tiny.randomise(component, seed)


def body_inputs():
    return {"x": tiny.noise(2, 10, 16), "mask": tf.constant(MASK)}


def target_inputs():
    """The target and a padded source for mixer and decoder."""
    return {"x": tiny.noise(2, 5, 16, seed=1), "source": tiny.noise(2, 10, 16), "mask": tf.constant(MASK)}


def audio_inputs():
    lengths = np.array([700, 1500])
    x = 0.3 * np.random.default_rng(0).normal(size=(2, 1500)) * (np.arange(1500) < lengths[:, None])
    return {"inputs": tf.constant(x, tf.float32), "inputs_length": tf.constant(lengths, tf.int32)}


AUDIO_PADDING = np.arange(1500) >= np.array([700, 1500])[:, None]


def run_masked(component, inputs, training):
    """An encoder or a mixture of experts."""
    y, statistics = component(inputs["x"], padding_mask=inputs["mask"], training=training)
    return y, statistics.get("loss", 0.0)


def run_mixer(component, inputs, training):
    memory = component.memory(inputs["source"], inputs["mask"])
    return component(inputs["x"], memory, training=training), 0.0


def run_decoder(component, inputs, training):
    memory = component.memory(inputs["source"], inputs["mask"])
    y, statistics, _ = component(inputs["x"], memory, training=training)
    return y, statistics.get("loss", 0.0)


def run_bottom(component, inputs, training):
    return component.bottom(inputs, "inputs", training=training).x, 0.0


def run_language(component, inputs, training):
    return component.top(component.bottom(inputs, "inputs", training=training), training=training), 0.0


def run_vector(component, inputs, training):
    return component.top(component.bottom(inputs, "inputs", training=training), training=training), 0.0


def run_top(component, inputs, training):
    return component.top(Representation(inputs["x"], inputs["mask"]), training=training), 0.0


NO_ATTENTION = {"attention": False}
PADDED_BODY = {"padded": {"x": ~MASK}, "valid": MASK}
PADDED_SOURCE = {"padded": {"source": ~MASK}}

ROWS = (
    Row("modality", "language", lambda: {"inputs": tiny.text((6, 10), 10)}, run_language, size=19),
    Row("modality", "image", lambda: {"inputs": tiny.batch("pictures", 2)["inputs"]}, run_bottom),
    Row("modality", "spectral", audio_inputs, run_bottom, padded={"inputs": AUDIO_PADDING}),
    Row(
        "modality",
        "waveform",
        audio_inputs,
        run_bottom,
        padded={"inputs": AUDIO_PADDING},
        variant={"modality_audio": "waveform"},
    ),
    Row("modality", "vector", lambda: {"inputs": tiny.noise(2, 5)}, run_vector, size=5),
    Row("modality", "counts", lambda: {"inputs": tf.exp(tiny.noise(2, 5))}, run_vector, size=5),
    Row("modality", "categorical", body_inputs, run_top, size=5, padded={"x": ~MASK}),
    Row("encoder", "multimodel", body_inputs, run_masked, **PADDED_BODY),
    Row("encoder", "multimodel", body_inputs, run_masked, variant={"moe": "none"}, **PADDED_BODY),
    Row("encoder", "transformer", body_inputs, run_masked, **PADDED_BODY),
    Row("encoder", "transformer", body_inputs, run_masked, variant={"moe": "none"}, **PADDED_BODY),
    Row("encoder", "lstm", body_inputs, run_masked, **PADDED_BODY),
    Row("encoder", "lstm", body_inputs, run_masked, variant={"moe": "none"}, **PADDED_BODY),
    Row("encoder", "gru", body_inputs, run_masked, **PADDED_BODY),
    Row("mixer", "none", target_inputs, run_mixer, **PADDED_SOURCE),
    Row("mixer", "multimodel", target_inputs, run_mixer, **PADDED_SOURCE),
    Row("mixer", "multimodel", target_inputs, run_mixer, variant=NO_ATTENTION, **PADDED_SOURCE),
    Row("decoder", "multimodel", target_inputs, run_decoder, **PADDED_SOURCE),
    Row("decoder", "multimodel", target_inputs, run_decoder, variant=NO_ATTENTION, **PADDED_SOURCE),
    Row("decoder", "transformer", target_inputs, run_decoder, **PADDED_SOURCE),
    Row("decoder", "transformer", target_inputs, run_decoder, variant={"moe": "none"}, **PADDED_SOURCE),
    Row("decoder", "lstm", target_inputs, run_decoder, **PADDED_SOURCE),
    Row("decoder", "lstm", target_inputs, run_decoder, variant={"moe": "none"}, **PADDED_SOURCE),
    Row("decoder", "gru", target_inputs, run_decoder, **PADDED_SOURCE),
    Row("moe", "top_k", body_inputs, run_masked, **PADDED_BODY),
    Row("moe", "switch", body_inputs, run_masked, **PADDED_BODY),
    Row("moe", "dense", body_inputs, run_masked, **PADDED_BODY),
    Row("moe", "none", body_inputs, run_masked, **PADDED_BODY),
)

PICTURES = [tiny.png(0, 20, 20), tiny.png(1, 30, 20)]
SOUNDS = [np.float32(0.3 * np.sin(np.arange(n) / 9)) for n in (900, 2400)]
TEXTS = ["the red circle", "a"]

# Features: {name: (the feature, values of two examples)}. A kind has the row with its name; the others are of
# several inputs.
FEATURES = {
    "text": (problem.Text(), TEXTS),
    "image": (problem.Image(), PICTURES),
    "audio": (problem.Audio(), SOUNDS),
    "label": (problem.Label(), [tiny.CLASSES[1], tiny.CLASSES[0]]),
    "vector": (problem.Vector(3), [np.float32([0.5, -1, 2]), np.float32([0, 0, 0.1])]),
    "counts": (problem.Counts(("red", "blue", "green")), [{"blue": 2, "red": 1}, {"green": 1}]),
    "distribution": (
        problem.Distribution(),
        [{tiny.CLASSES[0]: 0.75, tiny.CLASSES[2]: 0.25}, {tiny.CLASSES[1]: 1}],
    ),
    "answers": (problem.Answers(3), [[tiny.CLASSES[0]] * 2 + ["none of them"], [tiny.CLASSES[1]] * 3]),
    "picture and text": (
        tiny.ASKED,
        [{"picture": p, "question": q} for p, q in zip(PICTURES, TEXTS, strict=True)],
    ),
    "sound, text and perhaps another text": (
        tiny.TOLD,
        [{"sound": SOUNDS[0], "question": "a", "hint": "the"}, {"sound": SOUNDS[1], "question": "red"}],
    ),
}
# Models: {name: (contracts that hold, problems of `tiny` that they can be asked for)}.
MODELS = {"multimodel": ((Trainable, Embeddable, Decodable, ZeroShot), tuple(tiny.PROBLEMS))}


def classes(rows):
    return {"targets": tf.constant(np.arange(rows) % 3, tf.int32)}


def unit(*shape, seed=0):
    return tf.math.l2_normalize(tiny.noise(*shape, seed=seed), axis=-1)


# Objectives: {name: (a problem, what is read of a number of rows, their features)}.
OBJECTIVES = {
    "likelihood": (
        tiny.PROBLEMS["translation"],
        lambda rows: tiny.noise(rows, 9, 19),
        lambda rows: {"targets": tiny.text([4, 9, 5, 6][:rows], 9)},
    ),
    "classification": (tiny.PROBLEMS["topics"], lambda rows: tiny.noise(rows, 3), classes),
    "distillation": (tiny.PROBLEMS["topics"], lambda rows: tiny.noise(rows, 3), classes),
    "soft_classification": (
        tiny.a_problem("soft", problem.Text(), problem.Answers(3)),
        lambda rows: tiny.noise(rows, 3),
        lambda rows: {"targets": tf.abs(tiny.noise(rows, 3, seed=1))},
    ),
    "regression": (
        tiny.a_problem("moved", problem.Text(), problem.Vector(3)),
        lambda rows: tiny.noise(rows, 3),
        lambda rows: {"targets": tiny.noise(rows, 3, seed=1)},
    ),
    "contrastive": (
        tiny.PAIRS["matched"],
        lambda rows: (unit(rows, 4), unit(rows, 4, seed=1)),
        lambda rows: tiny.batch("matched", rows),
    ),
    "energy": (
        tiny.a_problem("states", problem.Vector(3), None, ""),
        lambda rows: (tiny.noise(rows), tiny.noise(rows, seed=1)),
        lambda rows: {"inputs": tiny.noise(rows, 3)},
    ),
}

# Problems: {name: (kind of each input, kind of the targets)}; those of the paper first, in its order.
PROBLEMS = {
    "wsj_speech": ("audio", "text"),
    "imagenet": ("image", "label"),
    "coco_captions": ("image", "text"),
    "wsj_parsing": ("text", "text"),
    "wmt_ende": ("text", "text"),
    "wmt_deen": ("text", "text"),
    "wmt_enfr": ("text", "text"),
    "wmt_fren": ("text", "text"),
    "vqa": ("image", "text", "answers"),
    "multi30k_de": ("image", "text"),
    "multi30k_fr": ("image", "text"),
    "wsj_speech_de": ("audio", "text"),
    "wsj_speech_fr": ("audio", "text"),
    "wsj_speech_trees": ("audio", "text"),
}

TREES = [["(TOP (S (NP (DT the) (NN dog)) (VP (VBZ runs)) (. .)))"], ["(TOP (NP (NN cat)))"]]
CAPTIONS = [["a red dog runs on the green grass", "the dog is red"], ["two cats sleep in a small box"]]
ONE_CAPTION = [texts[:1] for texts in CAPTIONS]
CLASSES = [["red circle"], ["blue square"]]
ANSWERS = [["yes"] * 9 + ["no"], ["red"] * 10]

# Metrics: {name: (references of two inputs, score of outputs that are right)}.
METRICS = {
    "top1": (CLASSES, 100.0),
    "top5": (CLASSES, 100.0),
    "vqa_accuracy": (ANSWERS, 100.0),
    "bleu": (CAPTIONS, 100.0),
    "chrf": (CAPTIONS, 100.0),
    "caption_bleu1": (CAPTIONS, 100.0),
    "caption_bleu2": (CAPTIONS, 100.0),
    "caption_bleu3": (CAPTIONS, 100.0),
    "caption_bleu4": (CAPTIONS, 100.0),
    "caption_rouge_l": (CAPTIONS, 100.0),
    "cider_d": (ONE_CAPTION, 10.0),
    "wer": (CAPTIONS, 0.0),
    "cer": (CAPTIONS, 0.0),
    "full_trees": (TREES, 100.0),
    "bracketing_f1": (TREES, 100.0),
    "repaired_trees": (TREES, 0.0),
}


def registered(kind):
    """Names of a kind that t2tlite itself registers: other tests may register more."""
    return {name for name in registry.names(kind) if registry.entry(kind, name).module.startswith("t2tlite.")}
