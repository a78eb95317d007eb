"""What people give: pictures and sounds of many formats, sizes and rates."""

import io

import numpy as np
import PIL.Image
import pytest
import soundfile
import tensorflow as tf

from t2tlite.data.media import images
from t2tlite.errors import UserError
from t2tlite.features.audio_tensors import AudioInputs
from t2tlite.features.image_tensors import ImageInputs
from t2tlite.features.text_tensors import TextInputs

from ..models import tiny

SIZE = tiny.HPARAMS.image_size


def picture(height=48, width=60, mode="RGB"):
    """A smooth picture, so that lossy formats keep it nearly as it is."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    return PIL.Image.fromarray((255 * np.stack([y, x, 1 - y], axis=-1)).astype(np.uint8)).convert(mode)


def encoded(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def reader():
    return ImageInputs(None, tiny.HPARAMS)


@pytest.fixture(scope="module")
def hearer():
    return AudioInputs(None, tiny.HPARAMS.replace(seconds_bounds=(0.1, 0.3)))


def test_same_as_the_pipelines_evaluation(reader):
    for size in [(48, 60), (SIZE, SIZE), (1, 200), (300, 200)]:
        content = encoded(picture(*size), "PNG")
        expected = images.decode(tf.constant([content]), SIZE, None)[0]
        np.testing.assert_allclose(reader.read(content), expected, atol=1e-6)


@pytest.mark.parametrize("format", ["BMP", "GIF", "TIFF", "WEBP", "JPEG", "PPM"])
def test_formats(reader, format):
    expected = reader.read(encoded(picture(), "PNG"))
    value = reader.read(encoded(picture(), format))
    assert value.shape == (SIZE, SIZE, 3) and value.dtype == np.float32
    np.testing.assert_allclose(value, expected, atol=0.1)


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("L", "PNG"),
        ("L", "JPEG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
    ],
)
def test_modes(reader, mode, format):
    image = picture(mode=mode)
    value = reader.read(encoded(image, format))
    expected = reader.read(encoded(image.convert("RGB"), "PNG"))
    assert value.shape == (SIZE, SIZE, 3)
    np.testing.assert_allclose(value, expected, atol=0.1)


def test_paths_bytes_and_arrays(reader, tmp_path):
    path = tmp_path / "a picture.png"
    path.write_bytes(encoded(picture(), "PNG"))
    expected = reader.read(path)
    pixels = np.array(picture())
    for value in (str(path), path.read_bytes(), pixels, pixels / 255.0, np.dstack([pixels, pixels[..., 0]])):
        np.testing.assert_array_equal(reader.read(value), expected)
    gray = pixels[..., 0]
    np.testing.assert_array_equal(reader.read(gray), reader.read(np.dstack([gray] * 3)))
    np.testing.assert_array_equal(reader.read(gray[..., None]), reader.read(gray))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "not a picture"),
        (b"no picture at all", "not a picture"),
        (encoded(picture(200, 200), "PNG")[:300], "can't read the picture"),
        (encoded(picture(), "JPEG")[:300], "can't read the picture"),
        (encoded(picture(), "BMP")[:300], "can't read the picture"),
        ("/nowhere/x.png", "can't read /nowhere/x.png: No such file"),
        ("/", "can't read /: Is a directory"),
        (3, "expected a path, the bytes of a file, or an array; received 3"),
        (np.zeros([4, 4, 2], np.uint8), r"received uint8 of shape \(4, 4, 2\)"),
        (np.full([4, 4, 3], 2.0), "received float64"),
        (np.zeros([0, 4, 3], np.uint8), r"received uint8 of shape \(0, 4, 3\)"),
    ],
)
def test_broken_pictures(reader, value, message):
    with pytest.raises(UserError, match=message):
        reader.read(value)


def tone(seconds=0.2, rate=16000, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_rates_and_channels(hearer, rate, channels):
    content = io.BytesIO()
    samples = np.stack([tone(rate=rate) * weight for weight in (1.5, 0.5)[:channels]], axis=1)
    soundfile.write(content, samples / (1.5 if channels == 1 else 1.0), rate, format="WAV", subtype="PCM_16")
    value = hearer.read(content.getvalue())
    assert value.dtype == np.float32 and abs(len(value) - 3200) <= 1
    middle = slice(300, 2900)  # the filter sees nothing before the start and after the end
    np.testing.assert_allclose(value[middle], tone()[middle], atol=3e-3)


def test_samples_and_files_agree_with_prepared_data(hearer, tmp_path):
    """A waveform, the file of it and its record are the same 16-bit samples."""
    path = tmp_path / "x.flac"
    soundfile.write(path, tone(), 16000)
    from_array = hearer.read(tone())
    assert np.array_equal(np.round(from_array * 32767), from_array * np.float32(32767))
    np.testing.assert_allclose(hearer.read(path), from_array, atol=1.1 / 32767)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "no sound that can be read"),
        (b"RIFF but no sound", "no sound that can be read"),
        ("/nowhere/x.wav", "can't read /nowhere/x.wav: No such file"),
        ("/", "can't read /: Is a directory"),
        (3, "expected a path, the bytes of a file, or an array; received 3"),
        (np.zeros([3, 2]), r"received float64 of shape \(3, 2\)"),
        (np.zeros(0), r"received float64 of shape \(0,\)"),
        (np.array([np.nan]), "received float64"),
        (np.zeros(100, np.int16), "received int16"),
        (np.zeros(16000 * 6), r"an input of 96000 samples at 16000 Hz is too long.*at most 4800"),
    ],
)
def test_broken_sounds(hearer, value, message):
    with pytest.raises(UserError, match=message):
        hearer.read(value)


def test_a_sound_without_samples(hearer):
    content = io.BytesIO()
    soundfile.write(content, np.zeros(0), 16000, format="WAV")
    with pytest.raises(UserError, match="has no samples"):
        hearer.read(content.getvalue())


def test_batches_are_padded_to_bounds(hearer):
    batch = hearer.batch([hearer.read(tone(seconds)) for seconds in (0.05, 0.08)])
    assert batch["inputs"].shape == (2, 1600) and batch["inputs_length"].tolist() == [800, 1280]
    assert not batch["inputs"][0, 800:].any()
    assert hearer.batch([hearer.read(tone(0.5))])["inputs"].shape == (1, 8000)
    text = TextInputs(None, tiny.HPARAMS.replace(length_bounds=(4, 8)))
    assert text.batch([np.ones(3, np.int32), np.ones(5, np.int32)])["inputs"].shape == (2, 8)
    assert text.batch([np.ones(9, np.int32)])["inputs"].shape == (1, 9)
