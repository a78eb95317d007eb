"""t2t-experiment: makes the runs of an experiment, and prints the tables that come of them."""

import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, registry
from t2tlite.api import experiments
from t2tlite.bin import data_flags, programs
from t2tlite.errors import UserError
from t2tlite.study import report
from t2tlite.study.plan import Plan
from t2tlite.study.settings import Settings

COMMAND = cli.Command(
    "t2t-experiment",
    "Does training together help? Makes the runs of an experiment, each by a t2t-train and a t2t-eval that "
    "you could type, and writes tables, tests and learning curves to OUTPUT_DIR/report.md and report.html. "
    "The same command goes on where an earlier one was stopped; several of them, also on several machines, "
    "share the work on one OUTPUT_DIR.",
    examples=[
        (
            "parsing alone, with ImageNet and with all, from a tenth of its trees, on the sample world",
            "t2t-experiment parsing_transfer --source=sample --hparams_set=multimodel_tiny "
            "--fraction=wsj_parsing:0.1 --seeds=0,1,2 --output_dir=/tmp/transfer",
        ),
        (
            "what would be run",
            "t2t-experiment joint_vs_single --source=sample --hparams_set=multimodel_tiny "
            "--output_dir=/tmp/joint --list",
        ),
        (
            "the report again, of what is done",
            "t2t-experiment joint_vs_single --output_dir=/tmp/joint --report",
        ),
        ("which experiments there are", "t2t-experiment --registry_help=experiment"),
    ],
)
COMMAND.group("What to compare")
COMMAND.word("experiment", "a registered experiment, such as joint_vs_single")
COMMAND.string("problems", None, "names separated by commas, or all; default: those of the experiment")
COMMAND.string("hparams_set", "multimodel_base", "a registered set of hyperparameters, of all runs")
COMMAND.string("hparams", "", "changes to it: name=value,name=value (a tuple: name=1;2;3)", may_be_empty=True)
COMMAND.integer(
    "updates_per_problem", 1500, "batches of each problem, in every run that learns it", at_least=1
)
COMMAND.string("seeds", "0", "a run of each kind for each of these; three or more tell what is chance")
COMMAND.group("On what")
data_flags.add_source(COMMAND)
data_flags.add_fraction(COMMAND)
COMMAND.group("Where")
COMMAND.string("output_dir", None, "folder of the experiment: runs/, report.md, report.html", required=True)
COMMAND.string("data_dir", None, "folder of the prepared data; default: OUTPUT_DIR/data")
COMMAND.group("Instead of running")
COMMAND.boolean("list", False, "print every command, and run nothing")
COMMAND.boolean("report", False, "write the report of what is done, and run nothing; needs no other flags")


def experiment(flags: FlagValues) -> int:
    registry.entry("experiment", flags.experiment)
    folder = pathlib.Path(flags.output_dir).absolute()
    if flags.report:
        return _report(flags, folder)
    settings = _settings(flags, folder)
    if flags.list:
        print("\n".join(report.commands(Plan(settings, folder))))
        return 0
    result = experiments.make_runs(settings, folder, _say)
    _show(result.text, folder)
    result.check()
    for line in result.left:
        _say(line)
    return 0


def _report(flags: FlagValues, folder: pathlib.Path) -> int:
    settings = Settings.load(folder)
    if settings.experiment != flags.experiment:
        raise UserError(f"{folder} holds the experiment {settings.experiment}, not {flags.experiment}")
    for user in settings.usr_dirs:
        registry.import_usr_dir(user)
    _show(report.write(Plan(settings, folder)), folder)
    return 0


def _settings(flags: FlagValues, folder: pathlib.Path) -> Settings:
    return Settings(
        experiment=flags.experiment,
        problems=experiments.problem_names(flags.experiment, flags.problems),
        **programs.common_settings(flags, folder),
        updates_per_problem=flags.updates_per_problem,
        seeds=_seeds(flags.seeds),
    )


def _seeds(text: str) -> tuple[int, ...]:
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if not pieces or not all(piece.isdecimal() and int(piece) < 2**31 for piece in pieces):
        raise UserError(f"--seeds={text}; expected numbers separated by commas, such as 0,1,2")
    return tuple(sorted({int(piece) for piece in pieces}))


def _show(text: str, folder: pathlib.Path) -> None:
    print(text)
    _say(f"the whole report is in {report.paths(folder)}")


def _say(line: str) -> None:
    print(f"t2t-experiment: {line}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(experiment, argv)


if __name__ == "__main__":
    sys.exit(main())
