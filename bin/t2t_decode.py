"""t2t-decode: decodes with a trained model: files, a filter's lines, a session; or scores given pairs."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl.flags import FlagValues

from t2tlite import cli
from t2tlite.api import decoding
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.plural import counted

if TYPE_CHECKING:
    from t2tlite.decoding.predictor import Predictor

COMMAND = cli.Command(
    "t2t-decode",
    "Decodes with the model of a training run: translates, parses, describes, classifies or transcribes."
    " What is to be known of the run (hyperparameters, vocabulary, your own folders) is in its --output_dir."
    " Each line of the input gives one line, in the same order: an empty line for an empty one, and"
    " `# error:` with the reason where a line, a picture or a sound can't be decoded.",
    examples=[
        (
            "a file, a sentence a line; killed or interrupted, the same command goes on where it was",
            "t2t-decode --output_dir=run --problem=wmt_ende --decode_from_file=in.en --decode_to_file=out.de",
        ),
        (
            "as a filter",
            "t2t-decode --output_dir=run --problem=wmt_ende < in.en > out.de",
        ),
        (
            "the paths of pictures, a line each: classes and their probabilities, by the best checkpoint",
            "t2t-decode --output_dir=run --problem=imagenet --decode_from_file=list"
            " --checkpoint_path=run/checkpoints/best/imagenet",
        ),
        (
            "the eight best outputs of each line, with tabs between them",
            "t2t-decode --output_dir=run --problem=wmt_ende --decode_from_file=in.en"
            " --decode_hparams=beam_size=8,return_beams=True",
        ),
        (
            "log-probabilities of given translations",
            "t2t-decode --output_dir=run --problem=wmt_ende --score_file=pairs.tsv",
        ),
        (
            "by hand, all problems of the run; :help shows how",
            "t2t-decode --output_dir=run --decode_interactive",
        ),
    ],
)
COMMAND.group("The model")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.string(
    "checkpoint_path",
    None,
    "one of its checkpoints, or a folder of them such as run/checkpoints/best/wmt_ende; the newest where this"
    " is not given",
)
COMMAND.string(
    "problem",
    None,
    "name of one of its problems, not needed where there is only one; 'imagenet>wmt_ende' gives pictures"
    " to what writes German, which nobody trained",
)
COMMAND.group("What to decode (standard input, if it is none of these and no terminal)")
COMMAND.string(
    "decode_from_file",
    None,
    "a file: for text a sentence a line; for images and audio the path of a file a line, relative to the list"
    " or to the working directory; for named inputs a table with tabs between its fields and their names in"
    " the first line; - is standard input, which is answered as it comes",
)
COMMAND.string(
    "score_file",
    None,
    "a file of pairs, `input<TAB>target` a line: gives the log-probability of each target, in nats; for named"
    " inputs a table with a field `targets`; - is standard input",
)
COMMAND.boolean("decode_interactive", False, "a session in the terminal, or its lines from a pipe")
COMMAND.group("Where to")
COMMAND.string(
    "decode_to_file",
    None,
    "a line for each line; what is finished is kept in FILE.part until all is. Standard output if not given",
)
COMMAND.boolean(
    "write_scores",
    False,
    "behind each text a tab and its score, by which outputs are ranked: the log-probability in nats, divided"
    " by the length penalty; a class has its probability always",
)
COMMAND.group("How")
COMMAND.string(
    "decode_hparams",
    "",
    "changes, separated by commas, of: "
    + ", ".join(f"{field.name}={field.default}" for field in dataclasses.fields(DecodeOptions))
    + ". beam_size=1 is greedy; a temperature above 0 draws num_samples instead of searching; return_beams"
    " writes all outputs of a line, best first",
    may_be_empty=True,
)


def decode(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then decodes."""
    options = DecodeOptions.parse(flags.decode_hparams)
    flag = _what(flags)
    if flag == "decode_interactive":
        problem, checkpoint, _ = decoding.find(
            flags.output_dir, flags.problem, flags.checkpoint_path, any_will_do=True
        )
        _interact(decoding.load(flags.output_dir, checkpoint, options, many=False), problem)
        return
    scoring = flag == "score_file"
    lines, errors = decoding.decode_file(
        flags.output_dir,
        getattr(flags, flag) or "-",
        flags.decode_to_file,
        flags.problem,
        scoring=scoring,
        write_scores=flags.write_scores,
        options=options,
        checkpoint_path=flags.checkpoint_path,
    )
    if errors:
        verb = "scored" if scoring else "decoded"
        print(
            f"t2t-decode: {errors:,} of {counted(lines, 'line')} could not be {verb}, see `# error:`",
            file=sys.stderr,
        )


def _what(flags: FlagValues) -> str:
    """The flag that says what to decode."""
    sources = [
        name for name in ("decode_from_file", "score_file", "decode_interactive") if getattr(flags, name)
    ]
    if len(sources) > 1:
        raise UserError(f"give either --{sources[0]} or --{sources[1]}, not both")
    if not sources and (sys.stdin is None or sys.stdin.isatty()):
        raise UserError(
            "nothing to decode: give --decode_from_file=FILE, --score_file=FILE or --decode_interactive,"
            " or the lines on standard input"
        )
    flag = sources[0] if sources else "decode_from_file"
    if flag == "decode_interactive":
        for name in ("decode_to_file", "write_scores"):
            if getattr(flags, name):
                raise UserError(f"--{name} needs --decode_from_file=FILE; a session shows its outputs")
    if flag == "score_file" and flags.write_scores:
        raise UserError("--write_scores is for outputs; --score_file writes scores alone")
    return flag


def _interact(predictor: "Predictor", problem: str) -> None:
    from t2tlite.decoding.session.prompt import read_lines
    from t2tlite.decoding.session.session import Session, read_piped

    interactive = sys.stdin.isatty()
    session = Session(predictor, problem, interactive)
    session.run(read_lines(session) if interactive else read_piped(sys.stdin.buffer))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(decode, argv)


if __name__ == "__main__":
    sys.exit(main())
