"""Predictor: inputs of a problem to outputs, for a trained model."""

import dataclasses
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.decoding import cores, scoring, zero_shot
from t2tlite.decoding.batches import batch_by_length
from t2tlite.decoding.inspection.results import Attention, ExpertChoice
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.prediction import (
    Hypothesis,
    Prediction,
    Score,
    prediction_of_classes,
    prediction_of_outputs,
)
from t2tlite.decoding.problem_names import MARK, check_decodes, check_problem, sides
from t2tlite.decoding.search.compiled import CompiledFunctions
from t2tlite.decoding.search.constraints import Constraint
from t2tlite.decoding.search.decode import DecodeConfig, settings
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature
from t2tlite.features.inputs import InputReader
from t2tlite.model import check_decodable
from t2tlite.run import Run
from t2tlite.tables import Table
from t2tlite.types import Batch

__all__ = ["Hypothesis", "Prediction", "Predictor", "Score"]

_WINDOW = 16  # batches, or more, that are read together, so that inputs of similar length meet


class Predictor:
    """Decodes for the problems of a run. Several threads may use it at the same time.

        predictor = t2tlite.load("/tmp/run")
        predictor.predict("wmt_ende", ["the red circle"])[0].text

    Where a problem is named, `zero_shot` may be asked for by name, too: "imagenet>wmt_ende".

    Args:
      run: the `Run`.
      model: its model; None for one with the weights of the newest checkpoint. Weights that change later on
        (in training) are seen.
      options: how to decode.

    Attributes:
      problems: names of the problems.
      model: the model that decodes.
      at_a_time: how many calls are worth making at the same time.
    """

    def __init__(self, run: Run, model: Any = None, options: DecodeOptions | None = None) -> None:
        self.run = run
        self.options = options or DecodeOptions()
        self.problems = tuple(run.problems)
        self.model = run.restore_model() if model is None else model
        self.at_a_time = cores.parallel_batches()
        self.compiled = CompiledFunctions(self.model)
        self._readers: dict[Feature, InputReader] = {}
        self._constraints: dict[str, Any] = {}
        self._lock = threading.RLock()

    @classmethod
    def load(
        cls,
        output_dir: str | os.PathLike,
        checkpoint_path: str | os.PathLike | None = None,
        options: DecodeOptions | None = None,
    ) -> "Predictor":
        """A predictor for the run in a folder, with the newest checkpoint unless one is given.

        Raises:
          UserError: there is no run or no checkpoint in the folder, or it is broken.
        """
        run = Run.load(output_dir)
        return cls(run, run.restore_model(checkpoint_path), options)

    def _repr_html_(self) -> str:
        """Its problems, with what each reads and writes, for a notebook."""
        rows = [
            [name, str(problem.inputs.described()), str(problem.targets and problem.targets.described())]
            for name, problem in self.run.problems.items()
        ]
        title = f"Predictor of {self.run.output_dir}: {self.options.describe()}"
        return Table(title, ["problem", "reads", "writes"], rows, words=3)._repr_html_()

    def predict(
        self,
        problem: str,
        inputs: Iterable[Any],
        keep_errors: bool = False,
        options: DecodeOptions | None = None,
        rows: Iterable[int] | None = None,
    ) -> list[Prediction]:
        """One `Prediction` for each input, in their order.

        Args:
          problem: name of a problem of the run.
          inputs: for text `str`; for images paths, bytes of files, or arrays `[height, width, 3]`; for
            audio paths, bytes of files, or float arrays `[samples]` at 16 kHz. Where the problem has named
            inputs, dicts of these.
          keep_errors: an input that can't be read gives a `Prediction` with its `error`.
          options: how to decode; default: `self.options`.
          rows: the inputs' numbers, on which samples depend; default: 0, 1, ...

        Raises:
          UserError: the run has no such problem, or an input can't be read.
        """
        return list(self.stream(problem, inputs, keep_errors, options, rows))

    def stream(
        self,
        problem: str,
        inputs: Iterable[Any],
        keep_errors: bool = False,
        options: DecodeOptions | None = None,
        rows: Iterable[int] | None = None,
    ) -> Iterator[Prediction]:
        """`predict` for any number of inputs: they are read, decoded and yielded a window at a time."""
        self.check(problem)
        _check_list(inputs)
        examples = ({"inputs": value} for value in inputs)
        return self._windows(problem, examples, keep_errors, options or self.options, rows)

    def stream_examples(self, problem: str, examples: Iterable[dict[str, Any]]) -> Iterator[Prediction]:
        """`stream` for examples as `Problem.examples` yields them; a broken one gives its `error`."""
        self.check(problem)
        return self._windows(problem, examples, True, self.options, None)

    def score(
        self, problem: str, inputs: Iterable[Any], targets: Iterable[str], keep_errors: bool = False
    ) -> list[Score]:
        """The log-probability of each target, given its input; in their order.

        The target's text is cut into subword units as in training. A search that found the same units gives
        them the same log-probability.

        Args:
          problem: name of a problem of the run.
          inputs: as for `predict`.
          targets: what the problem writes: texts (trees in brackets), or names of classes.
          keep_errors: a pair that can't be read gives a `Score` with its `error`.

        Raises:
          UserError: the run has no such problem, a pair can't be read, or there are not as many targets as
            inputs.
        """
        self.check(problem)
        _check_list(inputs)
        _check_list(targets)
        inputs, targets = list(inputs), list(targets)
        if len(inputs) != len(targets):
            raise UserError(f"expected a target for each input; received {len(inputs)} and {len(targets)}")
        return scoring.score(self, problem, inputs, targets, keep_errors)

    def attention(self, problem: str, value: Any, output: str | None = None) -> Attention:
        """Where the model looks as it writes an output; see `t2tlite.decoding.inspection.inspect`.

        Args:
          problem: name of a problem of the run.
          value: one input, as for `predict`.
          output: what it writes; default: what it predicts.

        Returns:
          An `Attention`.

        Raises:
          UserError: the run has no such problem, its outputs are classes, the input can't be read, or the
            model has no attention.
        """
        from t2tlite.decoding.inspection import inspect

        return inspect.attention(self, problem, value, output)

    def experts(self, problem: str, value: Any, output: str | None = None) -> ExpertChoice:
        """Which experts work at which position; arguments as for `attention`.

        Returns:
          An `ExpertChoice`.
        """
        from t2tlite.decoding.inspection import inspect

        return inspect.experts(self, problem, value, output)

    def zero_shot(self, inputs_of: str, outputs_of: str) -> str:
        """The name of a problem that reads as one problem of the run and writes as another.

        Nobody trained that; it is for the curious: `predict(zero_shot("imagenet", "wmt_ende"), ["dog.jpg"])`.

        Raises:
          UserError: the run has no such problem.
        """
        for name in (inputs_of, outputs_of):
            check_problem(name, self.problems, self.run.output_dir)
        check_decodes(self.run.problems[outputs_of])
        name = zero_shot.zero_shot_name(inputs_of, outputs_of)
        with self._lock:
            if name not in self.run.problems:
                self.run = zero_shot.add(self.run, self.model, inputs_of, outputs_of)
        return name

    def check(self, problem: str) -> None:
        """Raises a UserError unless the run has this problem, and its model can read and decode it."""
        if MARK in problem:
            self.zero_shot(*sides(problem))
        else:
            check_problem(problem, self.problems, self.run.output_dir)
            check_decodes(self.run.problems[problem])
        self.reader(problem)
        check_decodable(self.model, self.run.hparams.model, self.run.problems[problem])

    def reader(self, problem: str) -> InputReader:
        """What reads the problem's inputs.

        Raises:
          UserError: inputs of this kind can't be decoded.
        """
        feature = self.run.problems[problem].inputs
        with self._lock:
            reader = self._readers.get(feature) or feature.input_reader(self.run.vocabulary, self.run.hparams)
            if reader is None:
                raise UserError(f"problem `{problem}` reads {feature.kind}, which can't be decoded")
            self._readers[feature] = reader
            return reader

    def decoder(
        self, problem: str, options: DecodeOptions | None = None, length: int | None = None
    ) -> Callable[..., Outputs]:
        """A function of a batch's features, rows and texts to `Outputs`, compiled once for all shapes.

        The texts are the inputs, strings `[batch]`; they matter to a problem with a constraint. None where
        inputs are no text.

        Args:
          problem: name of a problem that writes text.
          options: how to decode; default: `self.options`.
          length: most positions of an output; default: those of a short input.
        """
        options = options or self.options
        config = DecodeConfig.from_options(options, length or self.decode_length(0, options))
        constraint = self._constraint(problem, options)
        of_inputs = constraint if self._reads_text(problem) else None
        spec = of_inputs.spec if of_inputs else {}
        function = self.compiled.decoder(problem, config, constraint, self.reader(problem).spec, spec)
        values = settings(options)

        def decode(features: Batch, rows: tf.Tensor, texts: tf.Tensor | None = None) -> Outputs:
            return function(features, rows, of_inputs.conditions(texts) if of_inputs else {}, values)

        return decode

    def decode_length(self, needed: int, options: DecodeOptions) -> int:
        """Most positions of an output, where its input has, or it may itself need, so many."""
        if options.decode_length:
            return options.decode_length
        length = self.run.hparams.text_bounds()[-1]
        while length < max(needed, options.min_length):  # doubled, so that few are compiled
            length *= 2
        return length

    def _windows(
        self,
        problem: str,
        examples: Iterable[dict[str, Any]],
        keep_errors: bool,
        options: DecodeOptions,
        rows: Iterable[int] | None,
    ) -> Iterator[Prediction]:
        numbered = zip(itertools.count() if rows is None else rows, examples, strict=False)
        batches = max(_WINDOW, 2 * self.at_a_time)
        while window := list(itertools.islice(numbered, batches * options.batch_size)):
            yield from self._window(problem, window, keep_errors, options)

    def _window(
        self,
        problem: str,
        window: list[tuple[int, dict[str, Any]]],
        keep_errors: bool,
        options: DecodeOptions,
    ) -> list[Prediction]:
        predictions: dict[int, Prediction] = {}
        reader = self.reader(problem)
        as_text, read = {}, {}
        for i, (_, example) in enumerate(window):
            try:
                as_text[i] = self.model_input(problem, example)
                if isinstance(as_text[i], str) and not as_text[i].strip():
                    predictions[i] = Prediction("")  # an empty line gives an empty line
                else:
                    read[i] = reader.read(as_text[i])
            except UserError as error:
                if not keep_errors:
                    raise
                predictions[i] = Prediction("", error=str(error))
            except KeyError as error:
                raise UserError(
                    f"to_text of problem `{problem}` fails without {error}; in decoding there are only inputs"
                ) from None

        def decoded(length: int, batch: list[int]) -> Iterable[tuple[int, Prediction]]:
            features = reader.batch([read[i] for i in batch])
            rows = np.array([window[i][0] for i in batch], np.int32)
            texts = [as_text[i] for i in batch] if self._reads_text(problem) else None
            return zip(batch, self._outputs(problem, length, features, rows, texts, options), strict=True)

        room = self._room(problem, as_text, read, options)
        most = options.batch_size * reader.bounds[-1]
        batches = batch_by_length(read, room.__getitem__, options.batch_size, most)
        for i, output in itertools.chain(*cores.map_batches(lambda batch: decoded(*batch), batches)):
            predictions[i] = self._as_read(problem, as_text[i], output)
        return [predictions[i] for i in range(len(window))]

    def model_input(self, problem: str, example: dict[str, Any]) -> Any:
        """What the model reads of an example: the first of several."""
        definition = self.run.problems[problem]
        value = definition.to_text(example)["inputs"]
        return value[0] if definition.inputs.is_text and isinstance(value, list) else value

    def _as_read(self, problem: str, inputs: Any, output: Prediction) -> Prediction:
        """The output as a person reads it."""
        from_text = self.run.problems[problem].from_text
        beams = tuple(dataclasses.replace(one, text=from_text(inputs, one.text)) for one in output.beams)
        text = beams[0].text if beams else from_text(inputs, output.text)
        return dataclasses.replace(output, text=text, beams=beams)

    def _room(
        self, problem: str, as_text: Mapping[int, Any], read: Mapping[int, Any], options: DecodeOptions
    ) -> dict[int, int]:
        """Most positions of the output of each input."""
        reader = self.reader(problem)
        lengths = {i: reader.room(x) for i, x in read.items()}
        constraint = self._constraint(problem, options) if self._reads_text(problem) else None
        if constraint and read:
            positions = constraint.positions([as_text[i] for i in read])
            lengths = {i: max(lengths[i], int(n)) for i, n in zip(read, positions, strict=True)}
        return {i: self.decode_length(n, options) for i, n in lengths.items()}

    def _outputs(
        self,
        problem: str,
        length: int,
        features: Batch,
        rows: np.ndarray,
        texts: list[str] | None,
        options: DecodeOptions,
    ) -> list[Prediction]:
        if not self.run.problems[problem].targets.is_text:
            function = self.compiled.probabilities(problem, self.reader(problem).spec)
            return [
                prediction_of_classes(self.run.labels[problem], row) for row in function(features).numpy()
            ]
        outputs = self.decoder(problem, options, length)(features, rows, texts)
        return [
            prediction_of_outputs(self.run.vocabulary, *one)
            for one in zip(*(x.numpy() for x in outputs), strict=True)
        ]

    def _reads_text(self, problem: str) -> bool:
        return self.run.problems[problem].inputs.is_text

    def _constraint(self, problem: str, options: DecodeOptions) -> Constraint | None:
        """What outputs keep to, where the options ask for it and they are text; else None."""
        if not options.constrain or not self.run.problems[problem].targets.is_text:
            return None
        with self._lock:
            if problem not in self._constraints:
                constraint = self.run.problems[problem].constraint(self.run.vocabulary)
                self._constraints[problem] = constraint
            return self._constraints[problem]


def _check_list(values: Any) -> None:
    if isinstance(values, str | bytes | os.PathLike | np.ndarray):
        raise UserError(f"expected a list of inputs, received {type(values).__name__}; write [input]")
