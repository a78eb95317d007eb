"""Images of any size to squares of one size, with the augmentation of training derived from a seed."""

import functools

import tensorflow as tf

_CENTRE = 0.875  # share of the shorter side that the centre crop keeps


def decode(encoded: tf.Tensor, size: int, seeds: tf.Tensor | None) -> tf.Tensor:
    """Decodes a batch of PNG or JPEG images.

    An image that already has the size is left as it is. Another is cropped and resized: at random where
    seeds are given (8 to 100% of the area, aspect ratio 3/4 to 4/3, mirrored half of the time; Szegedy et
    al. 2014, arXiv 1409.4842), from the centre otherwise.

    Args:
      encoded: bytes `[batch]`.
      size: side of the result, pixels.
      seeds: int64 `[batch, 2]`, or None: no augmentation.

    Returns:
      float32 `[batch, size, size, 3]` in [0, 1].
    """
    shape = tf.TensorSpec([size, size, 3], tf.uint8)
    one = functools.partial(_one, size)
    if seeds is None:
        made = tf.map_fn(one, encoded, fn_output_signature=shape)
    else:
        made = tf.map_fn(lambda pair: one(*pair), (encoded, seeds), fn_output_signature=shape)
    return tf.cast(made, tf.float32) / 255.0


def _one(size, encoded, seed=None):
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)  # [height, width, 3]
    fits = tf.reduce_all(tf.equal(tf.shape(image)[:2], size))

    def fitted():
        cropped = _centre_crop(image) if seed is None else _random_crop(image, seed)
        resized = tf.image.resize(cropped, [size, size], antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)

    return tf.ensure_shape(tf.cond(fits, lambda: image, fitted), [size, size, 3])


def _centre_crop(image):
    shape = tf.shape(image)[:2]
    side = tf.cast(tf.math.ceil(_CENTRE * tf.cast(tf.reduce_min(shape), tf.float32)), tf.int32)
    start = (shape - side) // 2
    return image[start[0] : start[0] + side, start[1] : start[1] + side]


def _random_crop(image, seed):
    begin, crop, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.zeros([0, 0, 4]),
        seed=seed,
        area_range=(0.08, 1.0),
        use_image_if_no_bounding_boxes=True,
    )
    return tf.image.stateless_random_flip_left_right(tf.slice(image, begin, crop), seed=seed + 1)
