"""The main job (`make demo`): one model learns all eight problems, then shows what it can."""

import collections
import json
import pathlib
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from absl.flags import FlagValues

from t2tlite import cli, quiet

if TYPE_CHECKING:
    from t2tlite.data.stored.prepared import PreparedSplit
    from t2tlite.decoding.evaluate import DecodedExample
    from t2tlite.decoding.predictor import Predictor
    from t2tlite.metrics import Metric
    from t2tlite.problem import Problem

COMMAND = cli.Command(
    "t2t-demo",
    "Trains one model on all eight problems of the sample world, then decodes the test split of each and "
    "prints the scores beside a trivial baseline's, and two examples. Then it trains parsing alone, to "
    "compare. Some twenty minutes on two cores.",
    examples=[("the whole job", "make demo"), ("another seed", "python -m t2tlite.bin.demo --seed=1")],
)
COMMAND.group("Flags")
COMMAND.string("output_dir", "demo", "folder of the data, the run and the pictures")
COMMAND.integer("train_steps", 12000, "updates in all", at_least=1)
COMMAND.integer("seed", 0, "of everything random")
COMMAND.string("hparams", "", "changes to multimodel_tiny, as for t2t-train", may_be_empty=True)

# The goals of the main job, by metric.
GOALS = {"bleu": 40.0, "top1": 80.0, "caption_bleu4": 40.0, "full_trees": 60.0, "wer": 40.0}
EXAMPLES = 2
CROSSED = "coco_captions", "wmt_ende"  # a picture to German
ALONE = "wsj_parsing"  # is trained by itself as well


