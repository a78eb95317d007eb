"""Sounds to one channel at 16 kHz."""

import numpy as np
import pytest

from t2tlite.data.media import audio
from t2tlite.errors import UserError

from .. import sound_bytes


def tone(frequency, rate, seconds=0.5):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate) / 2


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_a_tone_stays_what_it_is(rate):
    converted = audio.convert(tone(1000, rate), rate)
    assert converted.dtype == np.float32 and abs(len(converted) - 8000) <= 1
    middle = slice(400, 7600)  # the filter sees nothing before the start and after the end
    np.testing.assert_allclose(converted[middle], tone(1000, 16000)[: len(converted)][middle], atol=1e-3)


def test_what_16_khz_cannot_hold_is_taken_out():
    converted = audio.convert(tone(1000, 48000) + tone(11000, 48000), 48000)
    np.testing.assert_allclose(converted[400:7600], tone(1000, 16000)[400:7600], atol=1e-3)


def test_channels_are_averaged():
    samples = np.stack([tone(440, 16000), np.zeros(8000)], axis=1)
    np.testing.assert_allclose(audio.convert(samples, 16000), tone(440, 16000) / 2, atol=1e-6)


def test_stays_within_its_range():
    square = np.sign(tone(500, 44100))
    assert np.abs(audio.convert(square, 44100)).max() <= 1


def test_a_file_is_read_whatever_its_format(tmp_path):
    samples = sound_bytes.voice()
    for content in (
        sound_bytes.sound_file(samples),
        sound_bytes.sound_file(samples, format="FLAC"),
    ):
        (tmp_path / "sound").write_bytes(content)
        for source in (content, tmp_path / "sound"):
            np.testing.assert_array_equal(audio.read(source), np.float32(samples) / 32768)


def test_what_is_wrong_with_a_file_is_said_of_it(tmp_path):
    content = sound_bytes.sound_file(sound_bytes.voice())
    (tmp_path / "a.wav").write_bytes(content[:-100])
    with pytest.raises(UserError, match=r"a\.wav is cut off"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(UserError, match="the sound is cut off"):
        audio.read(content[:-100])
    with pytest.raises(UserError, match="the sound has no samples"):
        audio.read(sound_bytes.sound_file(np.zeros(0, np.int16)))


def test_clipped_sound_is_still_read():
    samples = np.int16(np.clip(sound_bytes.voice() * 10.0, -32768, 32767))
    assert audio.clipped(np.float32(samples) / 32768)
    assert np.abs(audio.read(sound_bytes.sound_file(samples))).max() == 1


@pytest.mark.parametrize(("gain", "expected"), [(1, False), (4, False), (6, True), (20, True)])
def test_clipped_by_its_gain(gain, expected):
    voice = sound_bytes.voice(2.0) * float(gain)  # whose peaks are at gain * 0.24 of full scale
    samples = np.int16(np.clip(voice, -32768, 32767))
    for channels in (samples, np.stack([samples, samples], axis=1)):
        assert audio.clipped(np.float32(channels) / 32768) == expected


def test_peaks_are_no_clipping():
    samples = np.full(1000, 0.5)
    samples[::10], samples[1::10] = 1.0, 1.0  # two in a row, a fifth of all
    assert not audio.clipped(samples)
    samples[::2], samples[1::2] = 1.0, -1.0  # loud, but never still
    assert not audio.clipped(samples)
    assert not audio.clipped(np.ones(2)) and not audio.clipped(np.zeros(100))


def test_more_than_one_in_a_hundred_in_runs_is_clipping():
    samples = np.zeros(1000)
    samples[:10] = 1.0
    assert not audio.clipped(samples)
    samples[500:503] = -1.0
    assert audio.clipped(samples)
    assert not audio.clipped(samples * 0.99) and audio.clipped(samples * 0.99, loudest=0.98)
