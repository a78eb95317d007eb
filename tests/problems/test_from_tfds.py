"""What TFDS has prepared, read in pieces; and what is said where it has not."""

import functools
import hashlib
import io
import pickle
import subprocess
import sys
import urllib.error

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from t2tlite.errors import UserError
from t2tlite.problems import from_tfds

from .tfds_mock import mocked

SIZES = {"train": 700, "validation": 9}
LETTERS = ("a", "b", "c")


def sentence(number):
    return f"satz {number} hält"


def jpeg(number):
    buffer = io.BytesIO()
    noise = np.random.default_rng(number).integers(0, 255, (8 + number % 3, 9, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=50 + number)
    return buffer.getvalue()


class TinyPairs(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"de": tfds.features.Text(), "number": tf.int64}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(size) for split, size in SIZES.items()}

    def _generate_examples(self, size):
        for number in range(size):
            yield number, {"de": sentence(number), "number": number}


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=LETTERS),
            "captions": tfds.features.Sequence({"id": tf.int64, "text": tf.string}),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(10):
            captions = {"id": [1, 2], "text": [f"{number}", "two"]}
            yield number, {"image": io.BytesIO(jpeg(number)), "label": "b", "captions": captions}


class ByHand(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Put it\nthere."

    def _info(self):
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"x": tf.int64}))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.manual_dir)}

    def _generate_examples(self, folder):
        yield 0, {"x": 0}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """TFDS's data_dir with the tiny datasets, the pairs in three files."""
    folder = tmp_path_factory.mktemp("tfds")
    config = tfds.download.DownloadConfig(num_shards=3)
    tfds.builder("tiny_pairs", data_dir=folder).download_and_prepare(download_config=config)
    from_tfds.download("tiny_pictures", str(folder))
    return str(folder)


@pytest.fixture
def pairs(tmp_path):
    """A copy of the pairs of its own, to be broken: (data_dir, the files of the training split)."""
    tfds.builder("tiny_pairs", data_dir=tmp_path).download_and_prepare()
    return str(tmp_path), sorted(tmp_path.glob("**/tiny_pairs-train.tfrecord*"))


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(from_tfds, "PIECE_BYTES", 4096)


def number_of(example):
    return int(example["number"])


def test_text_and_numbers_come_as_tfds_has_them(prepared):
    found = {
        example["number"]: example["de"]
        for example in from_tfds.pieces("tiny_pairs", "train", dict, prepared)
    }
    assert found == {number: sentence(number).encode() for number in range(700)}


def test_the_parts_are_disjoint_complete_and_in_the_same_order_each_time(prepared, small_pieces):
    pieces = from_tfds.pieces("tiny_pairs", "train", number_of, prepared)
    assert len(pieces.parts) > 3
    by_part = [list(pieces.read(part)) for part in pieces.parts]
    assert sorted(sum(by_part, [])) == list(range(700)) and pieces.total == 700
    assert sum(by_part, []) == list(pieces) == [int(e["number"]) for e in tfds.as_numpy(_stored(prepared))]
    again = from_tfds.pieces("tiny_pairs", "train", number_of, prepared)
    assert again.parts == pieces.parts and list(again.read(again.parts[2])) == by_part[2]


def _stored(data_dir):
    config = tfds.ReadConfig(interleave_cycle_length=1)
    return tfds.load("tiny_pairs", split="train", data_dir=data_dir, download=False, read_config=config)


def test_a_part_never_goes_over_the_border_of_a_stored_file(prepared):
    lengths = tfds.builder("tiny_pairs", data_dir=prepared).info.splits["train"].shard_lengths
    ends = np.cumsum(lengths).tolist()
    parts = from_tfds.pieces("tiny_pairs", "train", dict, prepared).parts
    assert len(lengths) == 3
    assert parts == [f"train[{a}:{b}]" for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    "splits, size",
    [("train[:99%]", 693), ("train[99%:]", 7), ("train[10%:]+validation", 639), ("validation", 9)],
)
def test_split_expressions(prepared, small_pieces, splits, size):
    pieces = from_tfds.pieces("tiny_pairs", splits, number_of, prepared)
    assert pieces.total == len(list(pieces)) == size


def test_complementary_slices_share_nothing(prepared):
    kept, held_out = (
        set(from_tfds.pieces("tiny_pairs", splits, number_of, prepared))
        for splits in ("train[:99%]", "train[99%:]")
    )
    assert not kept & held_out and kept | held_out == set(range(700))


def test_images_are_the_bytes_of_the_file(prepared):
    found = list(from_tfds.pieces("tiny_pictures", "train", dict, prepared))
    assert {example["image"] for example in found} == {jpeg(number) for number in range(10)}
    for example in found:
        number = int(example["captions"]["text"][0])
        assert example["image"] == jpeg(number)
        assert example["label"] == 1 and list(example["captions"]["text"]) == [b"%d" % number, b"two"]


def test_only_some_features(prepared):
    only = {"image": True, "captions": {"text": True}}
    found = list(from_tfds.pieces("tiny_pictures", "train", dict, prepared, only))
    assert {example["image"] for example in found} == {jpeg(number) for number in range(10)}
    assert all(set(example) == {"image", "captions"} for example in found)
    assert all(set(example["captions"]) == {"text"} for example in found)
    numbers = from_tfds.pieces("tiny_pairs", "validation", dict, prepared, {"number": True})
    assert sorted(int(example.pop("number")) for example in numbers) == list(range(9))


