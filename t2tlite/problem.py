"""Problem: what goes in, what comes out, where examples come from, and how it is scored."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from t2tlite.errors import UserError
from t2tlite.features.answers import Answers
from t2tlite.features.audio import Audio
from t2tlite.features.counts import Counts
from t2tlite.features.distribution import Distribution
from t2tlite.features.feature import Feature
from t2tlite.features.image import Image
from t2tlite.features.label import Label
from t2tlite.features.named import NamedInputs
from t2tlite.features.text import Text
from t2tlite.features.vector import Vector
from t2tlite.hparam import HParams

__all__ = [
    "Answers",
    "Audio",
    "Broken",
    "Counts",
    "Distribution",
    "Dropped",
    "Feature",
    "Image",
    "Label",
    "NamedInputs",
    "Pieces",
    "SPLITS",
    "Problem",
    "Text",
    "Vector",
]

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Broken:
    """What `examples` yields in place of an example that can't be read; `--on_error` says what comes of it.

    Attributes:
      reason: what is wrong, in the same words for all of its kind, since the manifest counts by it.
      where: which example, such as "train.de:17".
    """

    reason: str
    where: str


@dataclasses.dataclass(frozen=True)
class Dropped:
    """What `examples` yields in place of an example that a rule leaves out; the manifest counts them.

    Attributes:
      reason: the rule, in the same words for all, such as "an empty line".
    """

    reason: str


class Pieces(Iterable):
    """Examples in pieces: several processes prepare them, and what was stopped goes on with the next piece.

    Args:
      read: yields the examples of one part. Worker processes are sent it, so a function of a module, or
        `functools.partial` of one; not a method or a lambda.
      parts: what `read` is given, one after the other: plain values whose `repr` says all there is to them.
        A part is best some megabytes large, and all that is known without reading the examples.
      total: about how many examples there are, if that is known: to tell how long it takes.
    """

    def __init__(
        self, read: Callable[[Any], Iterable], parts: Sequence[Any], total: int | None = None
    ) -> None:
        self.read = read
        self.parts = parts
        self.total = total

    def __iter__(self) -> Iterator[Any]:
        for part in self.parts:
            yield from self.read(part)


class Problem:
    """Base class of problems; register one with `@registry.register_problem`.

    Attributes:
      inputs: a `Feature`, or several by name: `{"picture": Image(), "question": Text()}`, which becomes a
        `NamedInputs`; an example's "inputs" are then a dict of the same names.
      targets: a `Feature`, or None where the objective and the model need none.
      command: name of the command token that starts every decoding, e.g. "to_german". Empty where the target
        is a class: it is read off the encoded input, and nothing is decoded.
      metrics: names of registered metrics.
      objective: name of a registered objective; None for that of the target. A run's hyperparameter
        `objective` has precedence, see `configure`.
      symbols: strings that become whole vocabulary entries (e.g. the brackets of trees).
      corpus: name of the prepared data; problems with the same corpus share one copy. None: the
        problem's own name.
      data_version: says what decides how the data is prepared, where that may change; prepared data of
        another version is refused. "": nothing does.
      swap: read the corpus's inputs as targets and its targets as inputs.
      sources: where examples can come from, the first being what the documentation shows. Empty: the
        examples do not depend on the source, so any will do.
      zero_shot: the pair by which a run that has not trained the problem is evaluated on it, such as
        "coco_captions>wmt_ende": read as the one, written as the other. "": only a run that has trained it.
      from_text_function: a function of a module, as a `staticmethod`, that does what `from_text` does, of the
        same arguments, with the standard library alone: t2t-export writes its source beside a model, for
        those who use that without t2tlite. None: there is none.
    """

    name: str = ""
    inputs: Feature = Text()
    targets: Feature | None = Text()
    command: str = ""
    metrics: tuple[str, ...] = ()
    objective: str | None = None
    symbols: tuple[str, ...] = ()
    corpus: str | None = None
    data_version: str = ""
    swap: bool = False
    sources: tuple[str, ...] = ()
    zero_shot: str = ""
    from_text_function: Callable[[Any, str], str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(cls.inputs, dict):
            cls.inputs = NamedInputs.of(cls.inputs)
        if cls.swap and (cls.targets is None or isinstance(cls.inputs, NamedInputs)):
            raise UserError(f"problem `{cls.__name__}` swaps one input and one target; it has others")
        if cls.inputs.optional or (cls.targets is not None and cls.targets.optional):
            raise UserError(f"problem `{cls.__name__}`: only one of several named inputs can be optional")

    def examples(
        self, split: str, source: str, source_dir: str | None = None
    ) -> Iterable[dict[str, Any] | Broken | Dropped]:
        """Yields `{"inputs": ..., "targets": ...}` of plain Python values; large corpora return `Pieces`.

        A problem with several `sources` has a method for each instead, such as `examples_from_files(split,
        source_dir)`, and this one calls them.

        Named inputs are a dict of values, `{"inputs": {"picture": ..., "question": ...}, "targets": ...}`, in
        which an optional one may be missing or None. Without targets there are only "inputs".

        Args:
          split: "train", "validation" or "test".
          source: one of `self.sources`.
          source_dir: folder with the corpus's own files, for source "files"; TFDS's data_dir, for "tfds".

        Raises:
          UserError: the source is not one of this problem's, or its files are missing or broken.
        """
        return self._from_source("examples", source)(split, source_dir)

    def check_source(self, source: str) -> None:
        """Raises a UserError where `source` is not one of this problem's."""
        if self.sources and source not in self.sources:
            raise UserError(
                f"problem `{self.name}` has no source `{source}`; expected one of {', '.join(self.sources)}"
            )

    def download(self, source_dir: str | None = None) -> None:
        """Has TFDS fetch and prepare the corpus, for source "tfds"; nothing else ever downloads.

        Args:
          source_dir: TFDS's data_dir; default: TFDS's own.

        Raises:
          UserError: TFDS does not have the corpus, or can't fetch it.
        """
        raise UserError(f"problem `{self.name}` has no corpus that could be downloaded")

    def labels(self, source: str, source_dir: str | None = None) -> tuple[str, ...]:
        """Names of the classes, in order, for a problem whose targets are a `Label`.

        A problem with several `sources` may have a method for each instead, such as `labels_from_files(
        source_dir)`.
        """
        return self._from_source("labels", source)(source_dir)

    def _from_source(self, what: str, source: str) -> Callable:
        """The method of a source."""
        self.check_source(source)
        name = f"{what}_from_{source}"
        if not hasattr(self, name):
            raise UserError(f"problem `{self.name}` defines neither `{what}` nor `{name}`")
        return getattr(self, name)

    def to_text(self, example: dict[str, Any]) -> dict[str, Any]:
        """What the model reads and writes, from what `examples` yields (a tree becomes its linear form).

        In decoding the example has only "inputs".
        """
        return example

    def from_text(self, inputs: Any, output: str) -> str:
        """What a person reads, from the model's input and its decoded text; the inverse of `to_text`."""
        return output

    def constraint(self, vocabulary: Any) -> Any:
        """What the model's outputs keep to, a `t2tlite.decoding.search.constraints.Constraint`, or None.

        It is asked for each input, so outputs can be held to something in their inputs.

        Args:
          vocabulary: the run's `Vocabulary`.
        """
        return None

    def configure(self, hparams: HParams) -> None:
        """Takes from a run's hyperparameters what it has in common with the run's other problems.

        That is the `objective`, where they name one.
        """
        self.objective = hparams.objective or self.objective

    def objective_name(self) -> str:
        """The registered objective that is learned.

        Raises:
          UserError: neither the problem nor its target names one.
        """
        name = self.objective or (self.targets.objective if self.targets is not None else "")
        if not name:
            if self.targets is None:
                raise UserError(f"problem `{self.name}` must name an `objective`: it has no targets")
            kind = type(self.targets).__name__
            raise UserError(f"problem `{self.name}` must name an `objective`: its target `{kind}` has none")
        return name

    def features(self) -> dict[str, Feature]:
        """The features by their names in records and batches: `inputs` or `inputs.NAME`, then `targets`."""
        return self.inputs.named("inputs") | ({} if self.targets is None else {"targets": self.targets})

    def has_text(self) -> bool:
        """Whether a feature is text, so that the run needs a vocabulary."""
        return any(feature.is_text for feature in self.features().values())

    def has_classes(self) -> bool:
        """Whether a feature has classes, so that `labels` names them."""
        return any(feature.has_classes for feature in self.features().values())
