"""What training crops, mirrors, recolours and speeds up, drawn anew each epoch: by (seed, epoch, index)."""

import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.data.media import images
from t2tlite.data.reading.planned import Planned
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Order, Source

SIZE = 8
NUMBER = 40


def a_problem(targets, **image):
    new_problem = problem.Problem()
    new_problem.name, new_problem.inputs, new_problem.targets = "toy", problem.Image(**image), targets
    return new_problem


def ramp(height=60, width=72):
    """A picture whose redness grows to the right, with noise in the other colours."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, width)
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read(
    world, toy, training=True, seed=1, epoch=0, index=range(NUMBER), rows=(0, 1), picture=None, **hparams
):
    """The pictures that training sees of one and the same file, `[index, SIZE, SIZE, 3]`."""
    reader = Reader(
        toy,
        world.vocabulary,
        ["one"],
        world.hparams.replace(**{"image_size": SIZE, **hparams}),
        ReadConfig(training=training, seed=seed, rows=rows),
    )
    return decoded(reader, picture or ramp(), epoch, index)["inputs"].numpy()


def decoded(reader, value, epoch, index, length=None):
    """A worker's rows of a batch whose examples all have one and the same input."""
    epochs = tf.fill([len(index)], tf.constant(epoch, tf.int64))
    numbers = tf.constant(list(index), tf.int64)
    mine = reader.rows
    stored = tf.constant([value] * len(index))[mine]
    return reader.codecs["inputs"].dense("inputs", stored, epochs[mine], numbers[mine], length)


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


@pytest.mark.parametrize("allowed", ["flip", "recolour"])
def test_of_the_problems_imagenet_alone_is_mirrored_and_recoloured(allowed):
    features = [(p.name, f) for p in registry.problems("all") for f in p.features().values()]
    assert {name for name, feature in features if getattr(feature, allowed, False)} == {"imagenet"}


def test_a_picture_of_the_right_size_is_cropped_if_a_least_area_is_given(world):
    """And mirrored; that of a caption isn't cropped."""
    toy, small = a_problem(problem.Label(), flip=True), ramp(SIZE, SIZE)
    assert distinct(read(world, toy, picture=small)) == 1
    crops = read(world, toy, picture=small, image_crop=0.5)
    assert distinct(crops) > NUMBER / 2 and NUMBER / 4 < mirrored(crops) < NUMBER * 3 / 4
    assert distinct(read(world, toy, picture=small, image_crop=0.5, training=False)) == 1
    assert distinct(read(world, a_problem(problem.Text()), picture=small, image_crop=0.5)) == 1


def test_a_larger_least_area_keeps_more_of_a_picture(world):
    """The redness spans the picture, so a crop has as large a part of it as of the width."""
    toy, spans = a_problem(problem.Label()), []
    for least in (0.0, 0.5, 0.9):
        reds = read(world, toy, image_crop=least)[:, SIZE // 2, :, 0]
        spans.append((reds[:, -1] - reds[:, 0]).min())
    assert spans[0] < spans[1] < spans[2] and spans[2] > 0.6


def test_only_a_problem_that_says_so_is_recoloured(world):
    captions = problem.Text()
    assert distinct(read(world, a_problem(captions), image_jitter=0.3)) == 1
    toy = a_problem(captions, recolour=True)
    assert distinct(read(world, toy)) == 1
    assert distinct(read(world, toy, image_jitter=0.3, training=False)) == 1
    pictures = read(world, toy, image_jitter=0.3)
    assert distinct(pictures) == NUMBER and pictures.min() >= 0 and pictures.max() <= 1
    brightness = pictures.mean(axis=(1, 2, 3)) / read(world, toy)[0].mean()
    assert brightness.min() < 0.85 and brightness.max() > 1.15
    assert 0.6 < brightness.min() and brightness.max() < 1.4


def test_recolouring_is_brightness_contrast_and_saturation():
    """Against NumPy in float64, with the factors that the seed draws."""
    image = np.random.default_rng(0).uniform(60, 180, (4, 5, 3))
    for number in range(5):
        seed = tf.constant([number, 3], tf.int64)
        result = images.jittered(tf.constant(image, tf.float32), seed, 0.2)
        factors = tf.random.stateless_uniform([3], seed, 0.8, 1.2).numpy().astype(float)
        bright = image * factors[0]
        grey = bright @ [[0.2989], [0.5870], [0.1140]]
        coloured = grey + (bright - grey) * factors[2]
        expected = grey.mean() + (coloured - grey.mean()) * factors[1]
        np.testing.assert_allclose(result, expected.clip(0, 255), rtol=1e-4)


def heard(world, training=True, epoch=0, index=range(NUMBER), rows=(0, 1), change=0.1):
    """Lengths and samples of one and the same sound of 0.1 s as training reads it."""
    toy = problem.Problem()
    toy.name, toy.inputs, toy.targets = "toy", problem.Audio(), problem.Label()
    hparams = world.hparams.replace(seconds_bounds=(0.2,), audio_speed=change)
    config = ReadConfig(training=training, seed=1, rows=rows)
    [stored] = toy.inputs.to_record(np.sin(np.arange(1600) * 0.05).astype(np.float32))
    reader = Reader(toy, world.vocabulary, ["one"], hparams, config)
    dense = decoded(reader, stored, epoch, index, length=tf.constant(3200))
    return dense["inputs_length"].numpy(), dense["inputs"].numpy()


def test_sounds_are_faster_and_slower_in_training(world):
    lengths, samples = heard(world)
    assert set(lengths) == {1455, 1600, 1778}
    assert samples.shape == (NUMBER, 3200)
    for other in (heard(world, training=False), heard(world, change=0.0)):
        assert set(other[0]) == {1600}
        np.testing.assert_array_equal(other[1][0], samples[lengths == 1600][0])
    assert (heard(world, epoch=1)[0] != lengths).any()
    np.testing.assert_array_equal(heard(world, index=range(NUMBER)[::-1])[0], lengths[::-1])
    np.testing.assert_array_equal(heard(world, rows=(1, 3))[0], lengths[1::3])


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
    source = Source(world.split(toy.name, "validation"))
    blocks = Planned(source, {}, reader).blocks(Order(seed=1, repeat=True), size)
    by_index = {}
    for number, plan in enumerate(blocks.take(3)):
        epoch, numbers = plan["epoch"], plan["index"]
        pictures = reader.dense(source.fetch(numbers, None), epoch, numbers, {})["inputs"].numpy()
        assert set(epoch.numpy()) == {number}
        for index, picture in zip(numbers.numpy(), pictures, strict=True):
            by_index.setdefault(int(index), []).append(picture)
    assert all(distinct(pictures) == 3 for pictures in by_index.values()) and len(by_index) == size
