"""The sentencepiece operations of TensorFlow Text, without the rest of that package."""

import functools
import importlib.util
import pathlib
from types import ModuleType

import tensorflow as tf

from t2tlite import quiet

_LIBRARY = "python/ops/_sentencepiece_tokenizer.so"


@functools.cache
def _operations() -> ModuleType:
    """Importing the package instead loads 25 libraries: 110 MB of memory and two seconds."""
    package = importlib.util.find_spec("tensorflow_text")
    assert package is not None and package.origin is not None  # t2tlite depends on it
    return tf.load_op_library(str(pathlib.Path(package.origin).parent / _LIBRARY))


class _Model(tf.saved_model.experimental.TrackableResource):
    """A sentencepiece model in the runtime; it goes into what is exported."""

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self._model = model
        with quiet.without_notes():  # one is that the model has no rules of normalization
            _ = self.resource_handle  # creates it

    def _create_resource(self) -> tf.Tensor:
        return _operations().sentencepiece_op(model=self._model)


class Tokenizer(tf.Module):
    """Texts to ids and back, in the graph.

    Args:
      model: a serialized sentencepiece model.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self._resource = _Model(model)

    def exists(self) -> bool:
        """Whether the runtime still holds it. TensorFlow forgets its kernels where a global seed is set."""
        try:
            _operations().sentencepiece_vocab_size_op(self._resource.resource_handle)
        except tf.errors.NotFoundError:
            return False
        return True

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """UTF-8 strings `[batch]` to int32 ids `[batch, (length)]`, each row ending in the end token."""
        ids, splits = _operations().sentencepiece_tokenize_op(
            self._resource.resource_handle,
            texts,
            nbest_size=0,
            alpha=1.0,
            add_bos=False,
            add_eos=True,
            reverse=False,
        )
        return tf.RaggedTensor.from_row_splits(ids, splits, validate=False)

    def detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """int32 ids `[batch, (length)]`, without control tokens, to UTF-8 strings `[batch]`."""
        return _operations().sentencepiece_detokenize_op(
            self._resource.resource_handle,
            ids.flat_values,
            ids.row_splits,
            add_bos=False,
            add_eos=True,
            reverse=False,
        )
