"""How values are stored, named and measured: what a feature and its tensors have to agree on."""

from t2tlite.data.media.audio import SAMPLE_RATE
from t2tlite.features.measure import Measure
from t2tlite.hparam import HParams

PNG, JPEG = b"\x89PNG", b"\xff\xd8"  # how the content of such a file begins
PCM_PEAK = 32767.0  # the largest sample of 16 bits

MARK = "."  # the input `picture` of several is `inputs.picture` in records and batches
GIVEN = "_given"  # bool `[batch]` in a batch: whether an optional input is there


class _TextMeasure(Measure):
    def of(self, hparams: HParams) -> tuple[float, ...]:
        return hparams.text_bounds()  # `max_length` has a say in them

    def may_grow(self, hparams: HParams) -> bool:
        return not hparams.max_length


TEXT = _TextMeasure(
    "batch_tokens",
    precedence=1,
    bounds="length_bounds",
    step=8,
    noun="units of text",
    flags="--max_length or --hparams=length_bounds=",
)
AUDIO = Measure(
    "batch_seconds",
    precedence=3,
    bounds="seconds_bounds",
    unit=SAMPLE_RATE,
    step=0.5,
    noun="seconds",
    flags="--hparams=seconds_bounds=",
)
