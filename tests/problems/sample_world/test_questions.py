"""Questions about pictures: balance, truth, determinism."""

import collections

import pytest

from t2tlite.metrics import answers as metric
from t2tlite.problems import sample_world
from t2tlite.problems.sample_world import corpora, drawing, lexicon, questions
from t2tlite.problems.sample_world.draws import Draws

PAIRS = {"train": 240, "validation": 24, "test": 24}


@pytest.fixture(scope="module")
def asked():
    return {split: [corpora._asked(split, n) for n in range(count)] for split, count in PAIRS.items()}


def truth(question, scene):
    """The answer, read off the scene."""
    words = question.split()[:-1]  # the question mark
    there = [cell for cell in scene.cells if cell]
    if question.startswith("what colour"):
        [colour] = [colour for kind, colour in there if kind == words[-1]]
        return colour
    if question.startswith("how many"):
        return str(sum(lexicon.NOUNS[kind].plural == words[2] for kind, _ in there))
    if question.startswith("where"):
        [place] = [i for i, cell in enumerate(scene.cells) if cell and cell[0] == words[-1]]
        return questions.PLACES[place]
    *colour, kind = words[3:]
    return "yes" if any(t[0] == kind and (not colour or t[1] == colour[0]) for t in there) else "no"


@pytest.mark.parametrize("split", PAIRS)
def test_a_question_has_two_pictures_of_which_the_answers_differ(asked, split):
    for each in asked[split]:
        assert each.answers[0] != each.answers[1]
        assert set(each.answers) <= set(each.choices) <= set(questions.ANSWERS)
        assert [truth(each.question, scene) for scene in each.scenes] == list(each.answers)
        assert each.scenes[0].background == each.scenes[1].background


@pytest.mark.parametrize("split", PAIRS)
def test_colour_number_place_and_presence_are_asked_equally(asked, split):
    kinds = collections.Counter(each.question.split()[0] for each in asked[split])
    assert kinds == dict.fromkeys(("what", "how", "where", "is"), PAIRS[split] // 4)


def test_the_question_alone_tells_no_more_than_chance(asked):
    """By the most frequent answer to each question in training: of two pictures one is right at most."""
    counts = collections.defaultdict(collections.Counter)
    for each in asked["train"]:
        counts[each.question].update(each.answers)
    right = collections.defaultdict(list)
    for split in ("validation", "test"):
        for each in asked[split]:
            guess = max(each.choices, key=lambda answer: counts[each.question][answer])
            hits = sum(answer == guess for answer in each.answers)
            assert hits <= 1
            right[each.choices].append(hits / 2)
    for choices, shares in right.items():
        assert sum(shares) / len(shares) <= 1 / len(choices) + 0.2, choices
    assert right["no", "yes"] == [0.5] * len(right["no", "yes"])


def test_every_answer_of_a_kind_is_as_frequent_as_the_others(asked):
    counts = collections.Counter(answer for each in asked["train"] for answer in each.answers)
    assert counts["yes"] == counts["no"] == PAIRS["train"] // 4
    for choices in (questions.NUMBERS, questions.PLACES, questions.COLOURS):
        mean = PAIRS["train"] / 2 / len(choices)
        assert all(mean / 2 < counts[choice] < mean * 2 for choice in choices)


def test_a_question_about_a_scene_is_in_one_split(asked):
    texts = {
        split: {questions.describe(e.question, s) for e in asked[split] for s in e.scenes} for split in PAIRS
    }
    assert not texts["train"] & texts["validation"]
    assert not texts["train"] & texts["test"]
    assert not texts["validation"] & texts["test"]


def test_things_stay_in_their_cells_and_keep_their_kind_and_colour():
    scene = questions.Scene("snow", (("cat", "red"), None, ("key", "blue"), ("tree", "gray")))
    for seed in range(50):
        things = questions.things(scene, Draws(seed))
        assert [(t.kind, t.colour) for t in things] == [c for c in scene.cells if c]
        for thing, (left, top) in zip(things, ((0, 0), (0, 32), (32, 32)), strict=True):
            assert left <= thing.x - thing.size / 2 and thing.x + thing.size / 2 <= left + 32
            assert top <= thing.y - thing.size / 2 and thing.y + thing.size / 2 <= top + 32
    assert drawing.SIZE == 64


def test_ten_annotators_answer_and_a_few_disagree():
    disagreeing = collections.Counter()
    for seed in range(300):
        given = questions.annotated("2", questions.NUMBERS, Draws(seed))
        assert len(given) == 10 and set(given) <= set(questions.NUMBERS)
        assert metric.vqa_accuracy([["2"]], [given]) == 100
        disagreeing[10 - given.count("2")] += 1
    assert sorted(disagreeing) == [0, 1, 2] and min(disagreeing.values()) > 30


def test_an_example_alone_is_the_streamed_one():
    pieces = sample_world.visual_questions("train")
    assert pieces.total == corpora.COUNTS["questions"]["train"]
    streamed = [example for example, _ in zip(pieces, range(6), strict=False)]
    corpora._asked.cache_clear()
    for index in (5, 0, 3):  # in any order
        assert corpora.visual_questions_example("train", index) == streamed[index]
    for first, second in zip(streamed[::2], streamed[1::2], strict=True):
        assert first["inputs"]["question"] == second["inputs"]["question"]
        assert first["inputs"]["picture"] != second["inputs"]["picture"]


def test_pairs_are_whole_in_every_split():
    assert all(count % 2 == 0 for count in corpora.COUNTS["questions"].values()) and corpora._PIECE % 2 == 0
