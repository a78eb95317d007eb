from t2tlite.problems.formats.hold_out import held_out

NAMES = [f"n01440764/n01440764_{number}.JPEG" for number in range(40000)]


def test_about_the_share_asked_for_is_held_out():
    for one_in in (32, 128):
        count = sum(held_out(name, one_in) for name in NAMES)
        assert abs(count - 40000 / one_in) < 4 * (40000 / one_in) ** 0.5


def test_what_is_held_out_never_changes():
    assert [name for name in NAMES if held_out(name, 128)][:2] == [
        "n01440764/n01440764_91.JPEG",
        "n01440764/n01440764_148.JPEG",
    ]
