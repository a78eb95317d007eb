"""t2t-export: writes problems of a trained model as a SavedModel, which needs TensorFlow alone."""

import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.checkpoints import locate
from t2tlite.decoding import problem_names
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.export import folder
from t2tlite.run import read_description

COMMAND = cli.Command(
    "t2t-export",
    "Writes problems of a trained model as a TensorFlow SavedModel with its tokenizer inside: text, encoded"
    " pictures and sounds go in, text, classes and scores come out. It is used with tensorflow and"
    " tensorflow-text alone, also by TensorFlow Serving, and holds only what these problems need.",
    examples=[
        (
            "two problems, greedily",
            "t2t-export --output_dir=run --problems=wmt_ende,imagenet --export_dir=exported"
            " --decode_hparams=beam_size=1",
        ),
        (
            "its use in Python; docs/export.md shows TensorFlow Serving",
            'import tensorflow as tf, tensorflow_text; model = tf.saved_model.load("exported")\n'
            '  print(model.signatures["wmt_ende"](inputs=tf.constant(["a red hat"]))["text"].numpy())\n'
            '  picture = open("picture.jpg", "rb").read()\n'
            '  print(model.signatures["imagenet"](inputs=tf.constant([picture]))["label"].numpy())',
        ),
        (
            "all problems of the run, with four outputs for each input",
            "t2t-export --output_dir=run --export_dir=exported"
            " --decode_hparams=beam_size=4,alpha=0.6,return_beams=True",
        ),
    ],
)
COMMAND.group("The model")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")
COMMAND.string("problems", "all", "names separated by commas, or all that the run was trained on")
COMMAND.group("The export")
COMMAND.string("export_dir", None, "folder to write, new or empty", required=True)
COMMAND.string(
    "decode_hparams",
    "",
    "how texts are searched for, such as beam_size=4,alpha=0.6,return_beams=True,decode_length=100; fixed in"
    " the export. batch_size is how many inputs of a batch are decoded together",
    may_be_empty=True,
)


def export(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then exports."""
    options = DecodeOptions.parse(flags.decode_hparams)
    problems = _problems(flags)
    checkpoint = locate.find(flags.output_dir, flags.checkpoint_path)
    folder.check(flags.export_dir)
    quiet.start_tensorflow()
    from t2tlite.decoding.predictor import Predictor
    from t2tlite.export import saved_model, sizes

    predictor = Predictor.load(flags.output_dir, checkpoint, options)
    exported = saved_model.export(predictor, problems, flags.export_dir, checkpoint.name, _say)
    print(
        sizes.table(
            exported.kept, exported.whole, sizes.of_folder(exported.path), sizes.of_folder(checkpoint)
        )
    )
    for name, problem in exported.description["problems"].items():
        if problem["to_text"] or problem["from_text"]:
            _say(f"{name} needs a conversion in Python, see {exported.path / 'README.md'}")
    print(f"{exported.path}: {', '.join(exported.description['signatures'])}")


def _problems(flags: FlagValues) -> list[str]:
    trained = problem_names.of_run(read_description(pathlib.Path(flags.output_dir)))
    names = trained if flags.problems == "all" else [name.strip() for name in flags.problems.split(",")]
    names = list(dict.fromkeys(filter(None, names)))
    for name in names:
        problem_names.check_problem(name, trained, flags.output_dir)
    if not names:
        raise UserError(f"--problems={flags.problems} names none; the run has {', '.join(trained) or 'none'}")
    return names


def _say(line: str) -> None:
    print(f"t2t-export: {line}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(export, argv)


if __name__ == "__main__":
    sys.exit(main())
