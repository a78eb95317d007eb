"""Sounds to one channel at 16 kHz."""

import numpy as np
import pytest

from t2tlite.data import audio


def tone(frequency, rate, seconds=0.5):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate) / 2


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_a_tone_stays_what_it_is(rate):
    found = audio.convert(tone(1000, rate), rate)
    assert found.dtype == np.float32 and abs(len(found) - 8000) <= 1
    middle = slice(400, 7600)  # the filter sees nothing before the start and after the end
    np.testing.assert_allclose(found[middle], tone(1000, 16000)[: len(found)][middle], atol=1e-3)


def test_what_16_khz_cannot_hold_is_taken_out():
    found = audio.convert(tone(1000, 48000) + tone(11000, 48000), 48000)
    np.testing.assert_allclose(found[400:7600], tone(1000, 16000)[400:7600], atol=1e-3)


def test_channels_are_averaged():
    samples = np.stack([tone(440, 16000), np.zeros(8000)], axis=1)
    np.testing.assert_allclose(audio.convert(samples, 16000), tone(440, 16000) / 2, atol=1e-6)


def test_stays_within_its_range():
    square = np.sign(tone(500, 44100))
    assert np.abs(audio.convert(square, 44100)).max() <= 1
