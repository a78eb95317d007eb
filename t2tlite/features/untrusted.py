"""What strangers send: refused where decoding it would cost far more than its size says.

The predictor reads whatever its libraries know. Of what comes over the network only common formats are read
(others start programs, such as Ghostscript for EPS), and only up to a number of pixels or samples, since a
file of a few kilobytes can hold gigabytes of black or of silence. Only headers are looked at here. A fault in
what follows is found when it is decoded.
"""

import base64
import binascii
import io
import re
from collections.abc import Callable

from t2tlite.errors import UserError

MOST_CHARACTERS = 10_000
MOST_PIXELS = 40_000_000
MOST_SECONDS = 300
MOST_SAMPLES = 30_000_000  # of all channels
PICTURES = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
SOUNDS = ("WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF", "NIST")
_DATA_URL = re.compile(r"data:[\w.+/-]*(;[\w.+=-]+)*;base64,")


def checked(check: Callable[[bytes], None], value: bytes, what: str) -> bytes:
    """The value, once it is checked.

    Raises:
      UserError: the check refuses it; `what` names it.
    """
    try:
        check(value)
    except UserError as error:
        raise UserError(f"{what}: {error}") from None
    return value


def utf8(body: bytes, what: str) -> str:
    """Bytes as text.

    Raises:
      UserError: they are not UTF-8; `what` names them.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{what} is not UTF-8 at byte {error.start}") from None


def from_base64(value: str, what: str) -> bytes:
    """The bytes of base64, alone or in a `data:` address. Nothing else is looked up, least of all a file.

    Raises:
      UserError: it is not base64; `what` names it.
    """
    header = _DATA_URL.match(value)
    try:
        return base64.b64decode(value[header.end() :] if header else value, validate=True)
    except (binascii.Error, ValueError):
        raise UserError(f"{what} must be the base64 of a file; paths are not read") from None


def check_text(text: str) -> None:
    """Raises a UserError where a text is too long; the message goes on after its name."""
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"has {len(text)} characters; at most {MOST_CHARACTERS} are read")


def check_picture(content: bytes) -> None:
    """Raises a UserError unless the bytes of a file look like a picture that is safe to decode."""
    import warnings

    import PIL.Image

    if not content:
        raise UserError("the picture is empty")

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # our own bound is lower
            with PIL.Image.open(io.BytesIO(content), formats=PICTURES) as image:
                width, height = image.size
    except PIL.Image.DecompressionBombError:
        raise UserError(f"the picture is too large; at most {MOST_PIXELS:,} pixels are read") from None
    except (OSError, SyntaxError, ValueError):
        raise UserError(f"not a picture that can be read here; expected {', '.join(PICTURES)}") from None
    if width * height > MOST_PIXELS:
        raise UserError(
            f"a picture of {width} x {height} pixels is too large; at most {MOST_PIXELS:,} are read"
        )


def check_sound(content: bytes) -> None:
    """Raises a UserError unless the bytes of a file look like a sound that is safe to decode."""
    import soundfile

    if not content:
        raise UserError("the sound is empty")

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            kind, frames, rate, channels = sound.format, sound.frames, sound.samplerate, sound.channels
    except (soundfile.LibsndfileError, OSError, ValueError):
        kind = None
    if kind not in SOUNDS:
        raise UserError("not a sound that can be read here; expected WAV, FLAC, Ogg, MP3 or AIFF")
    if frames > MOST_SECONDS * rate or frames * channels > MOST_SAMPLES:
        raise UserError(
            f"a sound of {frames / rate:.0f} seconds in {channels} channels at {rate} Hz is too long;"
            f" at most {MOST_SECONDS} seconds are read"
        )
