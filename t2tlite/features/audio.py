"""The feature `audio`: a mono waveform at 16 kHz, stored as 16-bit PCM."""

import dataclasses
import io
import wave
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.data.media import audio, sound_files
from t2tlite.data.media.audio import SAMPLE_RATE
from t2tlite.features import encoding, untrusted
from t2tlite.features.feature import Feature
from t2tlite.features.measure import Measure
from t2tlite.features.positions import Encoded, Positions
from t2tlite.features.statistics import Distribution, Statistics, in_bounds, spread
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import FRACTION, Hyperparameter

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Audio(Feature):
    """A mono waveform at 16 kHz: float array `[samples]` in [-1, 1].

    Attributes:
      opener: of the files that are read when decoding, where they may have a format that libsndfile doesn't
        know; see `problems/formats/sphere.py`.
    """

    opener: sound_files.Opener = sound_files.open_content
    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_audio", str, "net of sounds", default="spectral", names="modality"),
        Hyperparameter(
            "audio_speed",
            float,
            "a third of the sounds is faster by this share in training, and a third slower",
            FRACTION,
            default=0.0,
        ),
    )
    kind: ClassVar[str] = "audio"
    measure: ClassVar[Measure] = encoding.AUDIO
    large_decoded: ClassVar[bool] = True
    asked_for: ClassVar[str] = "the path of a sound file"
    is_file: ClassVar[bool] = True
    graph_suffix: ClassVar[str] = "_wav"
    graph_input: ClassVar[str] = 'tf.constant([open("sound.wav", "rb").read()])'
    content_types: ClassVar[tuple[str, ...]] = ("audio/",)
    costs_by_size: ClassVar[bool] = True

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        samples = np.asarray(value)
        if samples.ndim != 1 or samples.dtype.kind != "f" or not samples.size:
            raise ValueError(f"{samples.dtype} of shape {samples.shape}; expected float samples of shape [n]")
        if not np.isfinite(samples).all() or np.abs(samples).max() > 1.001:
            raise ValueError("a waveform that leaves [-1, 1]; scale it first")
        return [np.round(samples.clip(-1, 1) * encoding.PCM_PEAK).astype("<i2").tobytes()]

    def from_record(self, values: list[bytes]) -> Any:
        """Float32 `[samples]` in [-1, 1]."""
        return np.frombuffer(values[0], "<i2").astype(np.float32) / np.float32(encoding.PCM_PEAK)

    def from_content(self, content: bytes) -> np.ndarray:
        """Float32 `[samples]` at 16 kHz, the mean of the file's channels."""
        try:
            with sound_files.Sound(content, self.opener) as sound:
                return audio.convert(sound.stretch(), sound.rate)
        except sound_files.Fault as error:
            raise ValueError(f"the sound {error}") from None

    def stand_in(self) -> Any:
        return np.zeros([1], np.float32)

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, samples]`, padded with 0 to a bound, and int32 `[batch]`, their lengths."""
        from t2tlite.features.audio_tensors import AudioCodec

        return AudioCodec(reading)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        length = self.measure.limits(run.hparams)[-1]
        samples = generator.uniform(-0.3, 0.3, (size, length)).astype(np.float32)
        return {name: samples, f"{name}_length": np.full([size], length, np.int32)}

    def largest(self, hparams: HParams) -> str:
        return f"{hparams.seconds_bounds[-1]:g} seconds"

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a path, the bytes of a file or float samples at 16 kHz to float32 `[samples]`."""
        from t2tlite.features.audio_tensors import AudioInputs

        return AudioInputs(vocabulary, hparams, self.opener)

    def positions(self, value: Any, encoded: Encoded, vocabulary: Any) -> Positions:
        # A net strides evenly. Of n samples it makes ceil(n / stride) positions, so the stride is known
        # within half a position of them all.
        step = encoded.width / (encoded.length - 0.5) / SAMPLE_RATE
        seconds = tuple(float(i * step) for i in range(encoded.count))
        return Positions(encoded.count, seconds=seconds, content=value)

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """Waveforms with their lengths, and the content of WAV files."""
        from t2tlite.features.audio_tensors import RawWaveforms, RawWavFiles

        return RawWaveforms(vocabulary, hparams), RawWavFiles(vocabulary, hparams)

    def check_sent(self, value: Any, what: str) -> Any:
        return untrusted.checked(untrusted.check_sound, value, what)

    def example_input(self) -> Any:
        """The bytes of a WAV file with a second of silence."""
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(bytes(2 * SAMPLE_RATE))
        return buffer.getvalue()

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return _Sounds(vocabulary, hparams)

    def as_file(self, value: Any) -> tuple[str, bytes] | None:
        import soundfile

        buffer = io.BytesIO()
        soundfile.write(buffer, value, SAMPLE_RATE, format="WAV", subtype="PCM_16")
        return "wav", buffer.getvalue()


class _Sounds(Statistics):
    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self.bounds = hparams.seconds_bounds
        self._seconds: list[float] = []

    def take(self, value: Any) -> float:
        self._seconds.append(len(value) / SAMPLE_RATE)
        return self._seconds[-1]

    def distribution(self, name: str) -> Distribution:
        facts = [*spread(self._seconds, "seconds"), f"{sum(self._seconds) / 3600:.2f} hours in all"]
        return Distribution(
            f"{name}: seconds of a sound", *in_bounds(self._seconds, self.bounds), tuple(facts)
        )
