"""Small problems of each kind, generated once."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from t2tlite import hparam, problem
from t2tlite.data.preparing import generate
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts

COUNTS = {"train": 150, "validation": 20, "test": 10}
WORDS = "the a red blue old dog cat house tree runs sees likes slowly".split()


def sentence(rng, longest=12):
    return " ".join(rng.choice(WORDS, rng.integers(2, longest)))


def png(rng, height=16, width=16):
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (height, width, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


class Toy(problem.Problem):
    """Yields `make(rng, number)` as often as `counts` says."""

    counts = COUNTS

    def examples(self, split, source):
        for number in range(self.counts[split]):
            rng = np.random.default_rng([number, list(COUNTS).index(split)])
            inputs, targets = self.make(rng, number)
            yield {"inputs": inputs, "targets": targets}


class Reverse(Toy):
    name = "reverse"

    def make(self, rng, number):
        text = f"{number} {sentence(rng)}"
        return text, " ".join(reversed(text.split()))


class Unreverse(Reverse):
    name, corpus, swap = "unreverse", "reverse", True


class Upper(Reverse):
    """The stored targets are not what the model writes."""

    name = "upper"

    def to_text(self, example):
        return {**example, "targets": example["targets"].upper()}


class References(Toy):
    name = "references"

    def make(self, rng, number):
        return f"{number} dog", [f"{number} {word}" for word in WORDS[:5]]


class Captions(Toy):
    name, inputs = "captions", problem.Image()

    def make(self, rng, number):
        return png(rng), [f"{number} {word}" for word in WORDS[:5]]


class Classes(Toy):
    name, inputs, targets = "classes", problem.Image(), problem.Label()

    def labels(self, source):
        return "cat", "dog", "tree"

    def make(self, rng, number):
        return png(rng), self.labels("")[number % 3]


class Speech(Toy):
    name, inputs = "speech", problem.Audio()

    def make(self, rng, number):
        samples = rng.integers(1600, 24000)
        return np.linspace(-1, 1, samples, dtype=np.float32), f"{number} {sentence(rng, 5)}"


TOYS = {cls.name: cls for cls in (Reverse, Unreverse, Upper, References, Captions, Classes, Speech)}


@dataclasses.dataclass
class World:
    """Problems, their prepared data, a vocabulary over all their texts, and hyperparameters."""

    problems: dict
    data_dir: str
    vocabulary: object
    hparams: hparam.HParams
    classes: dict

    def split(self, name, split="train"):
        return PreparedSplit.open(self.problems[name], split, self.data_dir, self.vocabulary)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    data_dir = str(tmp_path_factory.mktemp("data"))
    problems = {name: cls() for name, cls in TOYS.items()}
    for toy in problems.values():
        generate.generate([toy], data_dir, "sample", progress=False, processes=1)
    splits = [PreparedSplit.open(toy, "train", data_dir) for toy in problems.values()]
    vocabulary = training_texts.build(splits, 600)
    hparams = hparam.get("multimodel_tiny").replace(
        batch_tokens=64,
        batch_images=8,
        batch_seconds=4.0,
        length_bounds=(8, 16, 48),
        seconds_bounds=(0.5, 1.0, 1.5),
        image_size=16,
    )
    return World(problems, data_dir, vocabulary, hparams, TOYS)
