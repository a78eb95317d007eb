"""Which pictures training crops and mirrors, and that each epoch draws anew: by (seed, epoch, index)."""

import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Order, Source

SIZE = 8
NUMBER = 40


def a_problem(targets, **image):
    new_problem = problem.Problem()
    new_problem.name, new_problem.inputs, new_problem.targets = "toy", problem.Image(**image), targets
    return new_problem


def ramp():
    """A picture whose redness grows to the right, with noise in the other colours."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 72, 3), np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, 72)
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read(world, toy, training=True, seed=1, epoch=0, index=range(NUMBER), rows=(0, 1)):
    """The pictures that training sees of one and the same file, `[index, SIZE, SIZE, 3]`."""
    reader = Reader(
        toy,
        world.vocabulary,
        ["one"],
        world.hparams.replace(image_size=SIZE),
        ReadConfig(training=training, seed=seed, rows=rows),
    )
    batch = {
        "inputs": tf.constant([ramp()] * len(index)),
        "targets": tf.zeros([len(index), 2], tf.int32),
        "epoch": tf.fill([len(index)], tf.constant(epoch, tf.int64)),
        "index": tf.constant(list(index), tf.int64),
    }
    return reader.dense(batch)["inputs"].numpy()


def mirrored(pictures):
    return sum(picture[4, 0, 0] > picture[4, -1, 0] for picture in pictures)


def distinct(pictures):
    return len({picture.tobytes() for picture in pictures})


@pytest.mark.parametrize("targets", [problem.Label(), problem.Text()], ids=["class", "caption"])
def test_only_a_problem_that_says_so_is_mirrored(world, targets):
    """Classes and captions may tell left from right."""
    assert mirrored(read(world, a_problem(targets))) == 0
    assert NUMBER / 4 < mirrored(read(world, a_problem(targets, flip=True))) < NUMBER * 3 / 4
    assert mirrored(read(world, a_problem(targets, flip=True), training=False)) == 0


def test_pictures_of_classes_are_cropped_and_those_of_captions_are_not(world):
    assert distinct(read(world, a_problem(problem.Label()))) == NUMBER
    assert distinct(read(world, a_problem(problem.Text()))) == 1
    assert distinct(read(world, a_problem(problem.Text(), flip=True))) == 2
    assert distinct(read(world, a_problem(problem.Label()), training=False)) == 1


def test_of_the_problems_imagenet_alone_is_mirrored():
    flips = {p.name for p in registry.problems("all") for f in p.features().values() if getattr(f, "flip", 0)}
    assert flips == {"imagenet"}


def test_a_draw_is_a_function_of_seed_epoch_and_index(world):
    toy = a_problem(problem.Label(), flip=True)
    first = read(world, toy)
    for other in ({"seed": 2}, {"epoch": 1}, {"index": range(NUMBER, 2 * NUMBER)}):
        assert distinct([*first, *read(world, toy, **other)]) == 2 * NUMBER, other
    assert np.array_equal(first[::-1], read(world, toy, index=range(NUMBER)[::-1]))
    assert np.array_equal(first[1::3], read(world, toy, rows=(1, 3)))


def test_an_example_looks_different_in_each_epoch(world):
    """Through the stream of records, which numbers the epochs."""
    toy, size = world.problems["classes"], 20
    reader = Reader(
        toy, None, toy.labels(""), world.hparams.replace(image_size=SIZE), ReadConfig(training=True, seed=1)
    )
    blocks = Source(world.split(toy.name, "validation")).blocks(Order(seed=1, repeat=True), size)
    by_index = {}
    for number, block in enumerate(blocks.take(3)):
        pictures = reader.dense(reader.compact(*block))["inputs"].numpy()
        assert set(block[0].numpy()) == {number}
        for index, picture in zip(block[1].numpy(), pictures, strict=True):
            by_index.setdefault(int(index), []).append(picture)
    assert all(distinct(pictures) == 3 for pictures in by_index.values()) and len(by_index) == size
