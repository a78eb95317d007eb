"""What an export says of itself: the content of t2tlite.json."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from t2tlite import hparam
from t2tlite.decoding.options import DecodeOptions
from t2tlite.export.sizes import Size
from t2tlite.problem import Problem
from t2tlite.run import Run
from t2tlite.version import __version__

FILE = "t2tlite.json"
_PROBES = ("a b", "  two  spaces ", "Upper Case , (x) .")


def description(
    run: Run,
    problems: Sequence[str],
    signatures: Sequence[Any],
    options: DecodeOptions,
    checkpoint: str,
    parts: Mapping[str, Size],
) -> dict[str, Any]:
    """The content of t2tlite.json.

    Args:
      run: the `Run`.
      problems: names of those exported.
      signatures: `Signature`s.
      options: the `DecodeOptions`.
      checkpoint: its name.
      parts: `{part: Size}` of what is exported.
    """
    import tensorflow as tf

    text = any(run.problems[name].has_text() for name in problems)
    return {
        "t2tlite": __version__,
        "tensorflow": tf.__version__,
        "needs": ["tensorflow", "tensorflow-text"] if text else ["tensorflow"],
        "checkpoint": checkpoint,
        "problems": {name: _problem(run, name) for name in problems},
        "signatures": {one.name: _signature(one) for one in signatures},
        "decode_options": dataclasses.asdict(options),
        "hparams": hparam.to_json(run.hparams),
        "vocabulary": run.vocabulary.fingerprint if text else None,
        "parameters": {part: size.parameters for part, size in parts.items()},
    }


def _problem(run: Run, name: str) -> dict[str, Any]:
    problem = run.problems[name]
    fields = {
        "inputs": problem.inputs.described(),
        "targets": problem.targets.kind,
        "command": problem.command,
        "to_text": converts_inputs(problem),
        "from_text": converts_outputs(problem),
    }
    if name in run.labels:
        fields["classes"] = list(run.labels[name])
    return fields


def converts_inputs(problem: Problem) -> bool:
    """Whether `to_text` does something to inputs, which a graph can't: they are to be given as it gives them.

    It may be there for the targets alone, so it is tried on some texts.
    """
    if type(problem).to_text is Problem.to_text:
        return False
    if not problem.inputs.is_text:
        return True
    try:
        return any(problem.to_text({"inputs": text})["inputs"] != text for text in _PROBES)
    except Exception:  # whatever the user's code makes of such inputs, it is not nothing
        return True


def converts_outputs(problem: Problem) -> bool:
    """Whether people read something else (`from_text`) than what the model writes, which is exported."""
    return (
        bool(problem.targets and problem.targets.is_text) and type(problem).from_text is not Problem.from_text
    )


def _signature(signature: Any) -> dict[str, Any]:
    _, inputs = signature.function.structured_input_signature
    outputs = signature.function.structured_outputs
    return {
        "problem": signature.problem,
        "inputs": {name: _tensor(inputs[name], meaning) for name, meaning in signature.inputs.items()},
        "outputs": {name: _tensor(outputs[name], meaning) for name, meaning in signature.outputs.items()},
    }


def _tensor(tensor: Any, meaning: str) -> dict[str, Any]:
    return {"dtype": tensor.dtype.name, "shape": list(tensor.shape), "what": meaning}
