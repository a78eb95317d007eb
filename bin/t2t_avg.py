"""t2t-avg: averages the weights of several checkpoints of a run into one."""

import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.errors import UserError
from t2tlite.plural import counted
from t2tlite.run import read_description

COMMAND = cli.Command(
    "t2t-avg",
    "Averages the weights of several checkpoints of a training run into one, which is often better than any"
    " of them. The result is a checkpoint for t2t-decode --checkpoint_path; no training goes on from it.",
    examples=[
        ("the five newest", "t2t-avg --output_dir=run --last=5"),
        (
            "two of your choice, to a folder of your choice",
            "t2t-avg --output_dir=run --checkpoints=step-00009000,step-00010000 --to=averaged",
        ),
    ],
)
COMMAND.group("Which checkpoints (one of these)")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.integer("last", None, "so many of the newest", at_least=2)
COMMAND.integer("best", None, "so many of the lowest mean log-perplexity on validation data", at_least=2)
COMMAND.string(
    "checkpoints", None, "a list, separated by commas: names in OUTPUT_DIR/checkpoints, or folders"
)
COMMAND.group("Where to")
COMMAND.string("to", None, "folder of the average; default: OUTPUT_DIR/checkpoints/avg-STEP-COUNT")


def average(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then averages."""
    if sum(bool(flag) for flag in (flags.last, flags.best, flags.checkpoints)) != 1:
        raise UserError("give one of --last=N, --best=N and --checkpoints=A,B")
    read_description(pathlib.Path(flags.output_dir))
    folder = pathlib.Path(flags.output_dir) / CHECKPOINTS
    listed = _listed(flags.checkpoints, folder) if flags.checkpoints else None
    quiet.start_tensorflow()
    from t2tlite.checkpoints import averaging, checkpoint

    if listed:
        paths = listed
    elif flags.last:
        paths = _at_least(checkpoint.all_in(folder), flags.last, folder)[-flags.last :]
    else:
        paths = averaging.best(_at_least(checkpoint.with_best(folder), flags.best, folder), flags.best)
    to = pathlib.Path(flags.to) if flags.to else folder / averaging.default_name(paths)
    averaged = averaging.average(paths, to)["averaged"]
    names = ", ".join(pathlib.Path(path).name for path in averaged)
    print(f"{to}: the mean of {names}")


def _at_least(paths: list[pathlib.Path], count: int, folder: pathlib.Path) -> list[pathlib.Path]:
    if len(paths) < count:
        raise UserError(
            f"{folder} holds {counted(len(paths), 'checkpoint')}, and {count} are asked for; t2t-train keeps "
            "as many as its --keep_checkpoint_max"
        )
    return paths


def _listed(names: str, folder: pathlib.Path) -> list[pathlib.Path]:
    paths: list[pathlib.Path] = []
    for name in filter(None, (name.strip() for name in names.split(","))):
        path = folder / name if (folder / name).is_dir() else pathlib.Path(name)
        if not path.is_dir():
            raise UserError(f"--checkpoints names `{name}`, which is neither in {folder} nor a folder")
        if path.resolve() in [other.resolve() for other in paths]:
            raise UserError(f"--checkpoints names `{name}` twice")
        paths.append(path)
    if len(paths) < 2:
        raise UserError(f"--checkpoints={names} names {len(paths)} checkpoint; an average takes two or more")
    return paths


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(average, argv)


if __name__ == "__main__":
    sys.exit(main())
