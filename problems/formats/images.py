"""Encoded images: what is wrong with one, found by decoding all of it."""

import io
import warnings
import zlib

from t2tlite.problem import Broken

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"


def fault(encoded: bytes) -> str | None:
    """Says what is wrong with an image, or None if it can be decoded in training.

    All of a JPEG's entropy-coded data is read, at an eighth of the size, and all of a PNG. JPEGs in gray,
    RGB, CMYK and YCCK and PNGs of any depth, with a palette or with alpha are good.

    Args:
      encoded: the image file; the bytes tell its format, and its name nothing.
    """
    import PIL.Image

    if not encoded.startswith((_JPEG, _PNG)):
        return "neither PNG nor JPEG" if encoded else "an empty file"
    if encoded.startswith(_PNG) and (reason := _png_fault(encoded)):
        return reason
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, such as EXIF, which is not used
        warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
        try:
            with PIL.Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
                image.draft(None, (1, 1))
                image.load()
        except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError):
            return f"more than {PIL.Image.MAX_IMAGE_PIXELS} pixels"
        except Exception as error:  # Pillow's decoders raise many kinds
            return _in_words(str(error))
    return None


def _in_words(error: str) -> str:
    """The manifest counts by reason, so nothing in it may differ from file to file."""
    if "truncated" in error.lower():
        return "truncated"
    if error.startswith("cannot identify image file"):  # goes on with an address in memory
        return "can't be decoded: no valid header"
    return f"can't be decoded: {error}"


def _png_fault(encoded: bytes) -> str | None:
    """Walks the chunks (length, type, data, CRC; PNG specification, 5.3): Pillow forgives a lost end."""
    at = len(_PNG)
    data = memoryview(encoded)
    while at + 12 <= len(encoded):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(encoded):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return "can't be decoded: the checksum of a PNG chunk is wrong"
        if data[at + 4 : at + 8] == b"IEND":
            return None
        at = end
    return "truncated"


def example(encoded: bytes, targets, where: str) -> dict | Broken:
    """An example of an image, or what is wrong with it.

    Args:
      encoded: the image file.
      targets: the example's targets.
      where: which image, for the message.
    """
    if reason := fault(encoded):
        return Broken(f"image: {reason}", where)
    return {"inputs": encoded, "targets": targets}


def example_of(path: str, targets, where: str | None = None) -> dict | Broken:
    """The same for an image in a file of its own; `where` is the path unless given."""
    try:
        with open(path, "rb") as file:
            encoded = file.read()
    except OSError as error:
        return Broken(f"image: {error.strerror}", where or path)
    return example(encoded, targets, where or path)
