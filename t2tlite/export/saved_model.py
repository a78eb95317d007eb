"""Writing an export: the SavedModel of some problems of a run, with no more than what they need."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from t2tlite.checkpoints import checkpoint
from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.export import description, folder, readme, signatures, sizes, standalone
from t2tlite.files import write_json
from t2tlite.problem import Problem

_EXTRA = "assets.extra"  # where TensorFlow lets others put files


@dataclasses.dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
      path: the folder.
      description: the content of its t2tlite.json.
      kept, whole: `{part: Size}` of what it holds, and of the run's model.
    """

    path: pathlib.Path
    description: dict[str, Any]
    kept: dict[str, sizes.Size]
    whole: dict[str, sizes.Size]


def export(
    predictor: Predictor,
    problems: Sequence[str],
    export_dir: str | os.PathLike,
    checkpoint_name: str = "",
    say: Callable[[str], Any] = lambda line: None,
) -> Export:
    """Writes a SavedModel for some problems, whole or not at all.

        predictor = t2tlite.load("/tmp/run")
        export(predictor, ["wmt_ende"], "/tmp/ende")

    Args:
      predictor: of the run, with the options by which to decode.
      problems: their names.
      export_dir: a new or empty folder.
      checkpoint_name: of the checkpoint that the predictor's weights are from, to be told.
      say: told, in a line each, what is being done.

    Raises:
      UserError: the run has no such problem, a problem's inputs can't be read in a graph, or there is
        something in the folder.
    """
    folder.check(export_dir)
    for problem in problems:
        predictor.check(problem)
    sources = {problem: _from_text(predictor.run.problems[problem]) for problem in problems}
    functions = []
    for problem in problems:
        say(f"building the graphs of {problem}")
        functions += signatures.of_problem(predictor, problem)
    used = variables_of(functions, predictor.model)
    kept, whole = sizes.by_part(used), sizes.by_part(predictor.model.variables)
    run, options = predictor.run, predictor.options
    content = description.description(run, problems, functions, options, checkpoint_name, kept)
    for problem, source in sources.items():
        content["problems"][problem]["from_text_file"] = f"{_EXTRA}/{problem}.py" if source else None
    say("writing")
    with folder.whole(export_dir) as path:
        try:
            _write(path, predictor, functions, used, content)
            for problem, source in sources.items():
                if source:
                    (path / _EXTRA).mkdir(exist_ok=True)
                    (path / _EXTRA / f"{problem}.py").write_text(source, encoding="utf-8")
        except tf.errors.OpError as error:
            raise UserError(f"can't write {export_dir}: {error.message.splitlines()[0]}") from None
    return Export(pathlib.Path(export_dir), content, kept, whole)


def variables_of(functions: Sequence[signatures.Signature], model: Any) -> list:
    """The variables of a model that some functions use."""
    captured = {id(tensor) for one in functions for tensor in one.function.captured_inputs}
    return [variable for variable in model.variables if id(variable.value.handle) in captured]


def _from_text(problem: Problem) -> str:
    """The source of the problem's `from_text`, where it says which function does the same; else ""."""
    function = problem.from_text_function
    return standalone.source(function, "from_text") if function else ""


def _write(
    path: pathlib.Path,
    predictor: Predictor,
    functions: Sequence[signatures.Signature],
    used: list,
    content: dict[str, Any],
) -> None:
    module = tf.Module()
    module.weights = checkpoint.by_path(used)
    if "tensorflow-text" in content["needs"]:
        module.tokenizer = predictor.run.vocabulary.tokenizer
    by_name = {one.name: one.function for one in functions}
    if len(content["problems"]) == 1:
        by_name["serving_default"] = functions[0].function
    listing = path / description.FILE
    write_json(listing, content)
    module.description = tf.saved_model.Asset(str(listing))  # copied to assets/
    tf.saved_model.save(module, str(path), signatures=by_name)
    listing.unlink()
    (path / readme.FILE).write_text(readme.text(content), encoding="utf-8")
