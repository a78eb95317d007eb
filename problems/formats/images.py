"""Encoded images as examples."""

from t2tlite.data.media import image_faults
from t2tlite.problem import Broken


def example(encoded: bytes, targets, where: str) -> dict | Broken:
    """An example of an image, or what is wrong with it.

    Args:
      encoded: the image file.
      targets: the example's targets.
      where: which image, for the message.
    """
    if reason := image_faults.fault(encoded):
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
