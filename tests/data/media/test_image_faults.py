import io
import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite.data.media import image_faults
from t2tlite.data.media import images as pipeline


def picture(width=60, height=44):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return PIL.Image.fromarray(noise)


def encoded(mode="RGB", kind="JPEG", **options):
    buffer = io.BytesIO()
    picture().convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def sixteen_bits():
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.arange(48 * 40, dtype=np.uint16).reshape(40, 48) * 30).save(buffer, "PNG")
    return buffer.getvalue()


def ycck():
    """Inverted CMYK in libjpeg's other colour space: the transform byte of Adobe's marker is 2."""
    plain = encoded("CMYK")
    at = plain.index(b"Adobe")
    return plain[: at + 11] + b"\2" + plain[at + 12 :]


JPEG, PNG = encoded(), encoded(kind="PNG")
GOOD = {
    "a JPEG": JPEG,
    "a progressive JPEG": encoded(progressive=True),
    "a grey JPEG": encoded("L"),
    "a CMYK JPEG": encoded("CMYK"),
    "a YCCK JPEG": ycck(),
    "a JPEG with bytes after its end": JPEG + b"more",
    "a PNG": PNG,
    "a grey PNG": encoded("L", "PNG"),
    "a PNG with alpha": encoded("RGBA", "PNG"),
    "a PNG with a palette": encoded("P", "PNG"),
    "a PNG of one bit": encoded("1", "PNG"),
    "a PNG of 16 bits": sixteen_bits(),
}
BAD = {
    "nothing": (b"", "an empty file"),
    "text": (b"not found, sorry", "neither PNG nor JPEG"),
    "a BMP": (encoded(kind="BMP"), "neither PNG nor JPEG"),
    "a start of a JPEG": (JPEG[:3], "can't be decoded"),
    "a JPEG cut in its header": (JPEG[:300], "truncated"),
    "a JPEG cut in the middle": (JPEG[: len(JPEG) // 2], "truncated"),
    "a JPEG without its last byte": (JPEG[:-1], "truncated"),
    "a progressive JPEG cut late": (encoded(progressive=True)[:-90], "truncated"),
    "a PNG cut in the middle": (PNG[: len(PNG) // 2], "truncated"),
    "a PNG without its end": (PNG[:-12], "truncated"),
    "a PNG without its last byte": (PNG[:-1], "truncated"),
    "a damaged PNG": (PNG[:500] + bytes([PNG[500] ^ 1]) + PNG[501:], "the checksum of a PNG chunk is wrong"),
}


def decode(image):
    seeds = tf.constant([[1, 2]], tf.int64)
    return pipeline.decode(tf.constant([image]), 16, seeds), pipeline.decode(tf.constant([image]), 16, None)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_image_has_no_fault_and_can_be_trained_on(name):
    assert image_faults.fault(GOOD[name]) is None
    for made in decode(GOOD[name]):
        assert made.shape == (1, 16, 16, 3) and float(tf.reduce_max(made)) > 0.2


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_has_a_fault(name):
    image, fault = BAD[name]
    assert fault in image_faults.fault(image)


@pytest.mark.parametrize("name", sorted(set(BAD) - {"a BMP"}))  # which TensorFlow could read
def test_a_bad_image_would_have_stopped_the_training(name):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_image(BAD[name][0], channels=3, expand_animations=False)


def test_an_image_of_too_many_pixels_is_a_fault_and_not_a_warning(monkeypatch):
    for limit in (2000, 1000):  # of 2640 pixels: Pillow warns above its limit, and raises above twice as many
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert image_faults.fault(PNG) == f"more than {limit} pixels"


def test_reasons_are_the_same_for_all_of_a_kind():
    cuts = {image_faults.fault(JPEG[:cut]) for cut in range(300, len(JPEG), 97)}
    assert cuts == {"truncated"}
    assert len({image_faults.fault(b"\xff\xd8\xff" + bytes([n])) for n in (7, 8, 9)}) == 1


def test_a_png_whose_pixels_end_early_is_a_fault():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    short = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 20)) + chunk(b"IEND", b"")
    whole = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 72)) + chunk(b"IEND", b"")
    assert image_faults.fault(short) and image_faults.fault(whole) is None
