"""t2t-show: what a trained model looks at, and which of its experts work, for one example."""

import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl.flags import FlagValues

from t2tlite import cli, hparam, quiet, registry
from t2tlite.decoding import problem_names
from t2tlite.decoding.inspection import results
from t2tlite.errors import UserError
from t2tlite.files import write_whole
from t2tlite.run import read_description

if TYPE_CHECKING:
    from t2tlite.features.feature import Feature
    from t2tlite.hparam import HParams
    from t2tlite.problem import Problem

_FORMATS = (".png", ".svg", ".pdf")
_WHAT = {"attention": results.check_attention, "experts": results.check_experts}

COMMAND = cli.Command(
    "t2t-show",
    "Shows what a trained model looks at as it writes an output (attention), or which of its experts work at"
    " which position: as a picture, or in numbers. The output is the model's own, or one that you give.",
    examples=[
        (
            "where it looks as it translates",
            't2t-show --output_dir=run --problem=wmt_ende --input="a red circle" --to_file=attention.png',
        ),
        (
            "every head by itself, on a picture that it describes",
            "t2t-show --output_dir=run --problem=coco_captions --input=cat.jpg --heads --to_file=heads.png",
        ),
        (
            "the experts, for a translation of your own, in numbers",
            't2t-show --output_dir=run --problem=wmt_ende --input="a red circle" --output="ein roter Kreis"'
            " --what=experts --json",
        ),
    ],
)
COMMAND.group("The model")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")
COMMAND.string("problem", None, "name of one of its problems; not needed where there is only one")
COMMAND.group("The example")
COMMAND.strings(
    "input",
    "a text, or the path of a picture or a sound; for each of several named inputs, NAME=TEXT or NAME=PATH",
    required=True,
)
COMMAND.string("output", None, "what the model is made to write; what it would write where this is not given")
COMMAND.group("What to see")
COMMAND.choice("what", "attention", _WHAT, "where the model looks, or which experts work")
COMMAND.boolean("heads", False, "every head of attention by itself; their mean otherwise")
COMMAND.string("to_file", None, f"the picture that is written ({', '.join(_FORMATS)})")
COMMAND.boolean("json", False, "the numbers, as a JSON object on standard output")


def show(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then looks."""
    if not (flags.to_file or flags.json):
        raise UserError("nothing to show; give --to_file=attention.png, --json, or both")
    if flags.heads and (flags.what != "attention" or not flags.to_file):
        raise UserError("--heads is for a picture of attention; give --what=attention and --to_file=...")
    path = _target(flags.to_file) if flags.to_file else None
    problem, value = _check(flags)
    quiet.start_tensorflow()
    from t2tlite.decoding.predictor import Predictor

    predictor = Predictor.load(flags.output_dir, flags.checkpoint_path)
    predictor.check(problem)
    look = predictor.attention if flags.what == "attention" else predictor.experts
    view = look(problem, value, flags.output)
    if path:
        write_whole(path, view.picture(flags.heads, path.suffix[1:].lower()))
        print(f"t2t-show: {flags.what} for {view.output!r} is in {path}", file=sys.stderr)
    if flags.json:
        print(json.dumps(view.as_json(), ensure_ascii=False))


def _target(name: str) -> pathlib.Path:
    path = pathlib.Path(name)
    if path.suffix.lower() not in _FORMATS:
        raise UserError(
            f"--to_file={name} is of no known kind; expected a name that ends in .png, .svg or .pdf"
        )
    if path.is_dir() or not path.parent.is_dir():
        fault = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise UserError(f"can't write --to_file={name}: {fault}")
    return path


def _check(flags: FlagValues) -> tuple[str, Any]:
    """The problem's name and its input, once these, the output and the model are known to fit together."""
    description = read_description(pathlib.Path(flags.output_dir))
    name = problem_names.chosen(flags.problem, problem_names.of_run(description), flags.output_dir)
    reads, writes = problem_names.sides(name)
    reading, writing, hparams = _described(description, reads, writes)
    problem_names.check_decodes(writing)
    _WHAT[flags.what](writing, hparams)
    results.check_output(writing, flags.output)
    return name, _input(flags.input, reading)


def _input(inputs: list[str], problem: "Problem") -> Any:
    """The input of a problem, or a dict of its named inputs."""
    feature: Any = problem.inputs  # a `NamedInputs`, if it has parts
    if not feature.parts:
        if len(inputs) > 1:
            raise UserError(f"--input is there {len(inputs)} times; problem `{problem.name}` has one input")
        return _value(inputs[0], inputs[0], feature, problem)
    parts, values = dict(feature.parts), {}
    for flag in inputs:
        name, mark, value = flag.partition("=")
        if not mark:
            raise UserError(f"--input={flag} names no input; expected NAME=..., NAME of {', '.join(parts)}")
        values[name] = _value(flag, value, parts[name], problem) if name in parts else value
    return feature.present(values)


def _value(flag: str, value: str, feature: "Feature", problem: "Problem") -> str:
    """A text, or the path of a file that is there."""
    if not feature.is_file:
        return value
    path = pathlib.Path(value).expanduser()
    if not path.is_file():
        raise UserError(
            f"there is no file --input={flag}; problem `{problem.name}` wants {feature.asked_for}"
        )
    return str(path)


def _described(
    description: Mapping[str, Any], reads: str, writes: str
) -> tuple["Problem", "Problem", "HParams"]:
    """The problems and the hyperparameters that run.json tells of."""
    try:
        with quiet.without_notes():  # the user's modules may import TensorFlow
            for folder in description["usr_dirs"]:
                registry.import_usr_dir(folder)
            problems = registry.get_problem(reads), registry.get_problem(writes)
            return *problems, hparam.from_json(description["hparams"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"the run's run.json is broken: {type(error).__name__} {error}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(show, argv)


if __name__ == "__main__":
    sys.exit(main())
