"""`tfds.testing.mock_data` for datasets of captions, too, whose strings it can't encode itself."""

import contextlib
import io

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image


@contextlib.contextmanager
def mocked(num_examples: int):
    """TFDS as if everything were prepared: random examples for each name, config and split.

    The mock fails at a `Sequence` with strings as soon as images are to be left encoded (tfds 4.9.10), so
    such datasets get their examples from here.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(tfds.testing.mock_data(num_examples=num_examples))
        ordinary = tfds.core.dataset_builder.FileReaderBuilder._as_dataset

        def as_dataset(self, *args, **kwargs):
            if self.name == "coco_captions":
                return captions(num_examples)
            return ordinary(self, *args, **kwargs)

        stack.enter_context(tfds.testing.mock_data(num_examples=num_examples, as_dataset_fn=as_dataset))
        yield


def captions(num_examples: int) -> tf.data.Dataset:
    """Examples with the features of `coco_captions` that do not concern its boxes."""
    signature = {
        "captions": {"id": tf.TensorSpec([None], tf.int64), "text": tf.TensorSpec([None], tf.string)},
        "image": tf.TensorSpec([], tf.string),
        "image/filename": tf.TensorSpec([], tf.string),
        "image/id": tf.TensorSpec([], tf.int64),
    }
    examples = [_caption_example(number) for number in range(num_examples)]
    dataset = tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(num_examples))


def _caption_example(number):
    buffer = io.BytesIO()
    noise = np.random.default_rng(number).integers(0, 255, (20 + number, 30, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return {
        "captions": {"id": np.arange(5), "text": [f"picture {number}, words {i}".encode() for i in range(5)]},
        "image": buffer.getvalue(),
        "image/filename": f"COCO_{number:012d}.jpg".encode(),
        "image/id": number,
    }
