"""Images of any size to squares of one size, with the augmentation of training derived from a seed."""

import functools
from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

Window: TypeAlias = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

_CENTRE = 0.875  # share of the shorter side that the center crop keeps
_LEAST_AREA = 0.08  # of a drawn crop, as a share of the image
_RATIOS = (1, 2, 4, 8)  # by which a JPEG can be made smaller while it is decoded


def decode(
    encoded: tf.Tensor,
    size: int,
    seeds: tf.Tensor | None,
    crop: bool = True,
    flip: bool = False,
    least_area: float = 0.0,
    jitter: float = 0.0,
) -> tf.Tensor:
    """Decodes a batch of PNG or JPEG images.

    An image that already has the size is left as it is, unless `least_area` is given. Another is cropped and
    resized: at random where seeds are given (8 to 100% of the area, aspect ratio 3/4 to 4/3; Szegedy et al.
    2014, arXiv 1409.4842), from the center otherwise. Of a JPEG only the crop is decoded, and no finer than
    the size asks for; so a fault outside the crop can go unseen.

    Args:
      encoded: bytes `[batch]`.
      size: side of the result, pixels.
      seeds: int64 `[batch, 2]`, or None: no augmentation.
      crop: whether seeds draw the crop; otherwise it is that of the center.
      flip: whether seeds mirror half of the images that are cropped or resized, left for right.
      least_area: of a drawn crop, as a share of the image, instead of 8%; then images that already have the
        size are cropped as well. 0: as above.
      jitter: by what share seeds change brightness, contrast and saturation at most, see `jittered`.

    Returns:
      float32 `[batch, size, size, 3]` in [0, 1].

    Raises:
      tf.errors.InvalidArgumentError: when it runs, if bytes are no image that can be decoded.
    """
    spec = tf.TensorSpec([size, size, 3], tf.float32)
    decode_one = functools.partial(_decode_one, size, crop, flip, least_area, jitter)
    if seeds is None:
        return tf.map_fn(decode_one, encoded, fn_output_signature=spec) / 255.0
    return tf.map_fn(lambda pair: decode_one(*pair), (encoded, seeds), fn_output_signature=spec) / 255.0


def _decode_one(
    size: int,
    crop: bool,
    flip: bool,
    least_area: float,
    jitter: float,
    encoded: tf.Tensor,
    seed: tf.Tensor | None = None,
) -> tf.Tensor:
    drawn = seed if crop else None
    window = functools.partial(_window, size=size, seed=drawn, least_area=least_area)
    part, fits = tf.cond(
        tf.io.is_jpeg(encoded), lambda: _jpeg(encoded, size, window), lambda: _other(encoded, window)
    )
    image = _resized(part, size)  # [size, size, 3]
    if seed is not None and jitter:
        image = jittered(image, seed + 2, jitter)
    if seed is None or not flip:
        return image
    mirrored = (tf.random.stateless_uniform([], seed + 1) < 0.5) & ~fits
    # The small image rather than the crop: fewer pixels to move.
    return tf.ensure_shape(tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image), [size, size, 3])


def jittered(image: tf.Tensor, seed: tf.Tensor, most: float) -> tf.Tensor:
    """Other brightness, contrast and saturation, but the same hues (Howard 2013, arXiv 1312.5402).

    Each is multiplied by a factor that is drawn evenly between 1 - most and 1 + most.

    Args:
      image: float `[height, width, 3]` in [0, 255].
      seed: int64 `[2]`.
      most: below 1.
    """
    brightness, contrast, saturation = tf.unstack(
        tf.random.stateless_uniform([3], seed, 1 - most, 1 + most, image.dtype)
    )
    image *= brightness
    grey = tf.image.rgb_to_grayscale(image)  # [height, width, 1]
    image = grey + (image - grey) * saturation
    mean = tf.reduce_mean(grey)
    return tf.clip_by_value(mean + (image - mean) * contrast, 0.0, 255.0)


def _jpeg(encoded: tf.Tensor, size: int, find: Window) -> tuple[tf.Tensor, tf.Tensor]:
    window, fits = find(tf.io.extract_jpeg_shape(encoded))
    spare = tf.reduce_min(window[2:]) // size  # how many times larger than needed
    coarsest = tf.reduce_sum(tf.cast(spare >= _RATIOS[1:], tf.int32))
    # A window counts pixels of the image that has been made smaller.
    decoded = [
        functools.partial(tf.io.decode_and_crop_jpeg, encoded, window // ratio, channels=3, ratio=ratio)
        for ratio in _RATIOS
    ]
    return tf.switch_case(coarsest, decoded), fits


def _other(encoded: tf.Tensor, find: Window) -> tuple[tf.Tensor, tf.Tensor]:
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)  # [height, width, 3]
    window, fits = find(tf.shape(image))
    top, left, height, width = tf.unstack(window)
    return image[top : top + height, left : left + width], fits


def _window(
    shape: tf.Tensor, size: int, seed: tf.Tensor | None, least_area: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """What to cut out, `[top, left, height, width]`, and whether that is all since it has the size."""
    extent = shape[:2]
    if seed is not None and least_area:
        return _drawn(extent, seed, least_area), tf.constant(False)
    fits = tf.reduce_all(tf.equal(extent, size))
    whole = tf.concat([[0, 0], extent], 0)
    crop = _centre(extent) if seed is None else _drawn(extent, seed, _LEAST_AREA)
    return tf.where(fits, whole, crop), fits


def _centre(extent: tf.Tensor) -> tf.Tensor:
    side = tf.cast(tf.math.ceil(_CENTRE * tf.cast(tf.reduce_min(extent), tf.float32)), tf.int32)
    return tf.concat([(extent - side) // 2, [side, side]], 0)


def _drawn(extent: tf.Tensor, seed: tf.Tensor, least_area: float) -> tf.Tensor:
    begin, crop, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([extent, [3]], 0),
        tf.zeros([0, 0, 4]),
        seed=seed,
        area_range=(least_area, 1.0),
        use_image_if_no_bounding_boxes=True,
    )
    return tf.concat([begin[:2], crop[:2]], 0)


def _resized(crop: tf.Tensor, size: int) -> tf.Tensor:
    """Means of areas, which is quick and shows no moiré; between the pixels of a crop that is too small."""
    crop = tf.ensure_shape(crop, [None, None, 3])
    return tf.ensure_shape(
        tf.cond(
            tf.reduce_all(tf.shape(crop)[:2] >= size),
            lambda: tf.image.resize(crop, [size, size], "area"),
            lambda: tf.image.resize(crop, [size, size]),
        ),
        [size, size, 3],
    )
