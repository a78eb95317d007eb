"""t2t-analyze: what the problems of a joint run share, in experts and in gradients."""

import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.api import evaluation
from t2tlite.bin import checkpoint_flags
from t2tlite.decoding import problem_names
from t2tlite.errors import UserError
from t2tlite.run import read_description

COMMAND = cli.Command(
    "t2t-analyze",
    "Analyses what the problems of a joint training run share, from some batches of each: which experts work "
    "for which problems, and the cosine of the problems' gradients by part of the model, beside the noise of "
    "each. Prints tables, and writes analysis.md, analysis.html (with pictures) and analysis.json into the "
    "run's folder. The run may still be training; nothing of it is changed. Memory: that of the model, and "
    "twice its weights for each problem.",
    examples=[
        ("all problems of a run", "t2t-analyze --output_dir=run"),
        (
            "two of them, with less noise, by what was held out",
            "t2t-analyze --output_dir=run --problems=wmt_ende,wsj_parsing --batches=60 --split=validation",
        ),
    ],
)
COMMAND.group("The model")
checkpoint_flags.add_model(COMMAND)
COMMAND.group("What to analyze")
COMMAND.string(
    "problems", None, "names separated by commas, two or more; all of the run's where this is not given"
)
COMMAND.choice("split", "train", ("train", "validation", "test"), "of the prepared data")
checkpoint_flags.add_data_dir(COMMAND)
COMMAND.integer("batches", 20, "of each problem, of the size that training has; more: less noise", at_least=2)


def analyze(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then analyses."""
    problems = _problems(flags)
    quiet.start_tensorflow()
    from t2tlite.analysis import report, sample
    from t2tlite.analysis.analysis import Analysis

    run = evaluation.load_run(flags.output_dir, flags.data_dir)
    path = evaluation.find_checkpoint(run, problems, flags.split, flags.checkpoint_path)
    model = run.restore_model(path)
    seen = sample.take(run, model, problems, flags.split, flags.batches, progress=True)
    origin = {
        "run": str(run.output_dir),
        "checkpoint": path.name,
        "split": flags.split,
        "batches": flags.batches,
        "seed": run.seed,
    }
    print(report.write(run.output_dir, Analysis.of(seen, model, origin)))
    files = ", ".join(f"analysis.{ending}" for ending in ("md", "html", "json"))
    print(f"t2t-analyze: {files} are in {run.output_dir}", file=sys.stderr)


def _problems(flags: FlagValues) -> list[str]:
    trained = problem_names.of_run(read_description(pathlib.Path(flags.output_dir)))
    names = [name for name in map(str.strip, (flags.problems or "").split(",")) if name]
    for name in names:
        problem_names.check_problem(name, trained, flags.output_dir)
    chosen = list(dict.fromkeys(names or trained))
    if len(chosen) < 2:
        raise UserError(
            f"t2t-analyze compares problems, and `{chosen[0]}` is the only one here; give two or more by "
            "--problems, or the folder of a run on several"
        )
    return chosen


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
