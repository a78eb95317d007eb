"""Raw inputs in the graph are read as t2tlite.features.inputs reads them."""

import io
import wave

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features import audio_tensors, image_tensors, text_tensors

SPACES = [chr(i) for i in range(0x110000) if chr(i).isspace()]
TEXTS = [
    "the red circle",
    " two  spaces ",
    "\u2581\ue000\ue0001",
    "a\0b\x01\x7f",
    "e\u0301 😀👩\u200d👧",
    "\ufeff\uffff",
    "x" * 40,
]


def errors(read):
    return [error.decode() for error in read.error.numpy()]


@pytest.fixture(scope="module")
def texts(run):
    return text_tensors.RawTexts(run.vocabulary, run.hparams), text_tensors.TextInputs(
        run.vocabulary, run.hparams
    )


def test_texts(texts):
    ours, theirs = texts
    read = ours.read(inputs=tf.constant(TEXTS))
    for rows in ([0], [3, 1], range(len(TEXTS))):
        expected = theirs.batch([theirs.read(TEXTS[i]) for i in rows])["inputs"]
        np.testing.assert_array_equal(read.features(tf.constant(list(rows)))["inputs"], expected)
    assert errors(read) == [""] * len(TEXTS) and not read.blank.numpy().any()
    np.testing.assert_allclose(read.length, [len(theirs.read(text)) / 16 for text in TEXTS])


def test_what_is_blank_is_what_python_strips(texts):
    candidates = ["", "".join(SPACES), *SPACES, "\u200b", "a", " a ", "\u180e", " " * 5000]
    read = texts[0].read(inputs=tf.constant(candidates))
    assert read.blank.numpy().tolist() == [not text.strip() for text in candidates]
    assert errors(read) == [""] * len(candidates)


@pytest.mark.parametrize(
    "broken", [b"\xff", b"a\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"ok\xe2\x82", b"\x80 "]
)
def test_text_that_is_not_utf8(texts, broken):
    with pytest.raises(UnicodeDecodeError):
        broken.decode()
    assert errors(texts[0].read(inputs=tf.constant([broken, b"a"]))) == ["not UTF-8", ""]


def test_long_texts(texts):
    ours, theirs = texts
    accepted = 0
    for text in ("x" * n for n in range(200, 300)):
        [error] = errors(ours.read(inputs=tf.constant([text])))
        try:
            theirs.read(text)
            accepted += 1
            assert error == ""
        except UserError as refused:
            length, _, what = error.partition(" ")
            assert f"an input of {length} subword units" in str(refused)
            assert what == "subword units; at most 256 are read"
    assert 0 < accepted < 100


@pytest.fixture(scope="module")
def sounds(run):
    hparams = run.hparams
    return (
        audio_tensors.RawWaveforms(None, hparams),
        audio_tensors.RawWavFiles(None, hparams),
        audio_tensors.AudioInputs(None, hparams),
    )


def test_waveforms(sounds):
    ours, _, theirs = sounds
    draw = np.random.default_rng(0)
    rows = [draw.uniform(-1.2, 1.2, n).astype(np.float32) for n in (500, 3000, 1)]
    matrix = draw.uniform(-1, 1, (3, 6000)).astype(np.float32)
    for row, samples in zip(matrix, rows, strict=True):
        row[: len(samples)] = samples
    matrix[0, 501] = np.inf
    read = ours.read(tf.constant(matrix), tf.constant([500, 3000, 1]))
    for picked in ([0], [2, 1]):
        expected = theirs.batch([theirs.read(rows[i]) for i in picked])
        for name, value in read.features(tf.constant(picked)).items():
            np.testing.assert_array_equal(value, expected[name], strict=True)
    assert errors(read) == [""] * 3


def test_waveforms_are_as_wide_as_the_first_bound_that_holds_them(sounds):
    ours = sounds[0]  # trained on at most 1600 and 4800 samples
    for length, width in ((1, 1600), (1599, 1600), (1600, 1600), (1601, 4800), (4800, 4800), (4801, 4801)):
        read = ours.read(tf.fill([2, length], 0.5), tf.constant([length, 1]))  # no row is longer than this
        assert errors(read) == ["", ""]
        features = read.features(tf.constant([0, 1]))
        assert features["inputs"].shape == (2, width)
        assert np.count_nonzero(features["inputs"], axis=1).tolist() == [length, 1]


def test_waveforms_that_are_refused(sounds):
    matrix = np.zeros([6, 80000], np.float32)
    matrix[3, 7] = np.nan
    matrix[4, 9] = np.nan
    read = sounds[0].read(tf.constant(matrix), tf.constant([0, -1, 80001, 8, 9, 77000]))
    length = "inputs_length must be 1 or more, and at most the number of samples"
    long = "77000 samples at 16000 Hz; at most 76800 are read"
    assert errors(read) == [length, length, length, "samples that are no numbers", "", long]


def wav(channels):
    """A file of integers `[samples, channels]`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels.shape[1])
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(channels.astype("<i2").tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_channels_of_a_wav_file_are_averaged(sounds, channels):
    _, ours, theirs = sounds
    values = np.random.default_rng(channels).integers(-30000, 30000, [50, channels])
    values -= values.sum(axis=1, keepdims=True) % channels * (np.arange(channels) == 0)  # the mean is whole
    content = wav(values)
    encoded_value = ours.read(tf.constant([content])).features(tf.constant([0]))
    expected = theirs.batch([theirs.read(content)])
    for name, value in encoded_value.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-7)
    np.testing.assert_allclose(encoded_value["inputs"][0, :50] * 32767, values.mean(axis=1), atol=1.5)


def picture(mode, format):
    buffer = io.BytesIO()
    PIL.Image.new(mode, (4, 3)).save(buffer, format)
    return buffer.getvalue()


def test_pictures_that_are_refused(run):
    pictures = {
        ("CMYK", "JPEG"): "a CMYK JPEG; convert it to RGB",
        ("RGB", "JPEG"): "",
        ("L", "JPEG"): "",
        ("RGB", "PNG"): "",
        ("RGBA", "PNG"): "",
        ("RGB", "BMP"): "not a PNG or JPEG file",
    }
    read = image_tensors.RawPictures(None, run.hparams).read(tf.constant([picture(*one) for one in pictures]))
    assert errors(read) == list(pictures.values())


def test_what_is_accepted_says_the_limits(run, sounds):
    assert "256 subword units" in text_tensors.RawTexts(run.vocabulary, run.hparams).accepts["inputs"]
    assert "4.8 seconds" in sounds[0].accepts["inputs"] and "4.8 seconds" in sounds[1].accepts["inputs"]
    for reader in (sounds[0], sounds[1], image_tensors.RawPictures(None, run.hparams)):
        assert set(reader.accepts) == set(reader.spec)
