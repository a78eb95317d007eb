"""DecodeOptions: how to decode, and reading them from --decode_hparams."""

import dataclasses
import typing

from t2tlite import typed_value
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

_LEAST = {
    "batch_size": 1,
    "decode_length": 1,
    "beam_size": 1,
    "min_length": 0,
    "temperature": 0,
    "top_k": 0,
    "num_samples": 1,
    "seed": 0,
}


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """How to decode: a beam search, greedily (`beam_size=1`), or by drawing samples (`temperature`).

    Attributes:
      batch_size: most inputs decoded together.
      decode_length: most positions of an output, its end token included; None for the hyperparameters'
        longest text, or more, where an input is longer or the problem's constraint asks for room.
      beam_size: how many outputs the search keeps; 1: greedy.
      alpha: of the length penalty ((5 + length) / 6) ** alpha by which the search divides
        log-probabilities (Wu et al. 2016, arXiv 1609.08144, eq. 14); the length counts the end token.
        Above 0 prefers long outputs to what their log-probability alone would say.
      return_beams: give all outputs of the search with their scores, not only the best. A search for the
        best alone finds the same one and stops earlier.
      min_length: fewest subword units before the end.
      constrain: keep to what the problem says of its outputs (a tree has the words of its sentence).
      temperature: above 0 samples from the distribution, with log-probabilities divided by it, instead of
        searching.
      top_k: sample among so many likeliest units only; 0: all.
      top_p: sample among the likeliest units only that have this probability together (Holtzman et al.
        2020, arXiv 1904.09751); 1: all.
      num_samples: samples for each input.
      seed: of the samples. Those of an input depend on it and on the input's number, and on nothing else
        that is decoded.
    """

    batch_size: int = 32
    decode_length: int | None = None
    beam_size: int = 4
    alpha: float = 0.6
    return_beams: bool = False
    min_length: int = 0
    constrain: bool = True
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    num_samples: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, annotation in typing.get_type_hints(type(self)).items():
            value = typed_value.checked(name, annotation, getattr(self, name))
            object.__setattr__(self, name, value)
            if value is not None and name in _LEAST and value < _LEAST[name]:
                raise UserError(f"{name} must be {_LEAST[name]} or more; received {value}")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p must be above 0 and at most 1; received {self.top_p}")
        if self.decode_length is not None and self.min_length > self.decode_length:
            raise UserError(
                f"min_length={self.min_length} does not fit into decode_length={self.decode_length};"
                " make one smaller or the other larger"
            )
        self._check_sampling()

    def _check_sampling(self) -> None:
        default = {"top_k": 0, "top_p": 1.0, "num_samples": 1}
        changed = [name for name, value in default.items() if getattr(self, name) != value]
        if changed and not self.temperature:
            raise UserError(
                f"{changed[0]}={getattr(self, changed[0])} is for samples, which need a temperature; add"
                " temperature=1.0"
            )

    @property
    def outputs(self) -> int:
        """How many outputs an input has, at most."""
        return self.num_samples if self.temperature else self.beam_size

    def describe(self) -> str:
        """How is decoded, in a few words, such as "beam search of 4, alpha 0.6"."""
        if self.temperature:
            number = "1 sample" if self.num_samples == 1 else f"{self.num_samples} samples"
            return f"{number} at temperature {self.temperature:g}"
        if self.beam_size == 1:
            return "greedy search"
        return f"beam search of {self.beam_size}, alpha {self.alpha:g}"

    @classmethod
    def parse(cls, text: str) -> "DecodeOptions":
        """Reads "beam_size=4,alpha=0.6,return_beams=True".

        Raises:
          UserError: a name is unknown or given twice, or a value is ill-typed or out of range.
        """
        return cls(**parse_changes(text))

    def replace(self, **changes: typing.Any) -> "DecodeOptions":
        """These options with some changed.

        Raises:
          UserError: a name is unknown, or a value is ill-typed or out of range.
        """
        for name in changes:
            _check_name(name)
        return dataclasses.replace(self, **changes)


def parse_changes(text: str) -> dict[str, typing.Any]:
    """The names and values of "beam_size=4,alpha=0.6", for `DecodeOptions.replace`.

    Raises:
      UserError: a name is unknown or given twice, or a value is ill-typed.
    """
    types = typing.get_type_hints(DecodeOptions)
    changes = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(f"cannot read `{part}` among the decode hyperparameters; expected name=value")
        _check_name(name)
        if name in changes:
            raise UserError(f"decode hyperparameter `{name}` is given twice in `{text}`")
        changes[name] = typed_value.parse(name, types[name], value)
    return changes


def _check_name(name: str) -> None:
    names = [field.name for field in dataclasses.fields(DecodeOptions)]
    if name not in names:
        near = did_you_mean(name, names) or f"; there is {', '.join(names)}"
        raise UserError(f"unknown decode hyperparameter `{name}`{near}")
