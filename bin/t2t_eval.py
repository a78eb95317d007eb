"""t2t-eval: evaluates a checkpoint of a training run, teacher-forced and decoded."""

import json
import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli
from t2tlite.api import evaluation
from t2tlite.bin import checkpoint_flags
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.files import write_whole

COMMAND = cli.Command(
    "t2t-eval",
    "Evaluates a checkpoint of a training run on prepared data: teacher-forced (log-perplexity and "
    "accuracies, given the right targets before each), and decoded (what the model writes by itself, scored "
    "by the problem's metrics against all references).",
    examples=[
        ("the newest checkpoint, on the test split of all problems of the run", "t2t-eval --output_dir=run"),
        (
            "BLEU of 500 sentences by another checkpoint, to a file as well",
            "t2t-eval --output_dir=run --problems=wmt_ende --noteacher_forced --limit=500 "
            "--checkpoint_path=run/checkpoints/step-00001000 --output_file=scores.jsonl",
        ),
        (
            "pictures to German, which was not trained, against the prepared captions of multi30k_de",
            't2t-eval --output_dir=run --problems="coco_captions>wmt_ende"',
        ),
    ],
)
COMMAND.group("The model")
checkpoint_flags.add_model(COMMAND)
COMMAND.group("What to evaluate")
COMMAND.string(
    "problems",
    None,
    "names separated by commas; all of the run's where this is not given. Also problems that were not"
    " trained, by their own name or by the pair to cross, such as multi30k_de or coco_captions>wmt_ende",
)
COMMAND.choice("split", "test", evaluation.SPLITS, "of the prepared data")
checkpoint_flags.add_data_dir(COMMAND)
COMMAND.boolean("teacher_forced", True, "how well each target is predicted, given the right ones before it")
COMMAND.integer("eval_steps", 0, "batches of a teacher-forced evaluation; 0: the whole split", at_least=0)
COMMAND.boolean("decoded", True, "how good the model's own outputs are")
COMMAND.integer("limit", 0, "examples to decode, from the first; 0: the whole split", at_least=0)
COMMAND.group("How")
COMMAND.string(
    "decode_hparams",
    "",
    "changes to how is decoded, such as beam_size=1,batch_size=8 (greedily, 8 inputs at a time); otherwise "
    f"{DecodeOptions().describe()}; t2t-decode --help lists them",
    may_be_empty=True,
)
COMMAND.string("output_file", None, "where the figures also go: for each problem a JSON object a line")


def evaluate(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then evaluates."""
    options = DecodeOptions.parse(flags.decode_hparams)
    output = _output_file(flags.output_file)
    result = evaluation.evaluate(
        flags.output_dir,
        flags.problems,
        split=flags.split,
        teacher_forced=flags.teacher_forced,
        eval_steps=flags.eval_steps,
        decoded=flags.decoded,
        limit=flags.limit,
        options=options,
        checkpoint_path=flags.checkpoint_path,
        data_dir=flags.data_dir,
    )
    if flags.teacher_forced:
        result.teacher_forced_table().show()
    if flags.decoded:
        result.decoded_table().show()
        for name, of_problem in result.decoded.items():
            for metric, signature in of_problem.signatures.items():
                print(f"{name} {metric}: {signature}")
    if output:
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in result.lines())
        write_whole(output, "".join(lines))


def _output_file(path: str | None) -> pathlib.Path | None:
    if path and pathlib.Path(path).is_dir():
        raise UserError(f"--output_file={path} is a folder; expected the name of a file")
    if path and not pathlib.Path(path).parent.is_dir():
        raise UserError(f"can't write --output_file={path}: the folder is not there; make it first")
    return pathlib.Path(path) if path else None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(evaluate, argv)


if __name__ == "__main__":
    sys.exit(main())
