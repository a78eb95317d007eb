"""t2t-sweep: tries hyperparameters, and says which were the best."""

import pathlib
import sys
from collections.abc import Sequence

from absl.flags import FlagValues

from t2tlite import cli, hparam, quiet, registry
from t2tlite.bin import data_flags, programs
from t2tlite.study import sweep_report
from t2tlite.study.processes import program, shown
from t2tlite.study.sweeper import Sweeper
from t2tlite.study.trials import SweepSettings, Trials

COMMAND = cli.Command(
    "t2t-sweep",
    "Which hyperparameters are the best? Draws trials at random, trains each by a t2t-train that you could "
    "type, and goes on with the best of them, by a figure of the validation split (successive halving). The "
    "first trial is the set as it is. The table is in OUTPUT_DIR/sweep.md; tensorboard "
    "--logdir=OUTPUT_DIR/trials shows it on its HParams page. The same command goes on where an earlier one "
    "was stopped; several of them, also on several machines, share the work on one OUTPUT_DIR.",
    examples=[
        (
            "16 trials for translation, of which 6 are trained 3 times as long, 2 of these 9 times",
            "t2t-sweep --problems=wmt_ende --source=sample --hparams_set=multimodel_tiny "
            "--search='learning_rate=3e-4..1e-2:log,dropout=0..0.3,moe_num_experts=4|8|16' --trials=16 "
            "--train_steps=2700 --output_dir=/tmp/sweep",
        ),
        (
            "plain random search, by accuracy",
            "t2t-sweep --problems=imagenet --source=sample --hparams_set=multimodel_tiny "
            "--search='learning_rate=1e-4..1e-2:log,encoder=multimodel|transformer' --halving=1 "
            "--metric=imagenet/accuracy --output_dir=/tmp/random",
        ),
    ],
)
COMMAND.group("What to try")
COMMAND.string("problems", None, "names separated by commas, or all", required=True)
COMMAND.string("hparams_set", "multimodel_base", "a registered set of hyperparameters, of all trials")
COMMAND.string("hparams", "", "changes to it, for all trials: name=value,name=value", may_be_empty=True)
COMMAND.string(
    "search",
    None,
    "what is drawn, separated by commas: NAME=LOW..HIGH evenly, NAME=LOW..HIGH:log evenly among the "
    "logarithms, NAME=A|B|C one of these",
    required=True,
)
COMMAND.integer("trials", 16, "how many, the set as it is among them", at_least=2)
COMMAND.integer("train_steps", 2700, "updates of the trials that get to the end", at_least=1)
COMMAND.integer(
    "halving",
    3,
    "of so many trials the best goes on, and gets so many times as many updates; 1: all get all updates",
    at_least=1,
)
COMMAND.string(
    "metric", "mean/log_perplexity", "what decides: PROBLEM/FIGURE, or mean/FIGURE over the problems"
)
COMMAND.integer("seed", 0, "of the draws, and of every training", at_least=0)
COMMAND.group("On what")
data_flags.add_source(COMMAND)
data_flags.add_fraction(COMMAND)
COMMAND.group("Where")
COMMAND.string("output_dir", None, "folder of the sweep: trials/, sweep.md", required=True)
COMMAND.string("data_dir", None, "folder of the prepared data; default: OUTPUT_DIR/data")
COMMAND.group("Instead of running")
COMMAND.boolean("list", False, "print every trial's command for the first round, and run nothing")


def sweep(flags: FlagValues) -> None:
    problems = [problem.name for problem in registry.problems(flags.problems)]
    hparam.get(flags.hparams_set, flags.hparams, problems=registry.problems(flags.problems))
    folder = pathlib.Path(flags.output_dir).absolute()
    quiet.start_tensorflow()  # the objectives know which figures there are
    settings = SweepSettings(
        problems=tuple(problems),
        **programs.common_settings(flags, folder),
        search=flags.search,
        trials=flags.trials,
        train_steps=flags.train_steps,
        halving=flags.halving,
        metric=flags.metric,
        seed=flags.seed,
    )
    trials = Trials(settings, folder)
    if flags.list:
        steps = trials.rungs[0].steps
        for number in range(settings.trials):
            print(shown("t2t-train", trials.train_command(number, steps)))
        return
    settings.keep(folder)
    try:
        Sweeper(trials, program, _say).run()
    finally:
        if trials.ranking():
            print(sweep_report.write(trials))
            _say(f"the table is in {sweep_report.path(trials)}")


def _say(line: str) -> None:
    print(f"t2t-sweep: {line}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(sweep, argv)


if __name__ == "__main__":
    sys.exit(main())
