"""Files to look at: a few examples of a problem, and a picture of its distributions."""

import io
import pathlib
from collections.abc import Sequence
from typing import Any

from t2tlite.data.inspection.inspect import Report
from t2tlite.features.feature import Feature
from t2tlite.features.named import flatten
from t2tlite.files import write_whole
from t2tlite.plural import counted
from t2tlite.problem import Problem

EXAMPLES_FILE = "examples.txt"
PICTURE_FILE = "lengths.png"


def write_examples(problem: Problem, examples: Sequence[dict[str, Any]], folder: pathlib.Path) -> None:
    """Writes `examples.txt`, which has the texts and labels and the names of the other files.

    Args:
      problem: whose they are.
      examples: as `PreparedSplit.examples` yields them.
      folder: is there; files of the same names are overwritten. Images become `01.inputs.jpg` or `.png` as
        they are stored, sounds `01.inputs.wav`.
    """
    width = max(2, len(str(len(examples))))
    lines = []
    for number, example in enumerate(examples, 1):
        lines.append(f"# {number}")
        features = problem.features()
        stored, written = flatten(example, features), flatten(problem.to_text(example), features)
        for name, feature in features.items():
            if name not in stored:
                lines.append(f"{name}: (none)")
                continue
            stem = f"{number:0{width}d}.{name}"
            lines += [f"{name}: {shown}" for shown in _shown(feature, stored[name], folder, stem)]
            if feature.is_text and written[name] != stored[name]:
                lines.append(f"{name}, for the model: {written[name]}")
        lines.append("")
    write_whole(folder / EXAMPLES_FILE, "\n".join(lines))


def _shown(feature: Feature, value: Any, folder: pathlib.Path, stem: str) -> list[str]:
    file = feature.as_file(value)
    if file is None:
        return feature.shown(value)
    ending, content = file
    path = folder / f"{stem}.{ending}"
    write_whole(path, content)
    return [path.name]


def write_picture(name: str, report: Report, folder: pathlib.Path) -> None:
    """Writes `lengths.png`: a chart of each feature's distribution.

    Args:
      name: of the problem, for the title.
      report: what `inspect.measure` found.
      folder: is there.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(report.features), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{name}, {counted(report.examples, 'example')}", parse_math=False)
    for place, distribution in enumerate(report.features.values(), 1):
        axes = figure.add_subplot(1, len(report.features), place)
        positions = range(len(distribution.bins))
        axes.bar(positions, [count for _, count in distribution.bins])
        labels = [label for label, _ in distribution.bins]
        axes.set_xticks(positions, labels, rotation=60, ha="right", parse_math=False)
        axes.set_title(distribution.title, fontsize=10, parse_math=False)
        axes.set_ylabel("number")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    write_whole(folder / PICTURE_FILE, buffer.getvalue())
