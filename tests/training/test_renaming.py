"""What another run's variables are called here."""

import pytest

from t2tlite.errors import UserError
from t2tlite.training import renaming

STORED = ["m/encoder/block0/kernel", "m/encoder/block1/kernel", "m/image/r1/bias", "m/decoder/kernel"]


def renamed(*texts, stored=STORED):
    """`{old: new}` of what has another name."""
    new_names = renaming.renamed(stored, [renaming.parse(text) for text in texts])
    return {old: new for new, old in new_names.items() if old != new}


def test_parts_blocks_and_stars():
    assert renamed() == {}
    assert renamed("encoder:mixer") == {
        "m/encoder/block0/kernel": "m/mixer/block0/kernel",
        "m/encoder/block1/kernel": "m/mixer/block1/kernel",
    }
    assert renamed("encoder/block1:encoder/block7") == {"m/encoder/block1/kernel": "m/encoder/block7/kernel"}
    assert renamed("*/block*/kernel:*/layer_*/weights") == {
        "m/encoder/block0/kernel": "m/encoder/layer_0/weights",
        "m/encoder/block1/kernel": "m/encoder/layer_1/weights",
    }
    assert renamed("image/r1/bias:image/r2/bias") == {"m/image/r1/bias": "m/image/r2/bias"}


def test_the_first_pattern_holds_and_places_can_be_exchanged():
    assert renamed("encoder/block0:encoder/block1", "encoder/block1:encoder/block0", "image:photo") == {
        "m/encoder/block0/kernel": "m/encoder/block1/kernel",
        "m/encoder/block1/kernel": "m/encoder/block0/kernel",
        "m/image/r1/bias": "m/photo/r1/bias",
    }
    assert renamed("encoder/block0:a", "encoder:b")["m/encoder/block0/kernel"] == "m/a/kernel"


def test_what_is_renamed_takes_the_place_of_what_was_there():
    new_names = renaming.renamed(STORED, [renaming.parse("encoder/block0/kernel:decoder/kernel")])
    assert new_names["m/decoder/kernel"] == "m/encoder/block0/kernel"
    assert "m/encoder/block0/kernel" not in new_names


@pytest.mark.parametrize("text", ["encoder", ":encoder", "encoder:", "a:b:c", "", ":"])
def test_what_can_not_be_read(text):
    with pytest.raises(UserError, match="expected OLD:NEW"):
        renaming.parse(text)


def test_mistakes():
    with pytest.raises(UserError, match=r"`a\*:b` must have equally many"):
        renaming.parse("a*:b")
    with pytest.raises(
        UserError, match="`encodr:b` renames nothing.*did you mean `encoder`.*decoder, encoder"
    ):
        renamed("encodr:b")
    with pytest.raises(UserError, match="`encoder:b` renames nothing"):
        renamed("enc*:a*", "encoder:b")
    with pytest.raises(UserError, match="the same name; use narrower patterns"):
        renamed("encoder/block0:x", "encoder/block1:x")
