"""The feature `text`: UTF-8 text, read and written in the units of the run's vocabulary."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.features import encoding, untrusted
from t2tlite.features.feature import Feature
from t2tlite.features.measure import Measure
from t2tlite.features.positions import Encoded, Positions
from t2tlite.features.statistics import Distribution, Statistics, in_bounds, spread
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.ids import EOS
from t2tlite.plural import counted

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Text(Feature):
    """UTF-8 text. Examples hold a `str`, or a list of `str` where one input has several references."""

    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_text", str, "net of texts", default="language", names="modality"),
    )
    kind: ClassVar[str] = "text"
    objective: ClassVar[str] = "likelihood"
    is_text: ClassVar[bool] = True
    measure: ClassVar[Measure] = encoding.TEXT
    graph_input: ClassVar[str] = 'tf.constant(["..."])'
    content_types: ClassVar[tuple[str, ...]] = ("text/plain",)

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not values or not all(isinstance(v, str) for v in values):
            raise ValueError(f"{value!r:.60}; expected a str, or a list of at least one str")
        return [v.encode("utf-8") for v in values]  # a lone surrogate raises a ValueError

    def from_record(self, values: list[bytes]) -> str | list[str]:
        """A `str` where there is one reference, else a list of `str`."""
        return values[0].decode() if len(values) == 1 else [v.decode() for v in values]

    def stand_in(self) -> Any:
        return ""

    def texts(self, value: Any) -> list[str]:
        return [value] if isinstance(value, str) else list(value)

    def codec(self, reading: "Reading") -> "Codec":
        """Int32 ids `[batch, length]`, each row ending in the end token, padded with 0 to a bound."""
        from t2tlite.features.text_tensors import TextCodec

        return TextCodec(reading)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        ids = generator.integers(EOS + 1, run.vocabulary.size, (size, self.measure.limits(run.hparams)[-1]))
        ids[:, -1] = EOS
        return {name: ids.astype(np.int32)}

    def largest(self, hparams: HParams) -> str:
        return f"{self.measure.limits(hparams)[-1]} tokens"

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        if not vocabulary:
            return super().describe(value, vocabulary, labels)
        return f"{vocabulary.decode(value.tolist())!r} ({counted(int(np.count_nonzero(value)), 'token')})"

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a `str` to int32 ids `[length]`."""
        from t2tlite.features.text_tensors import TextInputs

        return TextInputs(vocabulary, hparams)

    def positions(self, value: Any, encoded: Encoded, vocabulary: Any) -> Positions:
        units = tuple(vocabulary.piece(i) for i in value)
        same = len(units) == encoded.count  # a net may have joined some
        return Positions(encoded.count, units if same else ())

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """UTF-8 strings `[batch]`."""
        from t2tlite.features.text_tensors import RawTexts

        return (RawTexts(vocabulary, hparams),)

    def check_sent(self, value: Any, what: str) -> Any:
        try:
            untrusted.check_text(value)
        except UserError as error:
            raise UserError(f"{what} {error}") from None
        return value

    def example_input(self) -> Any:
        return "a"

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return _Texts(vocabulary, hparams)

    def shown(self, value: Any) -> list[str]:
        return self.texts(value)


class _Texts(Statistics):
    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self.bounds = hparams.text_bounds()
        self._vocabulary = vocabulary
        self._tokens: list[int] = []
        self._words = self._characters = self._references = 0

    def take(self, value: Any) -> int:
        texts = [value] if isinstance(value, str) else value
        tokens = [len(self._vocabulary.encode(text)) + 1 for text in texts]  # and the end token
        self._tokens += tokens
        self._words += sum(len(text.split()) for text in texts)
        self._characters += sum(map(len, texts))
        self._references += len(texts) > 1
        return tokens[0]

    def distribution(self, name: str) -> Distribution:
        inner = sum(self._tokens) - len(self._tokens)
        facts = [
            *spread(self._tokens, "tokens"),
            f"{inner / max(self._words, 1):.2f} tokens a word, "
            f"{self._characters / max(inner, 1):.2f} characters a token",
        ]
        if self._references:
            facts.append(
                f"{self._references:,} examples have several references, {len(self._tokens):,} texts in all"
            )
        return Distribution(f"{name}: tokens of a text", *in_bounds(self._tokens, self.bounds), tuple(facts))
