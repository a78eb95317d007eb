"""All six corpora in their own formats, small, in a folder each."""

import io
import json
import pathlib
import random

import numpy as np
import PIL.Image
import soundfile

TRAIN, HELD_OUT = 30, 4
WORDS = "the a red blue old dog cat house tree runs sees likes slowly".split()


def write(folder: pathlib.Path):
    """Writes `folder/<corpus>/` for each corpus."""
    draw = random.Random(0)
    _translations(folder / "wmt_ende", "de", draw)
    _translations(folder / "wmt_enfr", "fr", draw)
    _trees(folder / "wsj_parsing", draw)
    _classes(folder / "imagenet")
    _captions(folder / "coco_captions", draw)
    _speech(folder / "wsj_speech", draw)


def _sentence(draw):
    return " ".join(draw.choices(WORDS, k=draw.randint(2, 6)))


def _translations(folder, language, draw):
    folder.mkdir()
    for split, count in (("train", TRAIN), ("newstest-dev", HELD_OUT), ("test", HELD_OUT)):
        pairs = [(_sentence(draw), _sentence(draw).upper()) for _ in range(count)]
        if split == "newstest-dev":
            (folder / "dev").mkdir()
            for side, code, kind in ((0, "en", "src"), (1, language, "ref")):
                segments = "".join(f'<seg id="{i}">{p[side]}</seg>\n' for i, p in enumerate(pairs, start=1))
                (folder / "dev" / f"{split}-{kind}.{code}.sgm").write_text(
                    f'<{kind}set setid="{split}" srclang="any" trglang="{code}">\n'
                    f'<doc docid="one">\n{segments}</doc>\n</{kind}set>\n'
                )
        else:
            for side, code in ((0, "en"), (1, language)):
                (folder / f"{split}.{code}").write_text("".join(pair[side] + "\n" for pair in pairs))


def _trees(folder, draw):
    for section in [*range(2, 22), 22, 23]:
        inner = folder / "parsed" / "mrg" / "wsj" / f"{section:02d}"
        inner.mkdir(parents=True)
        trees = [
            f"( (S \n    (NP-SBJ-1 (DT the) (NN {draw.choice(WORDS)}) )\n    (VP (VBZ {draw.choice(WORDS)}) "
            "(NP (-NONE- *-1) ))\n    (. .) ))\n"
            for _ in range(2)
        ]
        (inner / f"wsj_{section:02d}01.mrg").write_text("\n".join(trees))


def _jpeg(number):
    noise = np.random.default_rng(number).integers(0, 255, (40 + number % 9, 50, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


def _classes(folder):
    for split, count in (("train", TRAIN // 3), ("val", 2), ("test", 2)):
        for synset in ("n01440764", "n02119789", "n03447447"):
            (folder / split / synset).mkdir(parents=True)
            for number in range(count):
                (folder / split / synset / f"{synset}_{number}.JPEG").write_bytes(_jpeg(number))


def _captions(folder, draw):
    (folder / "val2014").mkdir(parents=True)
    images = []
    for number, split in enumerate(["train"] * TRAIN + ["val"] * HELD_OUT + ["test"] * HELD_OUT):
        name = f"COCO_val2014_{number:012d}.jpg"
        (folder / "val2014" / name).write_bytes(_jpeg(number))
        sentences = [{"raw": _sentence(draw)} for _ in range(5)]
        place = {"filepath": "val2014", "filename": name, "cocoid": number, "imgid": number}
        images.append(place | {"split": split, "sentences": sentences})
    (folder / "dataset_coco.json").write_text(json.dumps({"images": images, "dataset": "coco"}))


def _speech(folder, draw):
    for split, count in (("train_si284", TRAIN), ("test_dev93", HELD_OUT), ("test_eval92", HELD_OUT)):
        inner = folder / split
        inner.mkdir(parents=True)
        scp, text = [], []
        for number in range(count):
            name = f"{split[-2:]}c{number:04d}"
            wave = np.sin(np.arange(8000 + 400 * number) * (0.02 + 0.01 * number)).astype(np.float32) / 2
            soundfile.write(inner / f"{name}.flac", wave, 16000)
            scp.append(f"{name} flac -c -d -s {name}.flac |\n")
            text.append(f"{name} {_sentence(draw).upper()}\n")
        (inner / "wav.scp").write_text("".join(scp))
        (inner / "text").write_text("".join(text))
