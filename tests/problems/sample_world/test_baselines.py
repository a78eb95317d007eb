"""What little learning gets one: loose bounds on the figures of the README."""

import pytest

from t2tlite.problems.sample_world import baselines


@pytest.mark.parametrize("source,target", baselines.PAIRS)
def test_copying_and_word_for_word_translation_get_one_not_far(source, target):
    figures = baselines.translation_figures(source, target, train=2500)
    assert figures["copy"] < 2
    # Scenes change their order least, and into English: "Ein roter Stern auf dem Gras."
    assert figures["co-occurrence"] < 35
    assert figures["alignment"] < 45


def test_words_and_marks_of_sentences():
    assert baselines.words("Is it the king's house, l'homme est-ce?") == [
        *("Is", "it", "the", "king", "'s", "house", ",", "l'homme", "est-ce", "?")
    ]
    assert baselines.vocabulary(["The dog sees the king's dog."]) == {"the", "dog", "sees", "king", "'s"}


def test_a_linear_model_of_the_pixels_fails():
    assert baselines.linear_accuracy(train=1500, epochs=6) < 0.2


def test_captions_of_a_picture_agree_and_others_do_not():
    figures = baselines.caption_figures()
    assert figures["of the picture"] > 55
    assert figures["of another picture"] < 30


def test_answers_without_looking_fail():
    figures = baselines.answer_figures(train=600, test=40)
    assert 10 < figures["of all"] < 25
    assert figures["of all"] < figures["of the question"] < 45


def test_one_answer_to_all_speech_fails():
    assert baselines.constant_error_rate(candidates=20) > 0.6
