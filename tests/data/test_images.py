import numpy as np
import pytest
import tensorflow as tf

from t2tlite.data import images


def seeds(*numbers):
    return tf.constant([[1, number] for number in numbers], tf.int64)


@pytest.fixture(scope="module")
def gradient():
    """Brightness grows to the right, red downwards."""
    ramp = np.arange(80, dtype=np.uint8)
    return np.stack(
        [np.tile(ramp[:60, None], (1, 80)), np.tile(ramp, (60, 1)), np.zeros((60, 80))], -1
    ).astype(np.uint8)


def decode(image, size, given=None, encode=tf.io.encode_png):
    encoded = encode(image).numpy()
    count = 1 if given is None else len(given)
    return images.decode(tf.constant([encoded] * count), size, given).numpy()


@pytest.mark.parametrize("given", [None, seeds(5)])
def test_an_image_of_the_right_size_is_left_as_it_is(gradient, given):
    square = gradient[:, :60]
    np.testing.assert_allclose(decode(square, 60, given)[0] * 255, square, atol=1e-4)


def test_the_centre_is_what_evaluation_sees(gradient):
    (made,) = decode(gradient, 32) * 255
    assert made.shape == (32, 32, 3)
    # 0.875 of the shorter side, 53 of 60 pixels: columns 13 to 65, rows 3 to 55.
    assert made[16, 0, 1] == pytest.approx(13, abs=2) and made[16, 31, 1] == pytest.approx(65, abs=2)
    assert made[0, 16, 0] == pytest.approx(3, abs=2) and made[31, 16, 0] == pytest.approx(55, abs=2)


def test_augmentation_is_given_by_the_seed(gradient):
    first = decode(gradient, 32, seeds(*range(40)))
    np.testing.assert_array_equal(first, decode(gradient, 32, seeds(*range(40))))
    assert len({image.tobytes() for image in first}) == 40
    mirrored = sum(image[16, 0, 1] > image[16, 31, 1] for image in first)
    assert 8 < mirrored < 32
    assert all(image[0, 16, 0] <= image[31, 16, 0] for image in first)  # never upside down


def test_grey_jpeg_and_images_smaller_than_asked_for():
    grey = np.full((10, 20, 1), 100, np.uint8)
    made = decode(grey, 32, encode=tf.io.encode_jpeg)
    np.testing.assert_allclose(made * 255, 100, atol=2)
    assert made.shape == (1, 32, 32, 3)
