"""t2t-eval: evaluates a checkpoint of a training run, teacher-forced and decoded."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl.flags import FlagValues

from t2tlite import cli, quiet, registry, tables
from t2tlite.bin import checkpoint_flags
from t2tlite.decoding import problem_names, zero_shot
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.files import write_whole
from t2tlite.plural import counted
from t2tlite.run import read_description

if TYPE_CHECKING:
    from t2tlite.decoding.evaluate import SplitResult
    from t2tlite.run import Run

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
COMMAND.choice("split", "test", ("validation", "test"), "of the prepared data")
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

# How figures are told: a heading, and a format. Others have their name and four digits.
_COLUMNS = {
    "log_perplexity": ("log-perplexity (nats/target)", "{:.4f}"),
    "accuracy": ("accuracy", "{:.2%}"),
    "accuracy_top5": ("among the top 5", "{:.2%}"),
    "sequence_accuracy": ("whole sequences", "{:.2%}"),
    "targets": ("targets", "{:,.0f}"),
}


def evaluate(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then evaluates."""
    options = DecodeOptions.parse(flags.decode_hparams)
    if not (flags.teacher_forced or flags.decoded):
        raise UserError("--noteacher_forced and --nodecoded leave nothing to evaluate")
    problems = _problems(flags)
    output = _output_file(flags.output_file)
    quiet.start_tensorflow()
    run = checkpoint_flags.load_run(flags)
    untrained = {name: one for name, one in problems.items() if one is not None}
    with_data = dataclasses.replace(run, problems={**run.problems, **untrained})
    checkpoint = checkpoint_flags.checkpoint(flags, with_data, problems)
    model = run.restore_model(checkpoint)
    for problem in untrained.values():
        run = zero_shot.add_untrained(run, model, problem)
        _say(f"{problem.name} was not trained; it is evaluated as {problem.zero_shot}")
    origin = {"checkpoint": str(checkpoint), "split": flags.split}
    lines = []
    if flags.teacher_forced:
        figures = _teacher_forced(run, model, problems, flags)
        _show_teacher_forced(figures, checkpoint, flags)
        lines += [{"problem": name, **origin, "mode": "teacher_forced", **figures[name]} for name in problems]
    if flags.decoded:
        results = _decoded(run, model, problems, flags, options)
        _show_decoded(results, checkpoint, flags, options)
        for name, result in results.items():
            more = {"examples": result.size, "errors": len(result.errors), "decoding": options.describe()}
            more["signatures"] = result.signatures
            lines.append({"problem": name, **origin, "mode": "decoded", **result.metrics, **more})
    if output:
        write_whole(output, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _problems(flags: FlagValues) -> dict[str, Any]:
    """What to evaluate by its name: None for a problem of the run, the `Problem` for an untrained one."""
    description = read_description(pathlib.Path(flags.output_dir))
    trained = problem_names.of_run(description)
    names = [name for name in map(str.strip, (flags.problems or "").split(",")) if name]
    chosen: dict[str, Any] = {}
    for name in names or trained:
        if name in trained:
            chosen[name] = None
            continue
        for folder in description.get("usr_dirs", ()):
            registry.import_usr_dir(folder)
        if not zero_shot.can_be_crossed(name):
            problem_names.check_problem(name, trained, flags.output_dir)
        problem = zero_shot.references(name, trained, flags.output_dir)
        chosen[problem.name] = None if problem.name in trained else problem
    return chosen


def _output_file(path: str | None) -> pathlib.Path | None:
    if path and pathlib.Path(path).is_dir():
        raise UserError(f"--output_file={path} is a folder; expected the name of a file")
    if path and not pathlib.Path(path).parent.is_dir():
        raise UserError(f"can't write --output_file={path}: the folder is not there; make it first")
    return pathlib.Path(path) if path else None


def _teacher_forced(
    run: "Run", model: Any, problems: Collection[str], flags: FlagValues
) -> dict[str, dict[str, float]]:
    from t2tlite.training.evaluate import Evaluator

    evaluator = Evaluator(run, model)
    steps = flags.eval_steps or None
    return {name: evaluator.evaluate(name, flags.split, steps, progress=True) for name in problems}


def _decoded(
    run: "Run", model: Any, problems: Collection[str], flags: FlagValues, options: DecodeOptions
) -> dict[str, "SplitResult"]:
    """What was decoded, for each problem that lists a metric of it."""
    from t2tlite.decoding import evaluate
    from t2tlite.decoding.predictor import Predictor

    predictor = Predictor(run, model, options)
    results = {}
    for name in problems:
        if not evaluate.decoded_metrics(run.problems[name]):
            _say(f"problem `{name}` lists no metric of decoded outputs; it is not decoded")
            continue
        try:
            predictor.check(name)
        except UserError as error:
            _say(f"{error}; it is not decoded")
            continue
        limit = flags.limit or None
        results[name] = result = evaluate.evaluate_split(
            predictor, name, flags.split, limit, progress=True, keep=0
        )
        if result.errors:
            _say(
                f"{len(result.errors):,} of {counted(result.size, 'input')} of {name} could not be decoded"
                f" and count as wrong, the first since: {result.errors[0]}"
            )
    return results


def _show_teacher_forced(
    figures: Mapping[str, Mapping[str, float]], checkpoint: pathlib.Path, flags: FlagValues
) -> None:
    """Prints the table of the teacher-forced figures."""
    part = f"the first {counted(flags.eval_steps, 'batch', 'batches')}" if flags.eval_steps else "whole"
    names = list(
        dict.fromkeys(name for of_problem in figures.values() for name in of_problem if name != "sequences")
    )
    columns = {name: _COLUMNS.get(name, (name.replace("_", " "), "{:.4f}")) for name in names}
    headings = ["problem", *(heading for heading, _ in columns.values())]
    rows = [
        [
            problem,
            *(form.format(of_problem[x]) if x in of_problem else "-" for x, (_, form) in columns.items()),
        ]
        for problem, of_problem in figures.items()
    ]
    tables.show(f"Teacher-forced: {checkpoint.name}, {flags.split} split, {part}", headings, rows)


def _show_decoded(
    results: Mapping[str, "SplitResult"], checkpoint: pathlib.Path, flags: FlagValues, options: DecodeOptions
) -> None:
    """Prints the table of the metrics of the outputs, and how they were computed where that is told."""
    rows = []
    for name, result in results.items():
        rows += [
            [name, metric, f"{value:.2f}", f"{result.size:,}"] for metric, value in result.metrics.items()
        ]
    part = f"the first {counted(flags.limit, 'example')}" if flags.limit else "whole"
    title = f"Decoded: {checkpoint.name}, {flags.split} split, {part}; texts by {options.describe()}"
    tables.show(title, ["problem", "metric", "score", "examples"], rows, words=2)
    for name, result in results.items():
        for metric, signature in result.signatures.items():
            print(f"{name} {metric}: {signature}")


def _say(message: str) -> None:
    print(f"t2t-eval: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(evaluate, argv)


if __name__ == "__main__":
    sys.exit(main())
