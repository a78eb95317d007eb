"""Pictures and sounds that cost more than they look, and what is no file at all."""

import io
import json
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import soundfile

from t2tlite import problem, registry
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.features import untrusted
from t2tlite.serving import payload
from t2tlite.serving.refusal import Refusal


def saved(format, size=(8, 6), mode="RGB"):
    buffer = io.BytesIO()
    PIL.Image.new(mode, size).save(buffer, format)
    return buffer.getvalue()


def huge_png(width, height):
    """A PNG of a hundred bytes that says it has so many pixels."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("format", untrusted.PICTURES)
def test_common_pictures_pass(format):
    untrusted.check_picture(saved(format))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the picture is empty"),
        (b"/etc/passwd", "not a picture"),
        (saved("EPS"), "not a picture that can be read here; expected PNG, JPEG, GIF, BMP, WEBP"),
        (saved("PDF"), "not a picture"),
        (saved("TIFF"), "not a picture"),
        (saved("PNG")[:20], "not a picture"),
        (huge_png(8000, 6000), "8000 x 6000 pixels is too large; at most 40,000,000"),
        (huge_png(100_000, 100_000), "picture is too large; at most 40,000,000"),
    ],
)
def test_other_pictures_do_not(content, message):
    with pytest.raises(UserError, match=message):
        untrusted.check_picture(content)


def test_as_many_pixels_as_are_read(monkeypatch):
    monkeypatch.setattr(untrusted, "MOST_PIXELS", 60)
    untrusted.check_picture(saved("PNG", (6, 10)))
    for size in ((61, 1), (1, 61), (8, 8)):
        with pytest.raises(UserError, match="too large; at most 60 are read"):
            untrusted.check_picture(saved("PNG", size))


def test_as_many_samples_as_are_read(monkeypatch, sound):
    monkeypatch.setattr(untrusted, "MOST_SECONDS", 2)
    monkeypatch.setattr(untrusted, "MOST_SAMPLES", 48_000)
    untrusted.check_sound(sound(2.0, rate=8000))
    untrusted.check_sound(sound(1.5, rate=8000, channels=4))
    for seconds, channels in ((2.001, 1), (1.501, 4)):
        with pytest.raises(UserError, match="is too long"):
            untrusted.check_sound(sound(seconds, rate=8000, channels=channels))


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "NIST"])
def test_common_sounds_pass(format, sound):
    untrusted.check_sound(sound(0.5, format=format))


def test_sounds_that_are_too_long_or_none(sound):
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(301 * 8000, np.int16), 8000, format="FLAC")
    assert len(silence.getvalue()) < 20_000
    with pytest.raises(UserError, match="a sound of 301 seconds in 1 channels at 8000 Hz is too long"):
        untrusted.check_sound(silence.getvalue())
    wide = io.BytesIO()
    soundfile.write(
        wide, np.zeros((untrusted.MOST_SAMPLES // 8 + 1, 8), np.int16), 44100, "PCM_16", format="FLAC"
    )
    with pytest.raises(UserError, match="in 8 channels at 44100 Hz is too long"):
        untrusted.check_sound(wide.getvalue())
    for content in (b"RIFF", b"not a sound", saved("PNG")):
        with pytest.raises(UserError, match="not a sound that can be read here"):
            untrusted.check_sound(content)
    with pytest.raises(UserError, match="the sound is empty"):
        untrusted.check_sound(b"")


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_a_path_is_never_read(kind, tmp_path, picture, sound, monkeypatch):
    """Neither as it is, nor in an address, nor as base64; also where the path is good base64 itself."""
    folder = tmp_path / "abcd"
    folder.mkdir()
    path = folder / "abcdefg"
    path.write_bytes(picture if kind == "image" else sound())
    long = f"/{'a' * (-len(str(path)) % 4)}/.."  # so that no padding is missing
    opened = []
    registry.get("feature", kind)  # reads source files to find it
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: opened.append(args))
    for value in (str(path), f"{long}{path}", f"file://{path}", f"data:image/png,{path}"):
        with pytest.raises(Refusal, match=r"inputs\[0\]( must be the base64 of a file|: not a)") as caught:
            read_json(kind, value)
        assert caught.value.status == 400
    with pytest.raises(Refusal, match=r"the body: not a"):
        payload.read(registry.get("feature", kind)(), str(path).encode(), f"{kind}/x", {}, DecodeOptions())
    assert opened == []


def read_json(kind, value):
    body = json.dumps({"inputs": [value]}).encode()
    return payload.read(registry.get("feature", kind)(), body, payload.JSON, {}, DecodeOptions())


def test_base64_is_read_strictly(picture, base64_of):
    encoded = base64_of(picture)
    assert read_json("image", encoded).inputs == (picture,)
    for broken in (encoded[:-1], encoded + "*", " " + encoded, f"data:image/png,{encoded}"):
        with pytest.raises(Refusal, match="must be the base64"):
            read_json("image", broken)


def test_an_output_is_text_of_as_many_characters_as_are_read():
    def read(output, more=("output",)):
        body = json.dumps({"inputs": ["a"], "output": output}).encode()
        return payload.read(problem.Text(), body, payload.JSON, {}, DecodeOptions(), more).output

    assert read("b" * untrusted.MOST_CHARACTERS) == "b" * untrusted.MOST_CHARACTERS
    assert read(None) is None
    for output in ("b" * (untrusted.MOST_CHARACTERS + 1), 5):
        with pytest.raises(Refusal, match="output must be a string of at most 10000 characters"):
            read(output)
    with pytest.raises(Refusal, match="unknown key `output`"):
        read("b", more=())


def test_an_output_beside_a_body_stands_in_the_address(picture):
    query = {"output": "b", "beam_size": "2"}
    predict_request = payload.read(problem.Image(), picture, "image/png", query, DecodeOptions(), ("output",))
    assert predict_request.output == "b" and predict_request.options.beam_size == 2
    with pytest.raises(Refusal, match="option `output` can't be set"):
        payload.read(problem.Image(), picture, "image/png", query, DecodeOptions())


def test_options_of_json_do_not_stand_in_the_address():
    with pytest.raises(Refusal, match="stand in its body, not in the address"):
        payload.read(problem.Text(), b'{"inputs": ["a"]}', payload.JSON, {"beam_size": "2"}, DecodeOptions())
