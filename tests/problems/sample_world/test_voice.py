"""The synthetic voice."""

import itertools

import numpy as np
import pytest

from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import captioning, english, phonemes, pictures, utterances, voice, writing
from t2tlite.problems.sample_world.draws import Draws
from t2tlite.problems.sample_world.tour import tour


@pytest.fixture(scope="module")
def examples():
    return list(itertools.islice(sample_world.speech("train"), 150))


def spectrum(wave):
    """Mean power per frequency, [257]."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160] * np.hanning(400)
    return (np.abs(np.fft.rfft(frames, 512)) ** 2).mean(0)


def test_waveforms_are_in_range_and_of_a_sensible_length(examples):
    for example in examples:
        wave = example["inputs"]
        assert wave.dtype == np.float32 and wave.ndim == 1
        assert 0.3 < np.abs(wave).max() <= 1
        assert 0.6 < len(wave) / voice.RATE < 4


def test_texts_are_short_and_of_the_spoken_words(examples):
    for index, example in enumerate(examples):
        said = example["targets"].split()
        is_scene = index % 3 == 2
        assert 3 <= len(said) <= (utterances.MOST_WORDS if is_scene else 6)
        assert set(said) <= (set(phonemes.LEXICON) if is_scene else phonemes.SPOKEN)
    assert 40 <= len(phonemes.SPOKEN) <= 100


def test_every_way_to_tell_a_picture_can_be_said():
    for index in range(300):
        for way in captioning.ways(pictures.described(Draws(5, index))):
            assert set(writing.spoken(english.words(way))) <= set(phonemes.LEXICON)


def test_pronunciations_use_known_sounds():
    for sounds in phonemes.LEXICON.values():
        assert set(sounds) <= set(phonemes.SOUNDS)
    assert len(set(phonemes.LEXICON.values())) == len(phonemes.LEXICON)


def test_speakers_differ_in_pitch_and_length():
    lengths, pitches = [], []
    for speaker in voice.SPEAKERS:
        wave = voice.say("the man is sad".split(), speaker, Draws(1))
        lengths.append(len(wave))
        echo = np.correlate(wave[4000:8000], wave[4000:8000], "full")[4000:]
        pitches.append(16000 / (np.argmax(echo[50:200]) + 50))
    assert len(set(lengths)) > 3
    assert max(pitches) > 1.5 * min(pitches)


def test_the_same_sentence_is_never_said_the_same_way():
    first, second = (voice.say(["red"], voice.SPEAKERS[0], Draws(2, number)) for number in range(2))
    assert len(first) != len(second) or not np.allclose(first, second)


def test_sounds_differ_in_their_spectrum():
    hiss = spectrum(voice.say(["sees"], voice.SPEAKERS[1], Draws(3)))
    hum = spectrum(voice.say(["man"], voice.SPEAKERS[1], Draws(3)))
    high = slice(160, 225)  # 5000 to 7000 Hz
    assert hiss[high].sum() / hiss.sum() > 20 * hum[high].sum() / hum.sum()


def test_words_are_parted_by_silence():
    wave = voice.say("book book".split(), voice.SPEAKERS[0], Draws(4))
    loudness = np.array([np.abs(part).mean() for part in np.array_split(wave, len(wave) // 160)])
    middle = loudness[len(loudness) // 3 : 2 * len(loudness) // 3]
    assert middle.min() < 0.1 * loudness.max()


def test_any_scene_can_be_told_in_every_form():
    scene = tour("train", 5)
    assert len(scene.captions) == 5 and scene.tree.startswith("(TOP (S ")
    for text in (*scene.captions, scene.english, scene.german, scene.french):
        assert text[0].isupper() and text.endswith(".")
    assert len(scene.speech) > voice.RATE
