"""HParams: a typed, frozen set of hyperparameters, and the ways to get and change one."""

import dataclasses
import functools
import importlib
import typing
from collections.abc import Sequence
from typing import Any, Self

from t2tlite import registry, typed_value
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

_POSITIVE = (
    "hidden_size filter_size num_heads large_kernel_size large_kernel_dilation moe_num_experts moe_k"
    " moe_capacity_factor vocabulary_size image_size image_widths exit_widths audio_least_width"
    " audio_num_mel_bins audio_frame_length audio_frame_step learning_rate optimizer_adam_epsilon"
    " batch_tokens batch_images batch_seconds length_bounds seconds_bounds least_scale"
    " learning_rate_decay_rate accumulate"
).split()
_NOT_NEGATIVE = (
    "num_encoder_layers num_mixer_layers num_decoder_layers audio_blocks audio_strided_blocks"
    " moe_load_loss_coef moe_importance_loss_coef learning_rate_warmup_steps learning_rate_decay_steps"
    " clip_grad_norm max_length weight_decay"
).split()
_WORDS = {
    "precision": ("float32", "mixed_bfloat16", "mixed_float16"),
    "jit_compile": ("auto", "true", "false"),
}
_FRACTION = "dropout label_smoothing optimizer_adam_beta1 optimizer_adam_beta2 ema_decay".split()
_SHARE = ["max_left_out"]
# What these are called elsewhere, and were called here: the names to use instead.
_ELSEWHERE = {
    "hidden": "hidden_size",
    "filter": "filter_size",
    "heads": "num_heads",
    "encoder_blocks": "num_encoder_layers",
    "mixer_blocks": "num_mixer_layers",
    "decoder_blocks": "num_decoder_layers",
    "num_hidden_layers": "num_encoder_layers num_decoder_layers",
    "long_kernel": "large_kernel_size",
    "long_dilation": "large_kernel_dilation",
    "experts": "moe_num_experts",
    "experts_per_token": "moe_k",
    "expert_capacity": "moe_capacity_factor",
    "load_weight": "moe_load_loss_coef",
    "importance_weight": "moe_importance_loss_coef",
    "moe_loss_coef": "moe_load_loss_coef moe_importance_loss_coef",
    "tie_embeddings": "shared_embedding_and_softmax_weights",
    "mel_bins": "audio_num_mel_bins",
    "frame_ms": "audio_frame_length",
    "hop_ms": "audio_frame_step",
    "schedule": "learning_rate_schedule",
    "learning_rate_decay_scheme": "learning_rate_schedule",
    "learning_rate_constant": "learning_rate",
    "warmup_steps": "learning_rate_warmup_steps",
    "decay_steps": "learning_rate_decay_steps",
    "decay_rate": "learning_rate_decay_rate",
    "adam_beta1": "optimizer_adam_beta1",
    "adam_beta2": "optimizer_adam_beta2",
    "adam_epsilon": "optimizer_adam_epsilon",
    "clip_norm": "clip_grad_norm",
    "optimizer_multistep_accumulate_steps": "accumulate",
    "batch_size": "batch_tokens batch_images batch_seconds",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class HParams:
    """Every hyperparameter of a run. Sets are functions registered with `@registry.register_hparams`.

    A user's own component may need more: subclass this dataclass and return the subclass from a set.
    """

    # Components, by registered name.
    model: str = "multimodel"
    encoder: str = "multimodel"
    mixer: str = "multimodel"
    decoder: str = "multimodel"
    moe: str = "top_k"  # or switch, dense (one network as large as moe_k experts), none
    attention: bool = True  # False: mixer and decoder without attention to themselves or to the input
    modality_text: str = "language"
    modality_image: str = "image"
    modality_audio: str = "spectral"
    modality_label: str = "categorical"

    # Body.
    hidden_size: int
    filter_size: int
    num_heads: int
    num_encoder_layers: int
    num_mixer_layers: int
    num_decoder_layers: int
    large_kernel_size: int = 15
    large_kernel_dilation: int = 8
    dropout: float  # of a ConvBlock's output, a transformer's input, a sublayer of it or of a recurrent net
    encoder_timing: bool = (
        True  # adds the timing signal to the input of the encoder, unless that is recurrent
    )
    moe_num_experts: int
    moe_k: int
    moe_capacity_factor: float = 1.25  # slots for each expert in training, as a multiple of an even share
    moe_load_loss_coef: float = 0.01
    moe_importance_loss_coef: float = 0.01

    # Modality nets.
    vocabulary_size: int = 8192
    shared_embedding_and_softmax_weights: bool = False  # one matrix for language in and language out
    label_smoothing: float = 0.0
    final_norm: bool = False  # layer normalisation between decoder and language out
    image_size: int
    image_widths: tuple[int, ...]  # of h1, h2, r1, r2; the last ConvRes has the body's width
    image_complement: bool = False  # read [x, 1 - x] instead of x
    exit_widths: tuple[float, float] = (1.5, 2.0)  # of the categorical net's h4 and h5, in hidden_size
    audio_blocks: int = 8
    audio_strided_blocks: int = 8
    audio_least_width: int = 2
    audio_num_mel_bins: int = 80
    audio_frame_length: float = 25.0
    audio_frame_step: float = 10.0

    # Optimisation.
    optimizer: str = "adam"  # or adamw, adafactor, lamb
    weight_decay: float = 0.0  # decoupled; not of biases, scales and embeddings; not for adam
    least_scale: float = 0.1  # least RMS of a variable by which adafactor and lamb scale their steps
    ema_decay: float = 0.0  # of averages of the weights, for evaluation and decoding; 0: none
    learning_rate: float
    learning_rate_schedule: str
    learning_rate_warmup_steps: int
    optimizer_adam_beta1: float = 0.9
    optimizer_adam_beta2: float = 0.98
    optimizer_adam_epsilon: float = 1e-9
    clip_grad_norm: float = 1.0  # of all gradients together; 0: no clipping
    freeze: tuple[str, ...] = ()  # what doesn't train: parts or paths of variables, with * for any characters
    stages: tuple[str, ...] = ()  # of training, each `@STEP`, then any of freeze= learning_rate= from= map=
    accumulate: int = 1  # batches whose gradients make one update, of one problem or of many
    precision: str = "float32"  # or mixed_bfloat16, mixed_float16
    jit_compile: str = "auto"  # XLA; true, false, or auto: with an accelerator
    learning_rate_decay_steps: int = 0  # the update at which a decaying schedule reaches its end
    learning_rate_decay_rate: float = (
        0.5  # what an exponential schedule multiplies the rate by every learning_rate_decay_steps
    )

    # Data.
    batch_tokens: int  # positions of one batch of text, padding included
    batch_images: int
    batch_seconds: float
    length_bounds: tuple[int, ...]  # text is padded to one of these; longer examples are dropped
    max_length: int = 0  # positions; 0: the last of length_bounds, which may also be exceeded
    seconds_bounds: tuple[float, ...]
    # Share of a problem's examples: t2t-train adds bounds until no more are too long; 1: it adds none.
    max_left_out: float = 0.01
    mixing: str = "uniform"  # how much of each problem
    order: str = "round_robin"  # in what order

    def __post_init__(self):
        for name, annotation in _types(type(self)).items():
            object.__setattr__(self, name, typed_value.checked(name, annotation, getattr(self, name)))
        self._check_range(_POSITIVE, "positive", lambda number: number > 0)
        self._check_range(_NOT_NEGATIVE, "0 or more", lambda number: number >= 0)
        self._check_range(_FRACTION, "in [0, 1)", lambda number: 0 <= number < 1)
        self._check_range(_SHARE, "in [0, 1]", lambda number: 0 <= number <= 1)
        self._check(
            self.hidden_size % 2 == 0, "hidden_size must be even, for the timing signal", "hidden_size"
        )
        self._check(self.large_kernel_size % 2 == 1, "large_kernel_size must be odd", "large_kernel_size")
        self._check(
            self.hidden_size % self.num_heads == 0,
            "hidden_size must be a multiple of num_heads",
            "hidden_size",
            "num_heads",
        )
        for name in ("length_bounds", "seconds_bounds"):
            bounds = getattr(self, name)
            rising = bounds and all(low < high for low, high in zip(bounds, bounds[1:], strict=False))
            self._check(rising, f"{name} must be rising, and not empty", name)
        self._check(len(self.image_widths) == 4, "image_widths must be 4 widths", "image_widths")
        if self.moe != "none":
            self._check_at_most("moe_k", "moe_num_experts")
        self._check_at_most("audio_strided_blocks", "audio_blocks")
        for name, words in _WORDS.items():
            self._check(getattr(self, name) in words, f"{name} must be one of {', '.join(words)}", name)

    def text_bounds(self) -> tuple[int, ...]:
        """What texts are padded to, in positions, ascending: `length_bounds` as far as `max_length`."""
        if not self.max_length:
            return self.length_bounds
        return (*(bound for bound in self.length_bounds if bound < self.max_length), self.max_length)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values, checked like the constructor's.

        Raises:
          UserError: a name is not a hyperparameter, or a value has the wrong type or is out of range.
        """
        for name in changes:
            _check_name(type(self), name)
        return dataclasses.replace(self, **changes)

    def _check_range(self, names: Sequence[str], what: str, holds):
        for name in names:
            value = getattr(self, name)
            good = all(holds(number) for number in (value if isinstance(value, tuple) else (value,)))
            self._check(good, f"{name} must be {what}", name)

    def _check_at_most(self, name: str, limit: str):
        good = getattr(self, name) <= getattr(self, limit)
        self._check(good, f"{name} must be at most {limit}", name, limit)

    def _check(self, good: bool, message: str, *names: str):
        if not good:
            received = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
            raise UserError(f"{message}; received {received}")


def get(
    set_name: str, overrides: str = "", gin_files: Sequence[str] = (), gin_bindings: Sequence[str] = ()
) -> HParams:
    """A registered set with changes on top; see `changes`."""
    # All at once: what the gin file sets may fit only together with the overrides.
    return _set(set_name).replace(**changes(set_name, overrides, gin_files, gin_bindings))


def changes(
    set_name: str, overrides: str = "", gin_files: Sequence[str] = (), gin_bindings: Sequence[str] = ()
) -> dict[str, Any]:
    """What is changed of a registered set: by the gin files, then the gin bindings, then the overrides.

    Args:
      set_name: name of a registered set.
      overrides: "hidden_size=64,length_bounds=8;16;32"; values are read by the type of the hyperparameter.
      gin_files: paths of files with lines such as `HParams.hidden_size = 64`.
      gin_bindings: such lines.

    Raises:
      UserError: the set or a hyperparameter is unknown, or a value has the wrong type or is out of range.
    """
    hparams = _set(set_name)
    changes = {}
    if gin_files or gin_bindings:
        from t2tlite import gin_config

        changes = gin_config.changes(gin_files, gin_bindings)
    return changes | parse_overrides(type(hparams), overrides)


def _set(name: str) -> HParams:
    hparams = registry.get("hparams", name)()
    if not isinstance(hparams, HParams):
        raise UserError(
            f"hparams set `{name}` returned {type(hparams).__name__}; expected an HParams"
            f" ({registry.entry('hparams', name).place})"
        )
    return hparams


def parse_overrides(cls: type[HParams], overrides: str) -> dict[str, Any]:
    """The values of "name=value,name=value", by the types of the fields of `cls`."""
    changes = {}
    for part in filter(None, (part.strip() for part in overrides.split(","))):
        name, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals:
            hint = "; the parts of a tuple are separated by `;`" if changes else ""
            raise UserError(f"cannot read `{part}` among the hyperparameters; expected name=value{hint}")
        _check_name(cls, name)
        if name in changes:
            raise UserError(f"hyperparameter `{name}` is given twice in `{overrides}`")
        changes[name] = typed_value.parse(name, _types(cls)[name], text)
    return changes


def to_json(hparams: HParams) -> dict[str, Any]:
    """Plain values by name; of a subclass also where it is defined, under "class"."""
    cls = type(hparams)
    where = {} if cls is HParams else {"class": f"{cls.__module__}:{cls.__qualname__}"}
    return where | {name: _plain(getattr(hparams, name)) for name in _types(cls)}


def from_json(values: dict[str, Any]) -> HParams:
    """The inverse of `to_json`. The user's folder that defines a subclass must have been imported.

    Raises:
      UserError: the subclass is not there, or names or values do not fit it.
    """
    values = dict(values)
    cls = _find_class(values.pop("class", None))
    for name in values:
        _check_name(cls, name)
    required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise UserError(f"hyperparameters are missing: {', '.join(missing)}")
    return cls(**values)


def operative_gin(hparams: HParams) -> str:
    """The text of a gin file that sets every hyperparameter to its value."""
    lines = [f"HParams.{name} = {getattr(hparams, name)!r}" for name in _types(type(hparams))]
    return "\n".join(lines) + "\n"


@functools.cache
def _types(cls: type[HParams]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _check_name(cls: type[HParams], name: str):
    if name not in _types(cls):
        if name in _ELSEWHERE:
            near = "; use " + " or ".join(f"`{other}`" for other in _ELSEWHERE[name].split())
        else:
            near = did_you_mean(name, _types(cls)) or " (--registry_help=SET shows them all)"
        raise UserError(f"unknown hyperparameter `{name}`{near}")


def _find_class(where: str | None) -> type[HParams]:
    if where is None:
        return HParams
    module, _, name = where.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"the hyperparameters are of the class {where}, which cannot be imported; give the folder that"
            " defines it by --t2t_usr_dir=DIR"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, HParams)):
        raise UserError(f"the hyperparameters are said to be of the class {where}, which is no HParams")
    return cls


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
