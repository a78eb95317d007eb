"""Small ImageNets in their true formats, for the tests."""

import io
import pathlib

import numpy as np
import PIL.Image

from .test_tars import tar_of

CLASSES = ("n01440764", "n02119789", "n03447447")


def image(number, kind="JPEG", mode="RGB"):
    noise = np.random.default_rng(number).integers(0, 255, (20 + number % 5, 24, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def train_images(each=60):
    """{class: {name of file: bytes}}; among them a CMYK JPEG, and a PNG named .JPEG, as in the real one."""
    made = {
        synset: {f"{synset}_{n}.JPEG": image(100 * place + n) for n in range(each)}
        for place, synset in enumerate(CLASSES)
    }
    made[CLASSES[0]][f"{CLASSES[0]}_7.JPEG"] = image(7, mode="CMYK")
    made[CLASSES[1]][f"{CLASSES[1]}_9.JPEG"] = image(9, "PNG")
    return made


def validation_images(count=4):
    return {f"ILSVRC2012_val_{n:08d}.JPEG": image(1000 + n) for n in range(1, count + 1)}


def write_classes(folder, classes):
    for name, files in classes.items():
        write_flat(pathlib.Path(folder, name), files)


def write_flat(folder, files):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        pathlib.Path(folder, name).write_bytes(data)


def train_tar(classes):
    return tar_of({f"{name}.tar": tar_of(files) for name, files in classes.items()})