def demo(flags: FlagValues) -> int:
    start = time.monotonic()
    folder = pathlib.Path(flags.output_dir)
    run_dir = folder / "run"
    status = train(flags, "all", run_dir, flags.train_steps)
    if status:
        return status
    trained = time.monotonic()
    quiet.start_tensorflow()
    rows, shown, how = score(run_dir, folder / "examples")
    write_table(rows)
    print(f"Decoding of texts: {how}.")
    for line in shown:
        print(line)
    (folder / "scores.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    decoded = time.monotonic()
    status = compare(flags, rows, run_dir, folder / f"{ALONE}_alone")
    if status:
        return status
    print(
        f"\nData and training: {(trained - start) / 60:.1f} minutes. "
        f"Decoding: {(decoded - trained) / 60:.1f} minutes. {ALONE} alone: "
        f"{(time.monotonic() - decoded) / 60:.1f} minutes. Most memory at a time: {most_memory():.2f} GiB. "
        f"Go on with: t2t-decode --output_dir={run_dir} --decode_interactive"
    )
    return 0


def train(flags: FlagValues, problems: str, run_dir: pathlib.Path, steps: int, *more: str) -> int:
    """Trains a run, its cosine as long as it is, and returns the exit status of `t2t-train`."""
    from t2tlite.bin import t2t_train

    hparams = flags.hparams
    if "learning_rate_decay_steps" not in hparams:
        hparams = ",".join(filter(None, [f"learning_rate_decay_steps={steps}", hparams]))
    return t2t_train.main(
        [
            f"--problems={problems}",
            "--source=sample",
            "--hparams_set=multimodel_tiny",
            f"--hparams={hparams}",
            f"--data_dir={pathlib.Path(flags.output_dir) / 'data'}",
            f"--output_dir={run_dir}",
            f"--train_steps={steps}",
            f"--seed={flags.seed}",
            "--local_eval_frequency=4000",
            *more,
        ]
    )


def compare(
    flags: FlagValues, rows: Sequence[dict[str, Any]], joint_dir: pathlib.Path, run_dir: pathlib.Path
) -> int:
    """Trains one problem by itself, on as many batches of it, and prints its score beside the joint run's.

    Returns:
      The exit status of `t2t-train`.
    """
    import t2tlite
    from t2tlite.decoding import evaluate

    steps = max(flags.train_steps // len(rows), 1)
    status = train(flags, ALONE, run_dir, steps, f"--vocab={joint_dir / 'vocabulary.model'}")
    if status:
        return status
    [row] = [row for row in rows if row["problem"] == ALONE]
    alone = evaluate.evaluate_split(t2tlite.load(run_dir), ALONE, "test").metrics[row["metric"]]
    print(
        f"\n{ALONE} alone, after as many batches of it ({steps:,}): {row['metric']} {alone:.1f}; "
        f"with the other {len(rows) - 1}: {row['score']:.1f}. "
        "t2t-experiment compares with several seeds, and with little data (docs/experiments.md)."
    )
    return 0


def most_memory() -> float:
    """GiB of main memory that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 2**10  # what the system counts in, in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def score(run_dir: pathlib.Path, examples_dir: pathlib.Path) -> tuple[list[dict[str, Any]], list[str], str]:
    """Rows of the table, the lines that show examples, and how texts were decoded.

    Pictures and sounds go to `examples_dir`.
    """
    import t2tlite
    from t2tlite.decoding import evaluate
    from t2tlite.progress import track
    from t2tlite.training import memory

    memory.release()  # all that training has left
    predictor = t2tlite.load(run_dir)
    rows, shown, first_inputs = [], [], {}
    for name in track(predictor.problems, "decoding the test splits"):
        problem = predictor.run.problems[name]
        decoded = evaluate.evaluate_split(predictor, name, "test")
        baseline, outputs = trivial(predictor.run.split(name, "train"), decoded.examples)
        metric = problem.metrics[0]
        rows.append(
            {
                "problem": name,
                "metric": metric,
                "score": decoded.metrics[metric],
                "goal": GOALS.get(metric),
                "baseline": baseline,
                "baseline_score": metric_of(metric)(outputs, [e.references for e in decoded.examples]),
                "examples": len(decoded.examples),
            }
        )
        shown += [f"\n{name}", *show(problem, decoded.examples[:EXAMPLES], examples_dir)]
        first_inputs[name] = decoded.examples[0].inputs
    shown += crossed(predictor, first_inputs[CROSSED[0]])
    return rows, shown, predictor.options.describe()


def crossed(predictor: "Predictor", inputs: Any) -> list[str]:
    """The lines that show what the model makes of a pair that it was not trained on."""
    reads, writes = CROSSED
    [prediction] = predictor.predict(predictor.zero_shot(reads, writes), [inputs])
    return [
        f"\n{reads}>{writes}, which was not trained; docs/zero_shot.md tells what makes it work",
        f"  input:  that of the first example of {reads}",
        f"  output: {prediction.text}",
    ]


def metric_of(name: str) -> "Metric":
    from t2tlite import registry

    return registry.get("metric", name)


def trivial(
    split: "PreparedSplit", examples: Sequence["DecodedExample"]
) -> tuple[str, list[tuple[str, ...]]]:
    """A baseline that learns nothing: its name, and its candidates for each example.

    Args:
      split: the prepared training split of the examples' problem.
    """
    problem, targets = split.problem, split.problem.features()["targets"]
    if problem.inputs.is_text and problem.metrics[0] == "bleu":
        return "copy of the input", [(example.inputs,) for example in examples]
    counts = collections.Counter(
        reference for example in split.examples() for reference in targets.references(example["targets"])
    )
    common = tuple(target for target, _ in counts.most_common(5))
    return "most frequent answer", [common for _ in examples]


def write_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints the scores as a table."""
    import rich.console
    import rich.table

    from t2tlite import metrics, registry

    table = rich.table.Table(title="One model, eight problems: decoded on the held-out test split")
    for heading in ("problem", "metric", "score", "goal", "trivial baseline", "its score"):
        table.add_column(heading, justify="right" if heading in ("score", "goal", "its score") else "left")
    for row in rows:
        sign = ">=" if metrics.higher_is_better(registry.get("metric", row["metric"])) else "<="
        table.add_row(
            row["problem"],
            row["metric"],
            f"{row['score']:.1f}",
            f"{sign} {row['goal']:.0f}",
            row["baseline"],
            f"{row['baseline_score']:.1f}",
        )
    rich.console.Console(width=110).print(table)


def show(problem: "Problem", examples: Sequence["DecodedExample"], folder: pathlib.Path) -> Iterator[str]:
    """Lines that show examples; images and sounds are written to `folder`."""
    for number, example in enumerate(examples):
        inputs = example.inputs
        file = problem.inputs.as_file(inputs)
        if file:
            ending, content = file
            folder.mkdir(parents=True, exist_ok=True)
            inputs = folder / f"{problem.name}-{number}.{ending}"
            inputs.write_bytes(content)
        output = example.prediction.text
        if example.prediction.probabilities:
            output += f" ({100 * example.prediction.probabilities[0][1]:.0f}%)"
        yield f"  input:  {inputs}"
        yield f"  output: {output}"
        yield f"  right:  {example.references[0]}"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(demo, argv)


if __name__ == "__main__":
    sys.exit(main())
