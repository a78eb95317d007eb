"""t2t-datagen: prepares the data of problems, once."""

import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.bin import data_flags
from t2tlite.data.stored import fractions
from t2tlite.errors import UserError
from t2tlite.plural import counted

if TYPE_CHECKING:
    from t2tlite.problem import Problem

COMMAND = cli.Command(
    "t2t-datagen",
    "Prepares the data of problems as record files. What is complete is left alone, what was stopped is "
    "finished.",
    examples=[
        (
            "from a folder with the corpus's own files",
            "t2t-datagen --problems=wmt_ende --source=files --source_dir=DIR --data_dir=/tmp/data",
        ),
        (
            "from TensorFlow Datasets, which may fetch it",
            "t2t-datagen --problems=wmt_ende --source=tfds --download --data_dir=/tmp/data",
        ),
        ("the embedded sample world", "t2t-datagen --problems=all --source=sample --data_dir=/tmp/data"),
        (
            "and learn one vocabulary, for several runs that are to be compared (t2t-train --vocab)",
            "t2t-datagen --problems=all --source=sample --data_dir=/tmp/data --vocab=/tmp/data/all.model",
        ),
        (
            "are its files still whole?",
            "t2t-datagen --problems=all --data_dir=/tmp/data --verify",
        ),
    ],
)
COMMAND.group("What and where")
COMMAND.string("problems", None, "names separated by commas, or all", required=True)
COMMAND.string("data_dir", None, "folder for the prepared data", required=True)
data_flags.add_source(COMMAND)
COMMAND.group("A vocabulary of these problems, as well")
COMMAND.string("vocab", None, "file that it is written to; one that is there is left alone")
COMMAND.integer(
    "vocabulary_size", 8192, "most subword units; 0: as many as the text is large enough for", at_least=0
)
data_flags.add_fraction(COMMAND)
COMMAND.group("How")
COMMAND.boolean("download", False, "for --source=tfds: have it fetch what it lacks; nothing else downloads")
COMMAND.choice(
    "on_error", "stop", ["stop", "skip"], "at an example that is broken: stop, or leave it out and count it"
)
COMMAND.integer("processes", 0, "at the same time; 0: as many as there are cores", at_least=0)
COMMAND.boolean("verify", False, "prepare nothing, but check every file in --data_dir against its checksum")


def prepare(flags: FlagValues) -> None:
    from t2tlite import registry

    problems = registry.problems(flags.problems)
    if flags.download and flags.source != "tfds":
        raise UserError(f"--download is for --source=tfds. Received: --source={flags.source}")
    if not flags.verify:
        for problem in problems:
            problem.check_source(flags.source)
    shares = fractions.parse(flags.fraction, [problem.name for problem in problems])
    if shares and not flags.vocab:
        raise UserError("--fraction is for the vocabulary, and needs --vocab; the data is prepared whole")
    quiet.start_tensorflow()
    names = ", ".join(problem.name for problem in problems)
    if flags.verify:
        from t2tlite.data.preparing import verify

        number = verify.verify(problems, flags.data_dir)
        print(f"{names} in {flags.data_dir}: all {number} files are as they were written")
        return
    from t2tlite.data.preparing import generate

    if flags.download:
        for problem in problems:
            problem.download(flags.source_dir)
    generate.generate(
        problems,
        flags.data_dir,
        flags.source,
        flags.source_dir,
        flags.tmp_dir,
        processes=flags.processes or None,
        on_error=flags.on_error,
    )
    print(f"prepared {names} in {flags.data_dir}")
    _print_left_out(problems, flags.data_dir)
    if flags.vocab:
        _write_vocabulary(problems, flags, shares)


def _write_vocabulary(problems: Sequence["Problem"], flags: FlagValues, shares: Mapping[str, float]) -> None:
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.data.text import training_texts

    path = pathlib.Path(flags.vocab)
    if path.exists():
        print(f"{path} is there already")
        return
    splits = [
        PreparedSplit.open(problem, "train", flags.data_dir, fraction=shares.get(problem.name, 1.0))
        for problem in problems
    ]
    vocabulary = training_texts.build(splits, flags.vocabulary_size)
    vocabulary.save(path)
    print(f"learned {vocabulary.size:,} subword units, in {path}")


def _print_left_out(problems: Sequence["Problem"], data_dir: str) -> None:
    from t2tlite.data.stored import records
    from t2tlite.data.stored.prepared import manifest

    for name, problem in {records.corpus_name(problem): problem for problem in problems}.items():
        for split, counts in manifest(problem, data_dir)["splits"].items():
            left_out = [f"{number:,} {reason}" for reason, number in counts.get("dropped", {}).items()]
            for reason, broken in counts.get("broken", {}).items():
                left_out.append(f"{broken['examples']:,} {reason} (the first: {broken['first']})")
            if left_out:
                examples = counted(counts["examples"], "example")
                print(f"{name} {split}: {examples}; left out: {', '.join(left_out)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(prepare, argv)


if __name__ == "__main__":
    sys.exit(main())
