import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite.data.media import images


def seeds(*numbers):
    return tf.constant([[1, number] for number in numbers], tf.int64)


@pytest.fixture(scope="module")
def gradient():
    """Brightness grows to the right, red downwards."""
    ramp = np.arange(80, dtype=np.uint8)
    return np.stack(
        [np.tile(ramp[:60, None], (1, 80)), np.tile(ramp, (60, 1)), np.zeros((60, 80))], -1
    ).astype(np.uint8)


def decode(image, size, crop_seeds=None, encode=tf.io.encode_png, **how):
    encoded = encode(image).numpy()
    count = 1 if crop_seeds is None else len(crop_seeds)
    return images.decode(tf.constant([encoded] * count), size, crop_seeds, **how).numpy()


@pytest.mark.parametrize("crop_seeds", [None, seeds(*range(8))])
def test_an_image_of_the_right_size_is_left_as_it_is(gradient, crop_seeds):
    square = gradient[:, :60]
    for decoded in decode(square, 60, crop_seeds, flip=True):
        np.testing.assert_allclose(decoded * 255, square, atol=1e-4)


def test_the_centre_is_what_evaluation_sees(gradient):
    (decoded,) = decode(gradient, 32) * 255
    assert decoded.shape == (32, 32, 3)
    # 0.875 of the shorter side, 53 of 60 pixels: columns 13 to 65, rows 3 to 55.
    assert decoded[16, 0, 1] == pytest.approx(13, abs=2) and decoded[16, 31, 1] == pytest.approx(65, abs=2)
    assert decoded[0, 16, 0] == pytest.approx(3, abs=2) and decoded[31, 16, 0] == pytest.approx(55, abs=2)


def test_augmentation_is_given_by_the_seed(gradient):
    first = decode(gradient, 32, seeds(*range(40)), flip=True)
    np.testing.assert_array_equal(first, decode(gradient, 32, seeds(*range(40)), flip=True))
    assert len({image.tobytes() for image in first}) == 40
    mirrored = sum(image[16, 0, 1] > image[16, 31, 1] for image in first)
    assert 8 < mirrored < 32
    assert all(image[0, 16, 0] <= image[31, 16, 0] for image in first)  # never upside down


def test_nothing_is_mirrored_unless_asked_for(gradient):
    turned, straight = (decode(gradient, 32, seeds(*range(40)), flip=flip) for flip in (True, False))
    assert all(image[16, 0, 1] < image[16, 31, 1] for image in straight)
    for one, other in zip(turned, straight, strict=True):  # the crops are the same
        assert np.array_equal(one, other) or np.array_equal(one, other[:, ::-1])


def test_the_middle_may_be_mirrored(gradient):
    centre = decode(gradient, 32)[0]
    images = decode(gradient, 32, seeds(*range(40)), crop=False, flip=True)
    assert {image.tobytes() for image in images} == {centre.tobytes(), centre[:, ::-1].tobytes()}
    images = decode(gradient, 32, seeds(*range(40)), crop=False)
    assert {image.tobytes() for image in images} == {centre.tobytes()}


def test_grey_jpeg_and_images_smaller_than_asked_for():
    grey = np.full((10, 20, 1), 100, np.uint8)
    images = decode(grey, 32, encode=tf.io.encode_jpeg)
    np.testing.assert_allclose(images * 255, 100, atol=2)
    assert images.shape == (1, 32, 32, 3)


def smooth(height, width):
    """Brightness grows to the right, redness downwards, over the whole range: places can be read off."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack([rows * 255 / (height - 1), columns * 255 / (width - 1), np.full_like(rows, 90)], -1)
    return picture.astype(np.uint8)


def jpeg(image):
    return tf.io.encode_jpeg(image, quality=95, chroma_downsampling=False)


@pytest.mark.parametrize("height, width", [(60, 80), (90, 71), (301, 203), (640, 522), (37, 500)])
@pytest.mark.parametrize("crop_seeds", [None, seeds(*range(30))])
def test_a_jpeg_of_any_size_gives_the_crop_that_a_png_gives(height, width, crop_seeds):
    """A PNG is decoded as a whole and at full size, so it does not share what makes JPEGs quick."""
    image = smooth(height, width)
    fused, plain = (decode(image, 32, crop_seeds, encode) for encode in (jpeg, tf.io.encode_png))
    # A pixel of a JPEG decoded at an eighth may lie 7/8 of a pixel of the result beside its place.
    assert np.abs(fused - plain).max() < 0.05 and np.abs(fused - plain).mean() < 0.012


def test_large_images_are_averaged_and_not_sampled():
    """Stripes one pixel wide are grey from afar; sampled, they would be stripes of another width."""
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    for encode in (jpeg, tf.io.encode_png):
        for size in (150, 64, 32):
            images = decode(stripes, size, None, encode)
            assert images.mean() == pytest.approx(0.5, abs=0.01)
            assert images.std() < 0.17  # of the stripes: 0.5


def test_a_jpeg_of_the_right_size_is_left_as_it_is():
    image = smooth(32, 32)
    for crop_seeds in (None, seeds(*range(6))):
        images = decode(image, 32, crop_seeds, jpeg)
        np.testing.assert_array_equal(
            images, np.float32([tf.io.decode_jpeg(jpeg(image))] * len(images)) / 255
        )


def test_crops_have_8_to_100_percent_of_the_area_and_are_nearly_square():
    """Szegedy et al. 2014: the aspect ratio is between 3/4 and 4/3."""
    images = decode(smooth(400, 400), 24, seeds(*range(60)), tf.io.encode_png)
    height = (images[:, -1, 12, 0] - images[:, 0, 12, 0]) * 24 / 23  # of the picture's
    width = (images[:, 12, -1, 1] - images[:, 12, 0, 1]) * 24 / 23
    assert 0.06 < (height * width).min() < 0.2 and 0.8 < (height * width).max() < 1.02
    assert 0.7 < (width / height).min() < 0.85 and 1.2 < (width / height).max() < 1.42


def test_cmyk_jpegs_have_the_colours_of_the_picture():
    image = smooth(60, 80)
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).convert("CMYK").save(buffer, "JPEG", quality=95)
    for crop_seeds in (None, seeds(*range(10))):
        cmyk = images.decode(
            tf.constant([buffer.getvalue()] * len(crop_seeds if crop_seeds is not None else [0])),
            32,
            crop_seeds,
        )
        assert np.abs(cmyk.numpy() - decode(image, 32, crop_seeds)).max() < 0.05


def test_a_batch_may_hold_both_formats():
    encoded = [encode(smooth(50, 50)).numpy() for encode in (jpeg, tf.io.encode_png)]
    both = images.decode(tf.constant(encoded), 20, seeds(3, 3)).numpy()
    assert both.shape == (2, 20, 20, 3) and np.abs(both[0] - both[1]).max() < 0.05


@pytest.mark.parametrize("crop_seeds", [None, seeds(4)])
@pytest.mark.parametrize("damage", ["text", "a truncated JPEG", "a truncated PNG", "nothing"])
def test_what_is_no_image_stops_the_training(damage, crop_seeds):
    bad = {
        "text": b"hello",
        "a truncated JPEG": jpeg(smooth(60, 80)).numpy()[:400],
        "a truncated PNG": tf.io.encode_png(smooth(60, 80)).numpy()[:-300],
        "nothing": b"",
    }
    dataset = tf.data.Dataset.from_tensors(tf.constant([bad[damage]]))
    with pytest.raises(tf.errors.InvalidArgumentError):
        next(iter(dataset.map(lambda encoded: images.decode(encoded, 32, crop_seeds))))
