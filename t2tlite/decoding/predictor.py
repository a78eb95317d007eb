"""Predictor: inputs of a problem to outputs, for a trained model."""

import dataclasses
import functools
import itertools
import math
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.decoding.greedy import greedy
from t2tlite.decoding.incremental import Incremental
from t2tlite.decoding.inputs import BY_KIND
from t2tlite.decoding.names import check_problem
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.run import Run

_WINDOW = 16  # batches that are read together, so that inputs of similar length meet
_BEST = 5  # classes that are told with their probability


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The output for one input.

    Attributes:
      text: what the model wrote, or the name of the class.
      score: its log-probability in nats.
      probabilities: (class, probability) of the likeliest classes, best first; empty for text.
      error: why there is no output; "" where there is one.
    """

    text: str
    score: float = 0.0
    probabilities: tuple[tuple[str, float], ...] = ()
    error: str = ""


class Predictor:
    """Decodes for the problems of a run.

        predictor = t2tlite.load("/tmp/run")
        predictor.predict("wmt_ende", ["the red circle"])[0].text

    Args:
      run: the `Run`.
      model: its model; None for one with the weights of the newest checkpoint. Weights that change later on
        (in training) are seen.
      options: how to decode.

    Attributes:
      problems: names of the problems.
    """

    def __init__(self, run: Run, model=None, options: DecodeOptions | None = None):
        self.run = run
        self.options = options or DecodeOptions()
        self.problems = tuple(run.problems)
        self._model = run.restore_model() if model is None else model
        self._inputs: dict[str, Any] = {}
        self._functions: dict[tuple, Any] = {}

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

    def predict(self, problem: str, inputs: Iterable[Any], keep_errors: bool = False) -> list[Prediction]:
        """One `Prediction` for each input, in their order.

        Args:
          problem: name of a problem of the run.
          inputs: for text `str`; for images paths, bytes of files, or arrays `[height, width, 3]`; for
            audio paths, bytes of files, or float arrays `[samples]` at 16 kHz.
          keep_errors: an input that can't be read gives a `Prediction` with its `error`.

        Raises:
          UserError: the run has no such problem, or an input can't be read.
        """
        return list(self.stream(problem, inputs, keep_errors))

    def stream(self, problem: str, inputs: Iterable[Any], keep_errors: bool = False) -> Iterator[Prediction]:
        """`predict` for any number of inputs: they are read, decoded and yielded a window at a time."""
        self.check(problem)
        if isinstance(inputs, str | bytes | os.PathLike | np.ndarray):
            raise UserError(f"expected a list of inputs, received {type(inputs).__name__}; write [input]")
        examples = ({"inputs": value} for value in inputs)
        return self._windows(problem, examples, keep_errors)

    def stream_examples(self, problem: str, examples: Iterable[dict[str, Any]]) -> Iterator[Prediction]:
        """`stream` for examples as `Problem.examples` yields them; a broken one gives its `error`."""
        self.check(problem)
        return self._windows(problem, examples, keep_errors=True)

    def check(self, problem: str) -> None:
        """Raises a UserError unless the run has this problem and its inputs can be read."""
        check_problem(problem, self.problems, self.run.output_dir)
        kind = self.run.problems[problem].inputs.kind
        if kind not in BY_KIND:
            raise UserError(f"problem `{problem}` reads {kind}, which can't be decoded")

    def _windows(self, problem, examples, keep_errors):
        examples = iter(examples)
        while window := list(itertools.islice(examples, _WINDOW * self.options.batch_size)):
            yield from self._window(problem, window, keep_errors)

    def _window(self, problem, window, keep_errors) -> list[Prediction]:
        predictions: list[Prediction | None] = [None] * len(window)
        reader = self._reader(problem)
        as_text, read = {}, {}
        for i, example in enumerate(window):
            try:
                as_text[i] = self._model_input(problem, example)
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
        for length, batch in self._batches(problem, read):
            features = reader.batch([read[i] for i in batch])
            outputs = self._outputs(problem, length, features)
            for i, output in zip(batch, outputs, strict=True):
                text = self.run.problems[problem].from_text(as_text[i], output.text)
                predictions[i] = dataclasses.replace(output, text=text)
        return predictions

    def _model_input(self, problem, example):
        value = self.run.problems[problem].to_text(example)["inputs"]
        return value[0] if isinstance(value, list) else value

    def _reader(self, problem):
        kind = self.run.problems[problem].inputs.kind
        if kind not in self._inputs:
            self._inputs[kind] = BY_KIND[kind](self.run.vocabulary, self.run.hparams)
        return self._inputs[kind]

    def _batches(self, problem, read: dict[int, np.ndarray]) -> Iterator[tuple[int, list[int]]]:
        """Most positions of the outputs, and inputs to be decoded together, of similar length."""
        text = self.run.problems[problem].inputs.kind == "text"
        most = self.options.batch_size * self._reader(problem).bounds[-1]
        length_of = {i: self._decode_length(len(x) if text else 0) for i, x in read.items()}
        for length, group in itertools.groupby(sorted(read, key=lambda i: len(read[i])), length_of.get):
            batch: list[int] = []
            for i in group:
                full = len(batch) == self.options.batch_size
                if batch and (full or (len(batch) + 1) * len(read[i]) > most):
                    yield length, batch
                    batch = []
                batch.append(i)
            yield length, batch

    def _decode_length(self, input_length: int) -> int:
        if self.options.decode_length:
            return self.options.decode_length
        length = self.run.hparams.text_bounds()[-1]
        while length < input_length:  # doubled, so that few different lengths are compiled
            length *= 2
        return length

    def _outputs(self, problem, length, features) -> list[Prediction]:
        if self._model.target_net(problem).autoregressive:
            ids, scores = self._function(problem, length)(features)
            texts = [self.run.vocabulary.decode(row) for row in ids.numpy()]
            return [Prediction(text, float(score)) for text, score in zip(texts, scores.numpy(), strict=True)]
        names = self.run.labels[problem]
        found = []
        for row in self._function(problem, None)(features).numpy():
            best = np.argsort(-row, kind="stable")[:_BEST]
            ranked = tuple((names[i], float(row[i])) for i in best)
            found.append(Prediction(ranked[0][0], math.log(max(ranked[0][1], 1e-37)), ranked))
        return found

    def _function(self, problem, length):
        """The problem's tf.function of a batch, compiled once for all shapes."""
        if (problem, length) not in self._functions:
            if length is None:
                body = functools.partial(_probabilities, self._model, problem)
            else:
                body = functools.partial(greedy, Incremental(self._model, problem, length))
            spec = self._reader(problem).spec
            self._functions[problem, length] = tf.function(body, input_signature=[spec], autograph=False)
        return self._functions[problem, length]


def _probabilities(model, problem, features):
    """Float32 `[batch, classes]`."""
    source, _ = model.encode(features, problem)
    return tf.nn.softmax(model.target_net(problem).top(source))
