import pytest

from t2tlite.problems.formats.vqa_answers import spelled


@pytest.mark.parametrize(
    "answer, expected",
    [
        ("Yes", "yes"),
        (" two \n", "2"),
        ("none", "0"),
        ("a dog.", "dog"),
        ("The Eiffel Tower", "eiffel tower"),
        ("black-white", "black white"),
        ("black - white", "black white"),
        ("black, white", "black white"),
        ("1,000", "1000"),
        ("3.5", "3.5"),
        ("yes!", "yes"),
        ("don't know", "don't know"),
        ("A", "a"),
        ("?", "?"),
    ],
)
def test_an_answer_is_spelled_as_in_the_evaluation_of_the_challenge(answer, expected):
    assert spelled(answer) == expected
    assert spelled(expected) == expected
