"""Component: a Keras layer that is looked up by name and made from the hyperparameters."""

import keras

from t2tlite import hparam


class Component(keras.layers.Layer):
    """Base of encoders, mixers, decoders and modalities.

    Args:
      hparams: the run's `HParams`.
    """

    def __init__(self, hparams, **kwargs):
        super().__init__(**kwargs)
        self.hparams = hparams

    @classmethod
    def from_hparams(cls, hparams, **kwargs):
        """The convention by which the model makes any registered component, this class or not."""
        return cls(hparams, **kwargs)

    def get_config(self):
        return {**super().get_config(), "hparams": hparam.to_json(self.hparams)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "hparams": hparam.from_json(config["hparams"])})
