"""Pictures and their captions."""

import collections
import io
import itertools

import numpy as np
import pytest
from PIL import Image

from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import captioning, corpora, drawing, english, pictures, shapes
from t2tlite.problems.sample_world.draws import Draws


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.fixture(scope="module")
def described():
    return [pictures.described(Draws(1, index)) for index in range(300)]


def test_images_are_small_png_files_with_a_class():
    examples = list(itertools.islice(sample_world.images("train"), 200))
    for example in examples:
        picture = pixels(example["inputs"])
        assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
        assert example["inputs"][:4] == b"\x89PNG"
    assert len({example["inputs"] for example in examples}) == 200
    assert {example["targets"] for example in examples} == set(sample_world.IMAGE_CLASSES)


def test_there_are_enough_classes_and_they_look_different():
    assert len(sample_world.IMAGE_CLASSES) == len(set(sample_world.IMAGE_CLASSES)) >= 20
    inks = [
        np.asarray(drawing._ink(drawing.Thing(kind, "red", 44, 32, 32)), np.float32) / 255
        for kind in sample_world.IMAGE_CLASSES
    ]
    for first, second in itertools.combinations(inks, 2):
        assert 2 * np.minimum(first, second).sum() / (first.sum() + second.sum()) < 0.92


def test_shapes_stay_in_their_square():
    for parts in shapes.SHAPES.values():
        assert max(np.abs(points).max() for adds, points in parts if adds) <= 1.15


def test_every_colour_shows_on_every_background():
    generator = np.random.default_rng(0)
    for background, colour in itertools.product(drawing.BACKGROUNDS, drawing.COLOURS):
        picture = drawing.render(background, [drawing.Thing("heart", colour, 44, 32, 32)], generator)
        assert np.abs(picture[32, 32].astype(int) - picture[2, 2]).max() > 40


def test_positions_sizes_and_colours_vary(described):
    singles = [pictures.single(Draws(2, index)) for index in range(300)]
    for name in ("x", "y", "size", "turn"):
        assert np.std([getattr(picture.main, name) for picture in singles]) > 5
    assert {picture.main.colour for picture in singles} == set(drawing.COLOURS)
    assert {picture.background for picture in singles} == set(drawing.BACKGROUNDS)
    assert {picture.relation for picture in described} == {"", *pictures.RELATIONS}


def test_things_stand_where_the_relation_says(described):
    for picture in described:
        if picture.other is None:
            continue
        main, other = picture.main, picture.other
        gap = (main.size + other.size) / 2 - 2
        across = {"left of": other.x - main.x, "right of": main.x - other.x}
        along = {"above": other.y - main.y, "below": main.y - other.y}
        assert (across | along)[picture.relation] >= gap
        assert main.kind != other.kind
        for thing in picture.things:
            assert thing.size // 2 - 1 <= min(thing.x, thing.y)
            assert max(thing.x, thing.y) <= 64 - thing.size // 2 + 1


def test_captions_are_five_different_true_sentences(described):
    for number, picture in enumerate(described):
        captions = [english.sentence(way) for way in captioning.five(picture, Draws(3, number))]
        assert len(set(captions)) == 5
        for caption in captions:
            assert caption[0].isupper() and caption.endswith(".") and not caption.endswith(" .")
            said = set(caption.lower().removesuffix(".").split())
            kinds = [thing for thing in picture.things if thing.kind in said]
            assert kinds == picture.things
            assert all(thing.colour in said for thing in kinds)
            assert said & {"big", "small"} <= {pictures.size_word(thing) for thing in picture.things}


def test_every_way_to_tell_a_picture_tells_what_decides_its_split(described):
    for picture in described:
        for way in captioning.ways(picture):
            said = english.words(way)
            told = [*pictures.abstract(picture).split()]
            if picture.relation in ("right of", "below"):
                assert pictures.abstract(_seen_from_the_other(picture)) == pictures.abstract(picture)
            for word in told:
                turned = {"left": "right", "above": "below"}.get(word, word)
                assert word in said or turned in said


def _seen_from_the_other(picture):
    relation = {"right of": "left of", "below": "above"}[picture.relation]
    return pictures.Picture(picture.background, picture.other, picture.main, relation)


def test_the_streamed_captions_are_those_of_the_picture():
    example = corpora.captions_example("validation", 3)
    picture = corpora._described("validation", 3)
    assert all(picture.main.kind in caption.removesuffix(".").split() for caption in example["targets"])
    assert pixels(example["inputs"]).shape == (64, 64, 3)


def test_caption_forms_are_balanced(described):
    firsts = collections.Counter(
        english.words(captioning.five(picture, Draws(3, number))[0])[0]
        for number, picture in enumerate(described)
    )
    assert set(firsts) == {"A", "The", "There"}
