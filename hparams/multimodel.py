"""The MultiModel's sets: the paper's, the default, for single problems, for two cores, for small corpora."""

from t2tlite import registry
from t2tlite.hparam import HParams


@registry.register_hparams
def multimodel_base() -> HParams:
    """Width 512, 240 experts of which 4 a position: joint training on one GPU or several.

    Apart from its size it differs from the paper's text in dropout (0.1 instead of 0.4) and in the timing
    signal that is added before the encoder as well, as in the code of June 2017.
    """
    return HParams(
        hidden_size=512,
        filter_size=2048,
        num_heads=8,
        num_encoder_layers=6,
        num_mixer_layers=2,
        num_decoder_layers=4,
        dropout=0.1,
        moe_num_experts=240,
        moe_k=4,
        image_size=299,
        image_widths=(32, 64, 128, 256),
        learning_rate=1e-3,
        learning_rate_schedule="rsqrt",
        learning_rate_warmup_steps=4000,
        batch_tokens=2048,
        batch_images=16,
        batch_seconds=64.0,
        length_bounds=(8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
        seconds_bounds=(2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0),
    )


@registry.register_hparams
def multimodel_single() -> HParams:
    """`multimodel_base` for training on one problem: 60 experts ("One Model To Learn Them All", 2.1.3)."""
    return multimodel_base().replace(moe_num_experts=60)


@registry.register_hparams
def multimodel_paper() -> HParams:
    """What the paper says: width 1024, dropout 0.4 of every ConvBlock, no timing before the encoder.

    What the paper leaves open is listed in docs/multimodel.md with what is chosen here. The most visible
    choice: an update trains one problem. `multimodel_paper_joint` trains all eight in every update.
    """
    return multimodel_base().replace(hidden_size=1024, filter_size=4096, dropout=0.4, encoder_timing=False)


@registry.register_hparams
def multimodel_paper_joint() -> HParams:
    """`multimodel_paper` with a batch of each of the eight problems in every update, the joint training.

    For another number of problems set `accumulate` to that number.
    """
    return multimodel_paper().replace(accumulate=8)


@registry.register_hparams
def multimodel_2017_06() -> HParams:
    """Tensor2Tensor's code of June 2017, by its differences from the paper's text; width as of the base.

    Smaller experts, kernels of rising sizes without dilation or skip connections, attention with one head.
    What is not known of it is as in `multimodel_base`; see docs/multimodel.md.
    """
    return multimodel_base().replace(
        filter_size=512,
        num_heads=1,
        kernel_sizes=(3, 7, 15, 31),
        large_kernel_dilation=1,
        conv_skips=False,
        dropout=0.1,
        dropout_per="stack",
        moe_num_experts=120,
        moe_k=2,
        label_smoothing=0.1,
        learning_rate=1e-4,
        clip_grad_norm=2.0,
        optimizer_adam_beta1=0.85,
        optimizer_adam_beta2=0.997,
        optimizer_adam_epsilon=1e-6,
    )


@registry.register_hparams
def multimodel_2017_07() -> HParams:
    """`multimodel_base` of Tensor2Tensor's rewrite of July 2017: a Transformer decodes; 30 experts.

    Its experts are in the encoder and in the decoder, as here; see docs/multimodel.md.
    """
    return multimodel_base().replace(
        mixer="none",
        num_mixer_layers=0,
        decoder="transformer",
        num_encoder_layers=4,
        num_decoder_layers=4,
        moe_num_experts=30,
        moe_k=2,
        learning_rate=1.0,  # a factor
        learning_rate_schedule="noam",
        learning_rate_warmup_steps=4000,
    )


@registry.register_hparams
def multimodel_tiny() -> HParams:
    """Small, shallow, quick: learns the sample world on two cores in minutes, with the same blocks."""
    return multimodel_base().replace(
        hidden_size=128,
        filter_size=256,
        num_heads=4,
        num_encoder_layers=2,
        num_mixer_layers=1,
        num_decoder_layers=1,
        dropout=0.0,
        moe_num_experts=8,
        moe_k=2,
        vocabulary_size=2048,
        image_size=64,
        image_widths=(16, 24, 32, 64),
        image_complement=True,
        audio_blocks=2,
        audio_strided_blocks=2,
        audio_least_width=16,
        audio_num_mel_bins=32,
        audio_frame_step=12.0,
        learning_rate_schedule="cosine",
        learning_rate_warmup_steps=200,
        learning_rate_decay_steps=12000,
        batch_tokens=512,
        batch_images=32,
        batch_seconds=32.0,
        length_bounds=(8, 12, 16, 24, 32, 48, 64, 96),
        seconds_bounds=(1.0, 1.5, 2.0, 3.0, 4.0, 8.0),
    )


@registry.register_hparams
def multimodel_small() -> HParams:
    """For real corpora of 10,000 to 300,000 examples: `multimodel_tiny` with what keeps it from overfitting.

    Say how long it may train by `--max_seconds` or `--train_steps`: its schedule ends with that.
    docs/small_corpora.md has the figure behind each choice, and what is not tuned.
    """
    return multimodel_tiny().replace(
        dropout=0.1,
        dropout_per="branch",
        shared_embedding_and_softmax_weights=True,
        learning_rate=2e-3,
        learning_rate_decay_steps=0,
        image_crop=0.5,
        image_jitter=0.2,
        audio_time_mask=0.1,
        audio_frequency_mask=0.2,
        audio_speed=0.1,
    )
