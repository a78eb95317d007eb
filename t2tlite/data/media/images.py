"""Images of any size to squares of one size, with the augmentation of training derived from a seed."""

import functools

import tensorflow as tf

_CENTRE = 0.875  # share of the shorter side that the centre crop keeps
_RATIOS = (1, 2, 4, 8)  # by which a JPEG can be made smaller while it is decoded


def decode(
    encoded: tf.Tensor, size: int, seeds: tf.Tensor | None, crop: bool = True, flip: bool = False
) -> tf.Tensor:
    """Decodes a batch of PNG or JPEG images.

    An image that already has the size is left as it is. Another is cropped and resized: at random where
    seeds are given (8 to 100% of the area, aspect ratio 3/4 to 4/3; Szegedy et al. 2014, arXiv 1409.4842),
    from the centre otherwise. Of a JPEG only the crop is decoded, and no finer than the size asks for; so a
    fault outside the crop can go unseen.

    Args:
      encoded: bytes `[batch]`.
      size: side of the result, pixels.
      seeds: int64 `[batch, 2]`, or None: no augmentation.
      crop: whether seeds draw the crop; otherwise it is that of the centre.
      flip: whether seeds mirror half of the images that don't have the size, left for right.

    Returns:
      float32 `[batch, size, size, 3]` in [0, 1].

    Raises:
      tf.errors.InvalidArgumentError: when it runs, if bytes are no image that can be decoded.
    """
    spec = tf.TensorSpec([size, size, 3], tf.float32)
    decode_one = functools.partial(_decode_one, size, crop, flip)
    if seeds is None:
        return tf.map_fn(decode_one, encoded, fn_output_signature=spec) / 255.0
    return tf.map_fn(lambda pair: decode_one(*pair), (encoded, seeds), fn_output_signature=spec) / 255.0


def _decode_one(
    size: int, crop: bool, flip: bool, encoded: tf.Tensor, seed: tf.Tensor | None = None
) -> tf.Tensor:
    drawn = seed if crop else None
    part, fits = tf.cond(
        tf.io.is_jpeg(encoded), lambda: _jpeg(encoded, size, drawn), lambda: _other(encoded, size, drawn)
    )
    image = _resized(part, size)  # [size, size, 3]
    if seed is None or not flip:
        return image
    mirrored = (tf.random.stateless_uniform([], seed + 1) < 0.5) & ~fits
    # The small image rather than the crop: fewer pixels to move.
    return tf.ensure_shape(tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image), [size, size, 3])


def _jpeg(encoded: tf.Tensor, size: int, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    window, fits = _window(tf.io.extract_jpeg_shape(encoded), size, seed)
    spare = tf.reduce_min(window[2:]) // size  # how many times larger than needed
    coarsest = tf.reduce_sum(tf.cast(spare >= _RATIOS[1:], tf.int32))
    # A window counts pixels of the image that has been made smaller.
    decoded = [
        functools.partial(tf.io.decode_and_crop_jpeg, encoded, window // ratio, channels=3, ratio=ratio)
        for ratio in _RATIOS
    ]
    return tf.switch_case(coarsest, decoded), fits


def _other(encoded: tf.Tensor, size: int, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)  # [height, width, 3]
    window, fits = _window(tf.shape(image), size, seed)
    top, left, height, width = tf.unstack(window)
    return image[top : top + height, left : left + width], fits


def _window(shape: tf.Tensor, size: int, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    """What to cut out, `[top, left, height, width]`, and whether that is all since it has the size."""
    extent = shape[:2]
    fits = tf.reduce_all(tf.equal(extent, size))
    whole = tf.concat([[0, 0], extent], 0)
    crop = _centre(extent) if seed is None else _drawn(extent, seed)
    return tf.where(fits, whole, crop), fits


def _centre(extent: tf.Tensor) -> tf.Tensor:
    side = tf.cast(tf.math.ceil(_CENTRE * tf.cast(tf.reduce_min(extent), tf.float32)), tf.int32)
    return tf.concat([(extent - side) // 2, [side, side]], 0)


def _drawn(extent: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    begin, crop, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([extent, [3]], 0),
        tf.zeros([0, 0, 4]),
        seed=seed,
        area_range=(0.08, 1.0),
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
