"""Component: a Keras layer that is looked up by name and made from the hyperparameters."""

import contextlib
from collections.abc import Iterator
from typing import Any, Self

import keras

from t2tlite import hparam
from t2tlite.errors import UserError
from t2tlite.hparam import HParams


@contextlib.contextmanager
def dtype_scope(dtype: Any) -> Iterator[None]:
    """Within, layers are made with this dtype policy (a name, a policy, its config); None: the global one."""
    before = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(dtype))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class Component(keras.layers.Layer):
    """Base of encoders, mixers, decoders and modalities.

    Args:
      hparams: the run's `HParams`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__)(cls)  # a user's own, too

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hparams = hparams

    @classmethod
    def from_hparams(cls, hparams: HParams, **kwargs: Any) -> Self:
        """The convention by which the model makes any registered component, this class or not.

        A `dtype` among the arguments holds for the component's own layers, too.
        """
        with dtype_scope(kwargs.get("dtype")):
            return cls(hparams, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hparams": hparam.to_json(self.hparams)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        with dtype_scope(config.get("dtype")):
            return cls(**{**config, "hparams": hparam.from_json(config["hparams"])})


def check_attention(hparams: HParams) -> None:
    """Raises a UserError where `attention` is false and the decoder has no variant without it."""
    if not hparams.attention:
        raise UserError(
            f"the decoder `{hparams.decoder}` has no variant without attention; received attention=False; use"
            " attention=true or decoder=multimodel"
        )
