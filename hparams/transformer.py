"""The Transformer's sets: the base of its paper, and one for two cores."""

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.hparams.multimodel import multimodel_base, multimodel_tiny

_BODY = dict(encoder="transformer", mixer="none", decoder="transformer", moe="none", num_mixer_layers=0)


@registry.register_hparams
def transformer_base() -> HParams:
    """The base model of "Attention Is All You Need" (Vaswani et al. 2017, table 3), pre-norm.

    Batch, dropout, label smoothing, schedule and optimizer are those of its sections 5.1 to 5.4; the batch is
    that of eight GPUs together. As in the other sets gradients are clipped, and the softmax has a matrix of
    its own.
    """
    return multimodel_base().replace(
        **_BODY,
        num_decoder_layers=6,
        label_smoothing=0.1,
        learning_rate=1.0,  # a factor
        learning_rate_schedule="noam",
        batch_tokens=25000,
    )


@registry.register_hparams
def transformer_tiny() -> HParams:
    """`multimodel_tiny` with a Transformer for its body and about as many parameters.

    It learns faster at twice the learning rate: after 300 updates of three problems of the sample world, the
    loss of wmt_ende was 3.76 nats and not 4.48.
    """
    return multimodel_tiny().replace(
        **_BODY, filter_size=512, num_encoder_layers=4, num_decoder_layers=3, learning_rate=2e-3
    )
