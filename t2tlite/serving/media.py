"""Pictures and sounds of strangers: refused where decoding them would cost far more than their size says.

The predictor reads whatever its libraries know. Of what comes over the network only common formats are read
(others start programs, such as Ghostscript for EPS), and only up to a number of pixels or samples, since a
file of a few kilobytes can hold gigabytes of black or of silence.
"""

import io

from t2tlite.errors import UserError

MOST_PIXELS = 40_000_000
MOST_SECONDS = 300
MOST_SAMPLES = 30_000_000  # of all channels
PICTURES = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
SOUNDS = ("WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF", "NIST")


def check(kind: str, content: bytes) -> None:
    """Raises a UserError unless the bytes look like a picture or sound that is safe to decode.

    Only headers are read. A fault in what follows is found when it is decoded.

    Args:
      kind: "image" or "audio".
      content: of a file.
    """
    if not content:
        raise UserError("the picture is empty" if kind == "image" else "the sound is empty")
    if kind == "image":
        _check_picture(content)
    else:
        _check_sound(content)


def _check_picture(content):
    import warnings

    import PIL.Image

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


def _check_sound(content):
    import soundfile

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
