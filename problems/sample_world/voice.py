"""A source-filter voice: glottal pulses and noise, shaped by formants that move from sound to sound."""

import dataclasses

import numpy as np

from t2tlite.data.media.audio import SAMPLE_RATE as RATE
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.phonemes import LEXICON, SILENCE, SOUNDS, Sound

_HOP = 120  # samples between two shapes of the vocal tract: 7.5 ms
_WINDOW = 240  # samples that one shape covers
_BINS = np.fft.rfftfreq(_WINDOW * 2, 1 / RATE).astype(np.float32)  # Hz, [241]
# A filter without a phase sounds before its pulse as well as after: half a window of delay makes room.
_DELAY = np.exp(-1j * np.pi * _BINS / RATE * _WINDOW).astype(np.complex64)
_WIDTHS = np.array([90.0, 120.0, 180.0], np.float32)  # half widths of the formants, Hz
_STRENGTHS = np.array([1.0, 0.6, 0.35], np.float32)


@dataclasses.dataclass(frozen=True)
class Speaker:
    """Pitch in Hz, how the formants are scaled, how long sounds are held, how breathy the voice is."""

    pitch: float
    formants: float
    pace: float
    breath: float


SPEAKERS = (
    Speaker(105, 0.95, 0.95, 0.02),
    Speaker(125, 1.0, 0.85, 0.04),
    Speaker(150, 1.04, 0.9, 0.03),
    Speaker(185, 1.1, 0.85, 0.05),
    Speaker(215, 1.14, 0.9, 0.03),
    Speaker(240, 1.18, 0.8, 0.06),
)


def say(words: list[str], speaker: Speaker, draws: Draws) -> np.ndarray:
    """A sentence as a waveform.

    Args:
      words: keys of `phonemes.LEXICON`.
      speaker: who says it.
      draws: for lengths, pitch, loudness and noise.

    Returns:
      float32 [samples] in [-1, 1], 16000 samples a second.
    """
    sounds = _sounds(words)
    lengths = np.array([sound.length * draws.uniform(0.85, 1.2) for sound in sounds]) * speaker.pace
    frames = np.maximum(np.round(lengths * RATE / _HOP).astype(int), 2)
    shapes = _shapes(sounds, frames, speaker)  # [frames, 7]
    wave = _source_filter(shapes, speaker, draws)
    loudness = draws.uniform(0.45, 0.8)
    wave *= loudness / max(float(np.abs(wave).max()), 1e-6)
    hum = np.float32(draws.uniform(0.002, 0.01))
    wave += hum * draws.generator.standard_normal(len(wave), dtype=np.float32)
    return np.clip(wave, -1, 1).astype(np.float32)


def _sounds(words: list[str]) -> list[Sound]:
    sounds = [SILENCE, SILENCE]
    for word in words:
        for name in LEXICON[word]:
            sounds.extend(SOUNDS[name])
        sounds.append(SILENCE)
    return [*sounds, SILENCE]


def _shapes(sounds: list[Sound], frames: np.ndarray, speaker: Speaker) -> np.ndarray:
    """Every 7.5 ms: three formants, centre and width of the noise, strengths of both; [frames, 7]."""
    targets = np.array(
        [
            [
                *np.array(sound.formants) * speaker.formants,
                sound.noise_at,
                sound.noise_width,
                sound.voice,
                sound.noise,
            ]
            for sound in sounds
        ],
        np.float32,
    )
    held = np.repeat(targets, frames, axis=0)
    # Formants glide over 40 ms, strengths change within 20 ms, the place of the noise at once.
    smooth = held.copy()
    for columns, width in ((slice(0, 3), 5), (slice(5, 7), 3)):
        padded = np.pad(held[:, columns], ((width // 2, width // 2), (0, 0)), mode="edge")
        sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
        smooth[:, columns] = (sums[width:] - sums[:-width]) / width
    return smooth


def _source_filter(shapes: np.ndarray, speaker: Speaker, draws: Draws) -> np.ndarray:
    count = len(shapes)
    samples = count * _HOP + _WINDOW
    pulses = _pulses(samples, speaker, draws)
    noise = draws.generator.standard_normal(samples, dtype=np.float32)
    pulses += noise * np.float32(speaker.breath)
    starts = np.arange(count)[:, None] * _HOP + np.arange(_WINDOW)  # [frames, window]
    window = np.hanning(_WINDOW).astype(np.float32)
    voiced = np.fft.rfft(pulses[starts] * window, 2 * _WINDOW) * _resonances(shapes)  # [frames, bins]
    hissed = np.fft.rfft(noise[starts] * window, 2 * _WINDOW) * _hiss(shapes)
    pieces = np.fft.irfft((voiced + hissed) * _DELAY, 2 * _WINDOW)  # [frames, 2 * window]
    return _overlap_add(pieces)


def _pulses(samples: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """A train of pulses whose pitch falls over the sentence and wavers."""
    points = max(samples // 1600, 2)
    waver = 1 + 0.04 * draws.generator.standard_normal(points)
    pitch = speaker.pitch * draws.uniform(0.94, 1.06) * np.linspace(1.08, 0.88, points) * waver
    phase = np.cumsum(np.interp(np.arange(samples), np.linspace(0, samples, points), pitch) / RATE)
    pulses = np.zeros(samples, np.float32)
    pulses[1:][np.floor(phase[1:]) > np.floor(phase[:-1])] = np.sqrt(RATE / speaker.pitch)
    return pulses


def _resonances(shapes: np.ndarray) -> np.ndarray:
    """How the vocal tract passes each frequency; [frames, bins]."""
    centres = shapes[:, :3, None]
    peaks = _STRENGTHS[:, None] / (1 + ((_BINS - centres) / _WIDTHS[:, None]) ** 2)
    tilt = 1 / (1 + (_BINS / 2500) ** 2)
    return (peaks.sum(1) + 0.02) * tilt * shapes[:, 5:6]


def _hiss(shapes: np.ndarray) -> np.ndarray:
    """How strong the noise is at each frequency; [frames, bins]."""
    return np.exp(-0.5 * ((_BINS - shapes[:, 3:4]) / shapes[:, 4:5]) ** 2) * shapes[:, 6:7] * 0.12


def _overlap_add(pieces: np.ndarray) -> np.ndarray:
    """Sums pieces [frames, length] that start a hop after one another."""
    count, length = pieces.shape
    parts = length // _HOP
    wave = np.zeros((count + parts, _HOP), np.float32)
    for part in range(parts):
        wave[part : part + count] += pieces[:, part * _HOP : (part + 1) * _HOP]
    return wave.ravel()
