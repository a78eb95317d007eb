"""t2t-decode: decodes with a trained model, from a file or interactively."""

import contextlib
import pathlib
import sys

from t2tlite import cli, quiet
from t2tlite.decoding.line_files import read_lines, whole_file
from t2tlite.decoding.names import check_problem
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.run import read_description

COMMAND = cli.Command(
    "t2t-decode",
    "Decodes with the model of a training run: translates, parses, describes, classifies or transcribes."
    " What is to be known of the run (hyperparameters, vocabulary, your own folders) is in its --output_dir.",
    examples=[
        (
            "a file, a sentence a line",
            "t2t-decode --output_dir=run --problem=wmt_ende --decode_from_file=in.en",
        ),
        (
            "a list of pictures, their classes to another file",
            "t2t-decode --output_dir=run --problem=imagenet --decode_from_file=list --decode_to_file=classes",
        ),
        ("by hand", "t2t-decode --output_dir=run --decode_interactive"),
    ],
)
COMMAND.group("The model")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")
COMMAND.string("problem", None, "name of one of its problems; not needed where there is only one")
COMMAND.group("What to decode")
COMMAND.string(
    "decode_from_file",
    None,
    "a file: for text a sentence a line; for images and audio the path of a file a line",
)
COMMAND.string(
    "decode_to_file", None, "where the outputs go, a line for each line; standard output if not given"
)
COMMAND.boolean("decode_interactive", False, "read from the terminal, or from a pipe")
COMMAND.group("How")
COMMAND.string(
    "decode_hparams",
    "",
    "changes such as batch_size=8,decode_length=40: inputs decoded together, most positions of an output",
    may_be_empty=True,
)


def decode(flags):
    """Checks what can be wrong before TensorFlow is started, then decodes."""
    options = DecodeOptions.parse(flags.decode_hparams)
    if bool(flags.decode_from_file) == flags.decode_interactive:
        raise UserError("give either --decode_from_file=FILE or --decode_interactive")
    if flags.decode_to_file and not flags.decode_from_file:
        raise UserError("--decode_to_file needs --decode_from_file=FILE")
    problem = _problem(flags)
    if flags.decode_interactive:
        _interact(_predictor(flags, options), problem)
        return
    lines = read_lines(flags.decode_from_file)
    output = whole_file(flags.decode_to_file) if flags.decode_to_file else contextlib.nullcontext(sys.stdout)
    with output as file:
        predictor = _predictor(flags, options)
        from t2tlite.decoding.files import decode_lines

        folder = pathlib.Path(flags.decode_from_file).parent
        errors = decode_lines(predictor, problem, lines, folder, file.write)
    if errors:
        print(
            f"t2t-decode: {errors} of {len(lines)} lines could not be decoded, see `# error:`",
            file=sys.stderr,
        )


def _problem(flags) -> str:
    names = read_description(pathlib.Path(flags.output_dir)).get("problems")
    names = names if isinstance(names, list) else []
    if flags.problem:
        check_problem(flags.problem, names, flags.output_dir)
    elif not names or (flags.decode_from_file and len(names) > 1):
        raise UserError(
            f"--problem is missing; {flags.output_dir} was trained on {', '.join(names) or 'nothing'}"
        )
    return flags.problem or names[0]


def _predictor(flags, options):
    quiet.start_tensorflow()
    from t2tlite.decoding.predictor import Predictor

    return Predictor.load(flags.output_dir, flags.checkpoint_path, options)


def _interact(predictor, problem):
    from t2tlite.decoding.session import Session, piped, typed

    person = sys.stdin.isatty()
    session = Session(predictor, problem, person)
    session.run(typed(session) if person else piped(sys.stdin.buffer))


def main(argv=None) -> int:
    """Runs the command and returns its exit status."""
    return COMMAND.main(decode, argv)


def run():
    sys.exit(main())


if __name__ == "__main__":
    run()