def test_another_process_reads_the_same(prepared, tmp_path):
    pieces = from_tfds.pieces("tiny_pictures", "train", dict, prepared)
    sent = tmp_path / "sent"
    sent.write_bytes(pickle.dumps((pieces.read, pieces.parts)))
    program = (
        "import hashlib, pickle, sys; read, parts = pickle.load(open(sys.argv[1], 'rb'));"
        "print(hashlib.sha256(b''.join(e['image'] for p in parts for e in read(p))).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", program, sent], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == hashlib.sha256(b"".join(e["image"] for e in pieces)).hexdigest()


def test_names_of_labels(prepared):
    assert from_tfds.label_names("tiny_pictures", "label", prepared) == LETTERS


def test_names_of_labels_that_come_with_tfds(tmp_path):
    names = from_tfds.label_names("imagenet2012", "label", str(tmp_path))
    assert len(names) == 1000 and names[0] == "n01440764"


@pytest.mark.parametrize("name", ["wmt14_translate/de-en", "coco_captions"])
def test_what_is_not_prepared_is_said_at_once(tmp_path, name):
    folder = rf"{tmp_path}/{name}/.*--download.*--source_dir"
    with pytest.raises(UserError, match=rf"not prepared `{name}` in {folder}"):
        from_tfds.pieces(name, "train", dict, str(tmp_path))


def test_imagenet_must_be_fetched_by_hand(tmp_path):
    with pytest.raises(
        UserError, match=r"by hand belongs in .*/downloads/manual; .*ILSVRC2012_img_train\.tar"
    ) as caught:
        from_tfds.pieces("imagenet2012", "train", dict, str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_dataset_that_is_gone_when_a_part_is_read(tmp_path):
    read = functools.partial(from_tfds._read, "tiny_pairs", str(tmp_path), None, dict)
    with pytest.raises(UserError, match="not prepared `tiny_pairs`"):
        list(read("train[0:2]"))


def test_an_unknown_dataset(tmp_path):
    with pytest.raises(UserError, match="knows no dataset `tiny_trees`"):
        from_tfds.pieces("tiny_trees", "train", dict, str(tmp_path))


def test_a_split_that_was_not_prepared(prepared):
    with pytest.raises(
        UserError, match="`tiny_pictures` in .* has the splits train, but `validation` is needed"
    ):
        from_tfds.pieces("tiny_pictures", "validation", dict, prepared)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def remove(path):
    path.unlink()


@pytest.mark.parametrize("damage", [flip, truncate, remove])
def test_damaged_records_are_named_with_their_slice(pairs, damage):
    data_dir, files = pairs
    pieces = from_tfds.pieces("tiny_pairs", "train", dict, data_dir)
    damage(files[0])
    with pytest.raises(UserError, match=r"train\[0:700\] of `tiny_pairs` in .* can't be read \(.+\); delete"):
        list(pieces)


def test_records_that_are_whole_but_no_examples(pairs):
    data_dir, files = pairs
    with tf.io.TFRecordWriter(str(files[0])) as writer:
        for _ in range(700):
            writer.write(b"\xff\xff not a tf.train.Example")
    with pytest.raises(UserError, match=r"train\[0:700\] of `tiny_pairs`"):
        list(from_tfds.pieces("tiny_pairs", "train", dict, data_dir))


def test_a_fault_in_convert_is_no_fault_of_the_data(prepared):
    with pytest.raises(KeyError, match="image"):
        list(from_tfds.pieces("tiny_pairs", "validation", lambda example: example["image"], prepared))


def test_download_prepares_once(tmp_path, monkeypatch):
    from_tfds.download("tiny_pairs", str(tmp_path))
    assert from_tfds.pieces("tiny_pairs", "train", dict, str(tmp_path)).total == 700
    monkeypatch.setattr(TinyPairs, "download_and_prepare", None)
    from_tfds.download("tiny_pairs", str(tmp_path))


def test_download_of_what_must_be_fetched_by_hand_says_where_it_belongs(tmp_path):
    with pytest.raises(UserError, match=rf"prepare `by_hand`: Manual directory {tmp_path}.* Put it there\."):
        from_tfds.download("by_hand", str(tmp_path))


@pytest.mark.parametrize(
    "name, host",
    [
        ("coco_captions", "images.cocodataset.org"),
        ("wmt14_translate/fr-en", "www.statmt.org"),
        ("imagenet2012", r"image-net.org.* ILSVRC2012_img_train\.tar"),
    ],
)
def test_download_without_a_network_fails_at_once(tmp_path, monkeypatch, name, host):
    asked = []

    def unreachable(request, timeout):
        asked.append((request.full_url, timeout))
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(UserError, match=rf"can't fetch `{name}`: no answer from .*{host}"):
        from_tfds.download(name, str(tmp_path))
    assert asked and all(timeout <= 10 for _, timeout in asked)


def test_mocked_text_and_images():
    with tfds.testing.mock_data(num_examples=4):
        texts = from_tfds.pieces("wmt14_translate/de-en", "train[:99%]", dict)
        assert texts.total == len(list(texts)) == 4
        assert all(isinstance(example["de"], bytes) for example in texts)
        for example in from_tfds.pieces("imagenet2012", "train", dict, "/nowhere"):
            assert Image.open(io.BytesIO(example["image"])).format == "JPEG"
            assert 0 <= example["label"] < 1000


def test_mocked_captions():
    with mocked(2):
        pieces = from_tfds.pieces("coco_captions", "train+restval", dict)
        assert pieces.total == 2
        for example in pieces:
            assert Image.open(io.BytesIO(example["image"])).format == "JPEG"
            assert len(example["captions"]["text"]) == 5 and isinstance(example["captions"]["text"][0], bytes)
