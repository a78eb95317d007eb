import pytest

from t2tlite import progress


def clock(monkeypatch, seconds):
    """Each look at the clock is `seconds` later."""
    now = iter(range(0, 10**6, seconds))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("total", [None, 5])
def test_items_come_through(monkeypatch, capsys, terminal, total):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: terminal, raising=False)
    assert list(progress.track(range(5), "counting", total)) == [0, 1, 2, 3, 4]
    assert "counting" in capsys.readouterr().err


def test_plain_lines_tell_how_long_it_will_take(monkeypatch, capsys):
    clock(monkeypatch, 6)
    list(progress.track(range(7), "counting", 7))
    assert capsys.readouterr().err.splitlines() == [
        "counting: 2 of 7",
        "counting: 4 of 7, 0:18 left",
        "counting: 6 of 7, 0:06 left",
        "counting: 7 in 48.0 s",
    ]


def test_a_slow_first_item_spoils_no_estimate(monkeypatch, capsys):
    """The first takes 100 seconds, the others 5."""
    now = iter([0, *range(100, 10**4, 5)])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    list(progress.track(range(5), "counting", 5))
    assert capsys.readouterr().err.splitlines()[:2] == ["counting: 1 of 5", "counting: 3 of 5, 0:10 left"]


def test_without_a_total_only_the_count(monkeypatch, capsys):
    clock(monkeypatch, 20)
    list(progress.track("ab", "counting"))
    assert capsys.readouterr().err.splitlines() == ["counting: 1", "counting: 2", "counting: 2 in 60.0 s"]


def test_nothing_is_shown_where_that_is_asked_for(capsys):
    assert list(progress.track("ab", "counting", show=False)) == ["a", "b"]
    assert capsys.readouterr().err == ""
