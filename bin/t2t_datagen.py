"""t2t-datagen: prepares the data of problems, once."""

from t2tlite import cli, quiet

COMMAND = cli.Command(
    "t2t-datagen",
    "Prepares the data of problems as record files. What is complete is left alone, what was stopped is "
    "finished.",
    examples=[
        (
            "from a folder of plain parallel text",
            "t2t-datagen --problems=wmt_ende --source=files --source_dir=DIR --data_dir=/tmp/data",
        ),
        ("the embedded sample world", "t2t-datagen --problems=all --source=sample --data_dir=/tmp/data"),
    ],
)
COMMAND.group("What and where")
COMMAND.string("problems", None, "names separated by commas, or all", required=True)
COMMAND.string("source", "files", "where examples come from: files, or sample for the embedded sample world")
COMMAND.string("source_dir", None, "folder with the corpus's own files, for --source=files")
COMMAND.string("data_dir", None, "folder for the prepared data", required=True)
COMMAND.string("tmp_dir", None, "for what does not fit in memory while data is shuffled")


def prepare(flags):
    from t2tlite import registry

    problems = registry.problems(flags.problems)
    for problem in problems:
        problem.check_source(flags.source)
    quiet.start_tensorflow()
    from t2tlite.training import launch

    launch.prepare(problems, flags.data_dir, flags.source, flags.source_dir, flags.tmp_dir, may_generate=True)
    print(f"prepared {', '.join(problem.name for problem in problems)} in {flags.data_dir}")


def main(argv=None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(prepare, argv)


run = main
