"""What an export says of a problem: whether its texts are others than those that people read."""

import pytest

from t2tlite import problem
from t2tlite.export import description


class Same(problem.Problem):
    inputs, targets = problem.Text(), problem.Text()


class OtherInputs(Same):
    def to_text(self, example):
        return {name: text.lower() for name, text in example.items()}


class OtherTargets(Same):
    def to_text(self, example):
        return {name: text.lower() if name == "targets" else text for name, text in example.items()}


class NeedsTargets(Same):
    def to_text(self, example):
        return {"inputs": example["inputs"], "targets": example["targets"].lower()}


class Pictures(problem.Problem):
    inputs, targets = problem.Image(), problem.Text()


class PicturesToOther(Pictures):
    def to_text(self, example):
        return example


class OtherOutputs(Same):
    def from_text(self, inputs, output):
        return output.upper()


class Labels(OtherOutputs):
    targets = problem.Label()


@pytest.mark.parametrize(
    ("converted", "converts"),
    [
        *((Same, False), (OtherInputs, True), (OtherTargets, False), (NeedsTargets, True)),
        *((Pictures, False), (PicturesToOther, True)),
    ],
)
def test_whether_inputs_are_converted(converted, converts):
    assert description.converts_inputs(converted()) == converts


@pytest.mark.parametrize(("converted", "converts"), [(Same, False), (OtherOutputs, True), (Labels, False)])
def test_whether_outputs_are_converted(converted, converts):
    assert description.converts_outputs(converted()) == converts
