"""Draws docs/demo.png from what `make demo` left: the first test example of each problem, and its score.

python -P tools/demo_picture.py demo docs/demo.png
"""

import io
import json
import pathlib
import sys
import textwrap

import matplotlib
import numpy as np

import t2tlite

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  # after the choice of what draws
from PIL import Image  # noqa: E402

COLUMNS = {"input": 0.015, "command": 0.40, "output": 0.52, "score": 0.985}  # where they begin, of the width
METRICS = {"wer": "word error rate", "top1": "top-1", "caption_bleu4": "BLEU-4", "full_trees": "whole trees"}
WIDTH = 44  # characters of a line of input or output
LINE = 0.19  # inches
RIGHT, WRONG = "#1b6e3c", "#b3261e"


def lines_of(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)


def height_of(row: dict) -> float:
    """Inches that a row needs."""
    most = max(len(lines_of(row["output"])), len(lines_of(row["inputs"])) if row["text"] else 1)
    return max(most * LINE + 0.2, 0.5 if row["text"] else 0.78)


def rows_of(folder: pathlib.Path) -> list[dict]:
    """What there is to show of each problem."""
    scores = {row["problem"]: row for row in json.loads((folder / "scores.json").read_text())}
    predictor = t2tlite.load(folder / "run")
    rows = []
    for name in predictor.problems:
        problem = predictor.run.problems[name]
        example = next(iter(predictor.run.split(name, "test").examples()))
        [prediction] = predictor.predict(name, [example["inputs"]])
        score = scores[name]
        rows.append(
            {
                "inputs": example["inputs"],
                "text": problem.inputs.is_text,
                "command": problem.command or "(a class)",
                "output": prediction.text,
                "right": prediction.text in problem.features()["targets"].references(example["targets"]),
                "score": f"{score['score']:.1f}",
                "metric": METRICS.get(score["metric"], "BLEU"),
            }
        )
    return rows


def draw(rows: list[dict], width: float = 10.0, head: float = 0.4) -> plt.Figure:
    heights = [height_of(row) for row in rows]
    height = head + sum(heights)
    figure = plt.figure(figsize=(width, height), facecolor="white")
    for name, at in COLUMNS.items():
        side = "right" if name == "score" else "left"
        figure.text(at, 1 - head / 2 / height, name, ha=side, va="center", weight="bold", size=10)
    top = height - head
    for row, tall in zip(rows, heights, strict=True):
        middle = (top - tall / 2) / height
        figure.add_artist(plt.Line2D([0.01, 0.99], [top / height] * 2, color="#cccccc", linewidth=0.8))
        if row["text"]:
            figure.text(COLUMNS["input"], middle, "\n".join(lines_of(row["inputs"])), va="center", size=9)
        else:
            axes = figure.add_axes(
                (COLUMNS["input"], (top - tall + 0.07) / height, 0.24, (tall - 0.14) / height)
            )
            show_media(axes, row["inputs"])
        command = dict(va="center", size=8.5, family="monospace", color="#3f51b5")
        figure.text(COLUMNS["command"], middle, row["command"], **command)
        color = RIGHT if row["right"] else WRONG
        figure.text(
            COLUMNS["output"], middle, "\n".join(lines_of(row["output"])), va="center", size=9, color=color
        )
        score = f"{row['score']}\n{row['metric']}"
        figure.text(COLUMNS["score"], middle, score, ha="right", va="center", size=8.5)
        top -= tall
    return figure


def show_media(axes: plt.Axes, inputs: bytes | np.ndarray) -> None:
    """A picture, or the spectrogram of a sound."""
    if isinstance(inputs, bytes):
        axes.imshow(Image.open(io.BytesIO(inputs)))
        axes.set_anchor("W")
    else:
        axes.specgram(inputs, NFFT=400, Fs=16000, noverlap=240, cmap="magma", vmin=-120)
        axes.set_ylim(0, 6000)
    axes.axis("off")


def main(folder: str, to_file: str) -> None:
    draw(rows_of(pathlib.Path(folder))).savefig(to_file, dpi=150)


if __name__ == "__main__":
    main(*sys.argv[1:])
