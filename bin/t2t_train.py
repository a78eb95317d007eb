"""t2t-train: trains one model on one or many problems."""

import dataclasses
import functools
import re
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, shards
from t2tlite.api import training
from t2tlite.api.training import Training
from t2tlite.bin import data_flags
from t2tlite.errors import UserError

COMMAND = cli.Command(
    "t2t-train",
    "Trains one model on one or many problems. The same command goes on where an earlier one was stopped.",
    examples=[
        (
            "all eight problems, on the embedded sample world",
            "t2t-train --problems=all --source=sample --hparams_set=multimodel_tiny --output_dir=/tmp/run",
        ),
        (
            "translation from a folder with train.en, train.de, dev.en, dev.de, test.en, test.de",
            "t2t-train --problems=wmt_ende,wmt_deen --source=files --source_dir=DIR --generate_data "
            "--data_dir=/tmp/data --output_dir=/tmp/run --hparams=batch_tokens=4096",
        ),
        ("what there is", "t2t-train --registry_help"),
    ],
)
COMMAND.group("What to train")
COMMAND.string("problems", None, "names separated by commas, or all", required=True)
COMMAND.string("hparams_set", "multimodel_base", "a registered set of hyperparameters")
COMMAND.string("hparams", "", "changes to it: name=value,name=value (a tuple: name=1;2;3)", may_be_empty=True)
COMMAND.strings("gin_file", "a gin file with changes, such as HParams.hidden_size = 256")
COMMAND.strings("gin_bindings", "a gin binding, such as HParams.hidden_size=256")
COMMAND.string(
    "vocab", None, "a sentencepiece model of your own; default: one learned from the problems' texts"
)
COMMAND.integer(
    "max_length",
    0,
    "longest text, in subwords: what is longer is left out; 0: the last of length_bounds, to which more are "
    "added if over 1% of a problem (the hyperparameter max_left_out) is longer",
    at_least=0,
)
COMMAND.string(
    "freeze",
    None,
    "parts of the model that don't train, separated by commas: encoder,image/*/norm; those with a minus in "
    "front train after all: *,-command_*",
)
COMMAND.integer("seed", 0, "of everything random", at_least=0)
COMMAND.group("On what")
COMMAND.choice(
    "strategy",
    "auto",
    training.STRATEGIES,
    "one device; the GPUs of this machine (mirrored); the machines in TF_CONFIG (multiworker); a TPU; auto: "
    "several workers or GPUs where there are any",
)
COMMAND.integer("worker_gpu", 0, "GPUs of each machine to use; 0: all", at_least=0)
COMMAND.choice(
    "shard",
    "none",
    shards.KINDS,
    "what each of several replicas holds a part of: the optimizer's moments, or the experts with theirs; "
    "no part of the result (docs/sharding.md)",
)
COMMAND.integer("local_workers", 0, "so many worker processes on this machine; 0: one", at_least=0)
COMMAND.group("Where")
COMMAND.string(
    "output_dir", None, "folder of the run: checkpoints, metrics.jsonl, TensorBoard", required=True
)
COMMAND.string("data_dir", None, "folder of the prepared data; default: OUTPUT_DIR/data")
data_flags.add_source(COMMAND)
COMMAND.boolean("generate_data", False, "prepare data that is missing in --data_dir; sample data always is")
data_flags.add_fraction(COMMAND)
COMMAND.string(
    "warm_start_from",
    None,
    "begin with the weights of another run (its folder) or checkpoint: what has the same name and shape",
)
COMMAND.string(
    "warm_start_map",
    None,
    "with --warm_start_from: what has another name there, OLD:NEW,OLD:NEW, such as encoder:image_encoder",
)
COMMAND.group("How long, how often (in updates)")
COMMAND.integer(
    "train_steps",
    training.STEPS,
    "updates in all; where the schedule ends with --max_seconds, they alone decide unless this is given",
    at_least=1,
)
COMMAND.number(
    "max_seconds",
    0,
    "save and leave after so many; 0: train on. With a schedule that ends with the training "
    "(learning_rate_decay_steps=0) seconds of the whole run, at whose end the learning rate is 0",
    at_least=0,
)
COMMAND.integer("save_checkpoints_steps", 1000, "between two checkpoints", at_least=1)
COMMAND.integer("keep_checkpoint_max", 3, "newest checkpoints to keep", at_least=1)
COMMAND.integer("log_steps", 100, "between two lines of metrics.jsonl for each problem", at_least=1)
COMMAND.integer("local_eval_frequency", 2000, "between two evaluations; 0: only at the end", at_least=0)
COMMAND.integer("eval_steps", 10, "batches of an evaluation of one problem; 0: the whole split", at_least=0)
COMMAND.integer("decode_eval_frequency", 0, "between two decoded evaluations; 0: none", at_least=0)
COMMAND.integer("decode_eval_examples", 64, "they decode of a problem; 0: the whole split", at_least=0)
COMMAND.group("Watching over it")
COMMAND.boolean("dry_run", True, "before a new run tries each problem's largest batch")
COMMAND.string(
    "plan",
    None,
    "only say what weights, gradients and moments take on so many devices of so many GB, such as 8x80, with "
    "--shard; this machine need not have them",
)
COMMAND.choice(
    "on_nonfinite",
    "stop",
    training.NONFINITE,
    "what comes of an update whose loss or gradient is not finite: stop, leave it out, or go back to the "
    "last checkpoint and then leave it out",
)
COMMAND.string("profile_steps", None, "updates to trace for TensorBoard's profiler: 200:209 or 50,200:209")
COMMAND.group("When to stop early")
COMMAND.string(
    "eval_early_stopping_metric",
    None,
    "stop when it no longer gets better: PROBLEM/FIGURE or mean/FIGURE, as wmt_ende/bleu",
)
COMMAND.integer("eval_early_stopping_patience", 5, "evaluations in a row that were not better", at_least=1)


def train(flags: FlagValues, argv: Sequence[str]) -> int | None:
    """Checks what can be wrong before TensorFlow is started, then trains."""
    arguments = {
        field.name: getattr(flags, field.name)
        for field in dataclasses.fields(Training)
        if field.name in flags
    }
    if not flags["train_steps"].present:
        arguments["train_steps"] = None
    asked = Training(**arguments)
    if flags.plan:
        print(asked.on_paper(*_planned(flags.plan)))
        return None
    if flags.local_workers > 1:
        from t2tlite.training import local_workers

        command = local_workers.command(
            "t2tlite.bin.t2t_train", [*argv, "--local_workers=0", "--strategy=multiworker"]
        )
        return local_workers.run(command, flags.local_workers)
    asked.run()
    return None


def _planned(text: str) -> tuple[int, float]:
    """Devices, and the bytes of each."""
    match = re.fullmatch(r"(\d+)x(\d+(?:\.\d+)?)", text)
    if not match or not int(match[1]):
        raise UserError(f"--plan is DEVICESxGB, such as 8x80. Received: {text}")
    return int(match[1]), 1e9 * float(match[2])


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    argv = sys.argv[1:] if argv is None else list(argv)
    return COMMAND.main(functools.partial(train, argv=argv), argv)


if __name__ == "__main__":
    sys.exit(main())
