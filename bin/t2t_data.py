"""t2t-data: shows what the prepared data of problems is like."""

import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.errors import UserError
from t2tlite.plural import counted

if TYPE_CHECKING:
    from t2tlite.data.inspection.inspect import Report
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.data.text.vocabulary import Vocabulary
    from t2tlite.features.statistics import Distribution
    from t2tlite.hparam import HParams
    from t2tlite.problem import Problem

COMMAND = cli.Command(
    "t2t-data",
    "Looks at the prepared data of problems: how many examples there are and what was left out, how long "
    "they are, how many are too long for the hyperparameters' bounds, how much of a batch is padding. It "
    "prepares nothing; t2t-datagen does.",
    examples=[
        ("what is there", "t2t-data --problems=all --data_dir=/tmp/data"),
        (
            "and to look at and listen to: ten examples of each, and a picture of the lengths",
            "t2t-data --problems=coco_captions,wsj_speech --data_dir=/tmp/data --output_dir=/tmp/look",
        ),
        (
            "with the bounds and the vocabulary that a training will have",
            "t2t-data --problems=wmt_ende --data_dir=/tmp/data --hparams=max_length=128 "
            "--vocab=/tmp/run/vocabulary.model",
        ),
    ],
)
COMMAND.group("What to look at")
COMMAND.string("problems", None, "names separated by commas, or all", required=True)
COMMAND.string("data_dir", None, "folder of the prepared data", required=True)
COMMAND.choice("split", "train", ["train", "validation", "test"], "which examples")
COMMAND.integer("limit", 10000, "most examples of each problem that are measured", at_least=1)
COMMAND.group("What to write")
COMMAND.string("output_dir", None, "folder for the examples and pictures; default: none are written")
COMMAND.integer("examples", 10, "how many examples of each problem to write", at_least=0)
COMMAND.group("Bounds and words")
COMMAND.string(
    "hparams_set",
    "multimodel_base",
    "a registered set of hyperparameters, whose bounds to use; t2t-train may add to them",
)
COMMAND.string("hparams", "", "changes to it: name=value,name=value (a tuple: name=1;2;3)", may_be_empty=True)
COMMAND.string(
    "vocab", None, "a sentencepiece model, such as a run's; default: one learned from these problems' texts"
)

_BAR = 40  # characters


def look(flags: FlagValues) -> None:
    from t2tlite import hparam, registry

    problems = registry.problems(flags.problems)
    hparams = hparam.get(flags.hparams_set, flags.hparams)
    if flags.output_dir and pathlib.Path(flags.output_dir).is_file():
        raise UserError(f"--output_dir={flags.output_dir} is a file; expected a folder")
    quiet.start_tensorflow()
    from t2tlite.data.stored.prepared import PreparedSplit

    # All of them now, and not one after minutes with the others.
    splits = [PreparedSplit.open(problem, flags.split, flags.data_dir) for problem in problems]
    vocabulary = _vocabulary(flags, problems, hparams)
    for split in splits:
        _look_at(split, flags, vocabulary, hparams)


def _vocabulary(flags: FlagValues, problems: Sequence["Problem"], hparams: "HParams") -> "Vocabulary | None":
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.data.text import training_texts
    from t2tlite.data.text.vocabulary import Vocabulary

    if not any(problem.has_text() for problem in problems):
        return None
    if flags.vocab:
        return Vocabulary.load(flags.vocab)
    print("t2t-data: finding or learning a vocabulary", file=sys.stderr, flush=True)
    splits = [PreparedSplit.open(problem, "train", flags.data_dir) for problem in problems]
    return training_texts.build(splits, hparams.vocabulary_size)


def _look_at(
    split: "PreparedSplit", flags: FlagValues, vocabulary: "Vocabulary | None", hparams: "HParams"
) -> None:
    from t2tlite.data.inspection import inspect, inspect_files
    from t2tlite.progress import track

    problem, title = split.problem, f"{split.problem.name} {split.name}"
    tracked = track(split.examples(flags.limit), title, min(split.size, flags.limit))
    report = inspect.measure(problem, tracked, vocabulary, hparams)
    _print(split, report)
    if flags.output_dir:
        folder = pathlib.Path(flags.output_dir, problem.name)
        folder.mkdir(parents=True, exist_ok=True)
        few = list(split.examples(flags.examples))
        inspect_files.write_examples(problem, few, folder)
        inspect_files.write_picture(title, report, folder)
        print(f"  written: {counted(len(few), 'example')} and {inspect_files.PICTURE_FILE} in {folder}")
    print()


def _print(split: "PreparedSplit", report: "Report") -> None:
    print(f"{split.problem.name}: from source {split.manifest['source']}")
    for name, counts in split.manifest["splits"].items():
        print(
            f"  {name}: {counted(counts['examples'], 'example')}, {_size(counts['bytes'])}{_left_out(counts)}"
        )
    print(f"  the first {report.examples:,} of {split.name}:")
    for feature in report.features.values():
        print(f"    {feature.title}")
        _print_bars(feature)
        for fact in feature.facts:
            print(f"      {fact}")
    if report.too_long is not None:
        share = report.too_long / max(report.examples, 1)
        print(f"    longer than the last bound: {report.too_long:,} ({share:.2%})")
    if report.padding:
        parts = [f"{share:.1%} of {name}" for name, share in report.padding.items()]
        print(f"    padding: {', '.join(parts)}")


def _left_out(split: Mapping[str, Any]) -> str:
    text = ""
    if split.get("dropped"):
        text += "; dropped: " + ", ".join(f"{count:,} {reason}" for reason, count in split["dropped"].items())
    if split.get("broken"):
        parts = [
            f"{one['examples']:,} {reason} (the first: {one['first']})"
            for reason, one in split["broken"].items()
        ]
        text += "; broken: " + ", ".join(parts)
    return text


def _print_bars(feature: "Distribution") -> None:
    most = max((count for _, count in feature.bins), default=0)
    width = max((len(label) for label, _ in feature.bins), default=0)
    for label, count in feature.bins:
        bar = "#" * max(round(_BAR * count / max(most, 1)), 1 if count else 0)
        print(f"      {label:>{width}}  {count:>9,} {count / feature.total:>6.1%}  {bar}".rstrip())


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(look, argv)


if __name__ == "__main__":
    sys.exit(main())
