"""Hyperparameters that several parts read, each declared once. Needs no TensorFlow.

A part lists those that it reads in its `HPARAMS`, beside its own.
"""

from t2tlite.hyperparameter import (
    FRACTION,
    NOT_NEGATIVE,
    ODD,
    POSITIVE,
    Hyperparameter,
    Rule,
    of_each,
    one_of,
)

HIDDEN_SIZE = Hyperparameter(
    "hidden_size",
    int,
    "channels of the body",
    (POSITIVE, of_each("even, for the timing signal", lambda number: number % 2 == 0)),
    formerly=("hidden",),
)
FILTER_SIZE = Hyperparameter(
    "filter_size",
    int,
    "inner channels of a feed-forward network, and of an expert",
    POSITIVE,
    formerly=("filter",),
)
NUM_HEADS = Hyperparameter(
    "num_heads", int, "heads of attention", POSITIVE, divides="hidden_size", formerly=("heads",)
)
NUM_ENCODER_LAYERS = Hyperparameter(
    "num_encoder_layers",
    int,
    "layers, or blocks, of the encoder",
    NOT_NEGATIVE,
    formerly=("encoder_blocks", "num_hidden_layers"),
)
NUM_DECODER_LAYERS = Hyperparameter(
    "num_decoder_layers",
    int,
    "layers, or blocks, of the decoder",
    NOT_NEGATIVE,
    formerly=("decoder_blocks", "num_hidden_layers"),
)
DROPOUT = Hyperparameter(
    "dropout",
    float,
    "rate in training: of ConvBlocks' outputs, a transformer's input and sublayers, recurrent sublayers",
    FRACTION,
)
LABEL_SMOOTHING = Hyperparameter(
    "label_smoothing", float, "share of a target that is spread over all entries", FRACTION, default=0.0
)
ENCODER_TIMING = Hyperparameter(
    "encoder_timing", bool, "adds the timing signal to the input of the encoder", default=True
)
ATTENTION = Hyperparameter(
    "attention", bool, "false: mixer and decoder attend neither to themselves nor to the input", default=True
)
LARGE_KERNEL_SIZE = Hyperparameter(
    "large_kernel_size",
    int,
    "taps of the two large convolutions of a ConvBlock",
    (POSITIVE, ODD),
    default=15,
    formerly=("long_kernel",),
)
LARGE_KERNEL_DILATION = Hyperparameter(
    "large_kernel_dilation",
    int,
    "distance of the taps in the second of them",
    POSITIVE,
    default=8,
    formerly=("long_dilation",),
)
KERNEL_SIZES = Hyperparameter(
    "kernel_sizes",
    tuple[int, ...],
    "taps of a ConvBlock's four convolutions; none: 3, 3 and twice large_kernel_size",
    (ODD, Rule("four, or none", lambda sizes: len(sizes) in (0, 4))),
    default=(),
)
CONV_SKIPS = Hyperparameter(
    "conv_skips", bool, "adds a ConvBlock's input after its second and its fourth convolution", default=True
)
DROPOUT_PER = Hyperparameter(
    "dropout_per",
    str,
    "of the MultiModel: after every ConvBlock; after encoder, mixer and decoder (stack); or of their inputs "
    "and of what each block and the experts add (branch)",
    one_of("block", "stack", "branch"),
    default="block",
)
# What every ConvBlock, and a stack of them, reads.
CONV_BLOCK = (
    HIDDEN_SIZE,
    KERNEL_SIZES,
    LARGE_KERNEL_SIZE,
    LARGE_KERNEL_DILATION,
    CONV_SKIPS,
    DROPOUT,
    DROPOUT_PER,
)

MOE = Hyperparameter(
    "moe",
    str,
    "mixture of experts in encoder and decoder, or what is in its place",
    default="top_k",
    names="moe",
)
MOE_NUM_EXPERTS = Hyperparameter(
    "moe_num_experts", int, "experts of a mixture", POSITIVE, formerly=("experts",)
)
MOE_K = Hyperparameter(
    "moe_k",
    int,
    "experts that work at a position",
    POSITIVE,
    at_most="moe_num_experts",
    formerly=("experts_per_token",),
)
MOE_CAPACITY_FACTOR = Hyperparameter(
    "moe_capacity_factor",
    float,
    "slots for each expert in training, as a multiple of an even share",
    POSITIVE,
    default=1.25,
    formerly=("expert_capacity",),
)
MOE_LOAD_LOSS_COEF = Hyperparameter(
    "moe_load_loss_coef",
    float,
    "weight of the loss that evens out how many positions each expert gets",
    NOT_NEGATIVE,
    default=0.01,
    formerly=("load_weight", "moe_loss_coef"),
)

LOSS_WEIGHTING_RATE = Hyperparameter(
    "loss_weighting_rate",
    float,
    "how far learned loss weights move at an update, at most, in their logarithms",
    POSITIVE,
    default=0.025,
)
