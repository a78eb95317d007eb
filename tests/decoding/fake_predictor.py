"""A predictor without a model, whose outputs are known and come at once."""

import math
import pathlib
import types

from t2tlite import registry
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Hypothesis, Prediction
from t2tlite.decoding.problem_names import check_problem
from t2tlite.errors import UserError

_KINDS = {
    "translation": ("text", "text"),
    "captions": ("image", "text"),
    "spoken": ("audio", "text"),
    "pictures": ("image", "label"),
}


class FakePredictor:
    """Writes its input in capitals, and the options that differ from the default."""

    at_a_time = 2

    def __init__(self):
        self.options = DecodeOptions()
        self.problems = tuple(_KINDS)
        self.run = types.SimpleNamespace(problems={name: _problem(*kinds) for name, kinds in _KINDS.items()})

    def check(self, problem):
        check_problem(problem, list(self.run.problems), "run")

    def zero_shot(self, inputs_of, outputs_of):
        for name in (inputs_of, outputs_of):
            self.check(name)
        name = f"{inputs_of}>{outputs_of}"
        self.run.problems[name] = _problem(_KINDS[inputs_of][0], _KINDS[outputs_of][1])
        return name

    def predict(self, problem, inputs, options=None):
        self.check(problem)
        return [self._predict(problem, value, options or self.options) for value in inputs]

    def _predict(self, problem, value, options):
        if "\udcff" in value:
            raise UserError("no text")
        if not value:
            return Prediction("")
        if self.run.problems[problem].targets.has_classes:
            return Prediction("dog", 0.0, (("dog", 0.9312), ("long name", 0.0688)))
        read = pathlib.Path(value).read_text() if self.run.problems[problem].inputs.is_file else value
        texts = [f"{read.upper()}{'!' * i}" for i in range(options.outputs)]
        beams = tuple(Hypothesis(text, math.log(0.5**i / 2), -1.0 * i) for i, text in enumerate(texts))
        return Prediction(texts[0], beams[0].log_probability, beams=beams)


def _problem(inputs, targets):
    return types.SimpleNamespace(
        inputs=registry.get("feature", inputs)(), targets=registry.get("feature", targets)()
    )
