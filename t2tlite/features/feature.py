"""Feature: one side of a problem, and all that the framework has to know of its kind of value."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite.errors import UserError
from t2tlite.features import untrusted
from t2tlite.features.measure import POSITIONS, Measure
from t2tlite.features.positions import Encoded, Positions
from t2tlite.features.statistics import Statistics
from t2tlite.hparam import HParams

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading
    from t2tlite.features.inputs import InputReader


@dataclasses.dataclass(frozen=True)
class Feature:
    """Base class of feature kinds; register one with `@registry.register_feature`.

    A kind overrides what its use needs. Modules of kinds import no TensorFlow at the top.

    Attributes:
      modality: name of a registered modality, or None for the one that the hyperparameters name for
        this kind of feature (`modality_text`, `modality_image`, `modality_audio`, `modality_label`). A kind
        declares that hyperparameter in its `HPARAMS`.
      optional: whether an example may lack it, which then is masked out; for one of several named inputs.
      kind: the registered name, which prepared data and exports have as well.
      objective: name of the registered objective of a problem whose target it is, unless the problem names
        another one; empty where there is none.
      is_text: whether values are text in the units of the run's vocabulary.
      has_classes: whether values are names of the problem's classes, `Problem.labels`.
      measure: how values are measured for batches.
      slow_to_decode: whether decoding stored values takes more than two threads to keep up.
      readable: None, or a method of a stored value, a string scalar, that gives tensors which fail to be
        computed where the value is damaged: to look for the record that stopped a training.
      large_decoded: whether decoded batches are too large to be fetched ahead.
      asked_for: what people are asked for: "a line of text", "the path of a picture".
      is_file: whether people give values as files: by their paths, or to a service by their content.
      costs_by_size: whether a larger file takes longer to decode.
      graph_input: for the README of an export, Python that makes a batch of one.
      graph_suffix: of the signature that takes it; see `RawReader.suffix`.
      parts: of several named inputs, pairs of a name and its feature; else ().
      content_types: with which a value may be the body of a request to a service; a prefix where it ends in a
        slash. () where values can't be sent.
    """

    modality: str | None = dataclasses.field(default=None, kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)
    kind: ClassVar[str] = ""
    objective: ClassVar[str] = ""
    is_text: ClassVar[bool] = False
    has_classes: ClassVar[bool] = False
    measure: ClassVar[Measure] = POSITIONS
    slow_to_decode: ClassVar[bool] = False
    readable: ClassVar[Callable | None] = None
    large_decoded: ClassVar[bool] = False
    asked_for: ClassVar[str] = "a line of text"
    is_file: ClassVar[bool] = False
    costs_by_size: ClassVar[bool] = False
    graph_input: ClassVar[str] = ""
    graph_suffix: ClassVar[str] = ""
    content_types: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[tuple[str, "Feature"], ...]] = ()

    def modality_name(self, hparams: HParams) -> str:
        """The registered modality that represents this feature under these hyperparameters."""
        return self.modality or getattr(hparams, f"modality_{self.kind}")

    # Names.

    def named(self, side: str) -> dict[str, "Feature"]:
        """What it stands for in records and batches: itself, under the name of its side of the problem."""
        return {side: self}

    def described(self) -> str | dict[str, str]:
        """Its kind; where it is several named inputs, the kind of each by name."""
        return self.kind

    def is_missing(self, value: Any) -> bool:
        """Whether nothing was given for it: None, an empty text or an empty file, where it is optional."""
        return self.optional and (value is None or (isinstance(value, str | bytes) and not value))

    def stand_in(self) -> Any:
        """A small value, as examples have it, that stands where an optional one is missing."""
        raise NotImplementedError(f"feature `{self.kind}` can't be optional: it defines no stand_in")

    # Records.

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        """What is stored of a value: the entries of a `bytes_list`.

        Args:
          value: what `Problem.examples` yields.
          labels: the names of classes there are; None: not known.

        Raises:
          ValueError, TypeError: the value is not of this kind. The message goes on after "`inputs` is".
        """
        raise NotImplementedError

    def from_record(self, values: list[bytes]) -> Any:
        """The inverse of `to_record`."""
        raise NotImplementedError

    def references(self, value: Any) -> tuple[str, ...]:
        """The right answers, by which decoded outputs are scored: one, or several."""
        return (value,) if isinstance(value, str) else tuple(value)

    def texts(self, value: Any) -> list[str]:
        """The texts that the vocabulary is learned from; none unless `is_text`."""
        return []

    # Tables.

    def from_cell(self, cell: Any) -> Any:
        """The value, as examples have it, of a table's cell: a `str`, or what JSON has.

        Only asked for where values are no files.
        """
        return cell

    def from_content(self, content: bytes) -> Any:
        """The value, as examples have it, of a file's content; only asked for where values are files.

        Raises:
          ValueError: what is wrong with it, in the same words for all of its kind.
        """
        return content

    # Batches.

    def codec(self, reading: "Reading") -> "Codec":
        """From stored values to the tensors of a batch, in a tf.data pipeline.

        Args:
          reading: a `t2tlite.features.codec.Reading`.

        Returns:
          A `t2tlite.features.codec.Codec`.
        """
        raise NotImplementedError

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        """Arrays as the pipeline yields them, of random content and as long as the last bound.

        Args:
          name: of the feature.
          size: number of examples.
          generator: a `numpy.random.Generator`.
          run: the `Run`, for its hyperparameters, vocabulary and labels.
          problem: the problem's name.
        """
        raise NotImplementedError

    def largest(self, hparams: HParams) -> str:
        """How large its largest value is, such as "12 tokens"; "" where all are small."""
        return ""

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        """What a person can read of a value in a batch; None: nothing worth telling.

        Args:
          value: a row of the batch's array.
          vocabulary: the run's `Vocabulary`, or None.
          labels: names of the problem's classes, or ().
        """
        bad = value.size - np.count_nonzero(np.isfinite(value))
        return f"{bad} of {value.size} values are not finite" if bad else None

    # Decoding.

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """What reads the inputs that people give: a `t2tlite.features.inputs.InputReader`.

        None where inputs of this kind can't be decoded.
        """
        return None

    def positions(self, value: Any, encoded: Encoded, vocabulary: Any) -> Positions:
        """What the encoded positions of an input stand for.

        Args:
          value: the input as `InputReader.read` gave it.
          encoded: how it came out of the encoder.
          vocabulary: the run's `Vocabulary`, or None.
        """
        return Positions(encoded.count)

    # Exports.

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> tuple:
        """What reads raw inputs in a graph: `t2tlite.features.raw.RawReader`s, a signature for each.

        Empty where inputs of this kind can't be read there.
        """
        return ()

    # The service.

    def from_json(self, value: Any, what: str) -> Any:
        """An input out of JSON: a string, which for files is the base64 of their content.

        Args:
          value: as JSON has it.
          what: names it in messages, as "inputs[0]".

        Raises:
          UserError: it is of another type, or would cost too much to decode.
        """
        if not isinstance(value, str):
            raise UserError(f"{what} must be a string; received {type(value).__name__}")
        return self.check_sent(untrusted.from_base64(value, what) if self.is_file else value, what)

    def from_body(self, body: bytes, what: str) -> Any:
        """An input that is the whole body of a request; see `from_json`."""
        return self.check_sent(body if self.is_file else untrusted.utf8(body, what), what)

    def check_sent(self, value: Any, what: str) -> Any:
        """The input, unless it would cost too much to decode."""
        return value

    def example_input(self) -> Any:
        """A small input, with which a service compiles what it needs; only asked for where it is readable."""
        raise NotImplementedError

    # t2t-data.

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        """Takes prepared values and says how they are distributed."""
        raise NotImplementedError

    def shown(self, value: Any) -> list[str]:
        """A prepared value in words, a line each; only asked for where it is no file."""
        return [str(value)]

    def as_file(self, value: Any) -> tuple[str, bytes] | None:
        """A prepared value as the ending and the content of a file; None where words say what it is."""
        return None
