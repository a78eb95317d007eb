"""Pictures as tensors: pixels in batches, in decoding, and in the graph of an export."""

import tensorflow as tf

from t2tlite.data import images
from t2tlite.features.codec import Codec


class ImageCodec(Codec):
    """Encoded images to pixels; see `Image.codec`.

    Args:
      flip: whether training mirrors half of the images.
    """

    def __init__(self, reading, flip: bool):
        super().__init__(reading)
        self._flip = flip
        # A caption is of the whole picture; what is left of it mostly has the class.
        self._crops = reading.to_class

    def dense(self, name, compact, epoch, index, rows):
        seeds = None
        if self.reading.training and (self._crops or self._flip):
            epoch = epoch * 1_000_003 + self.reading.seed
            seeds = tf.stack([epoch, index], axis=1)[rows]  # [rows, 2]
        size = self.reading.hparams.image_size
        return {name: images.decode(compact[rows], size, seeds, self._crops, self._flip)}
