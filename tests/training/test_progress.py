"""The progress display: plain lines, and the table in a terminal."""

import io
import re

import pytest

from t2tlite.training import progress
from t2tlite.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def in_terminal(monkeypatch):
    """A function that gives the test a terminal as stderr; pytest sets its own after a fixture has run."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def begin():
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        return terminal

    return begin


def figures(loss, targets=100):
    return {"loss": loss, "gradient_norm": 2.0, "targets": targets, "examples": 8}


def test_the_line(clock, capsys):
    shown = Progress(10, 50)
    clock[0] += 60
    shown.update(11, "wmt_ende", figures(4.0, 1000), waited=50.0)  # compiled: counts for its loss alone
    for step in range(12, 21):
        clock[0] += 2
        shown.update(step, "wmt_ende", figures(3.0), waited=0.5)
    shown.log(20)
    loss = 3 + 0.9**9
    assert capsys.readouterr().err == (
        f"step 20/50  1:00 left  wmt_ende {loss:.2f}  50 targets/s  4.0 examples/s  25.0% waiting for data\n"
    )
    assert shown.speed() == {
        "targets_per_second": 50,
        "examples_per_second": 4,
        "waiting_for_data": 0.25,
    }
    shown.say("hello")
    shown.close()
    assert capsys.readouterr().err == "hello\n"


def test_a_terminal_has_a_table_that_is_drawn_every_second(clock, in_terminal):
    terminal, shown = in_terminal(), Progress(0, 9)
    for step in range(1, 7):
        clock[0] += 0.6
        shown.update(step, "wmt_ende" if step % 3 else "imagenet", figures(3.0), waited=0.0)
    shown.log(6)  # the table has it
    drawn = terminal.getvalue()
    assert drawn.count("step ") == 3 and "step 6/9" in drawn
    rows = [re.findall(r"[\w.%]+", line) for line in re.sub(r"\x1b\[[\d;?]*\w", "", drawn).splitlines()]
    assert ["wmt_ende", "4", "3.000", "2.00", "66.7%"] in rows
    assert ["imagenet", "2", "3.000", "2.00", "33.3%"] in rows


def test_what_is_said_stays_above_the_table(clock, in_terminal):
    terminal, shown = in_terminal(), Progress(0, 9)
    for step in (1, 2):
        clock[0] += 2
        shown.update(step, "wmt_ende", figures(3.0), waited=0.0)
    shown.say("step 2  validation [wmt_ende]: fine")
    after = terminal.getvalue().rpartition("validation [wmt_ende]: fine")[2]
    assert "wmt_ende" in after  # the table is drawn anew below it
    shown.close()


def test_the_terminal_is_left_as_it_was(clock, in_terminal):
    terminal, shown = in_terminal(), Progress(0, 9)
    clock[0] += 2
    shown.update(1, "wmt_ende", figures(3.0), waited=0.0)
    hidden, visible = "\x1b[?25l", "\x1b[?25h"
    assert terminal.getvalue().rfind(hidden) > terminal.getvalue().rfind(visible)
    shown.close()
    shown.close()
    assert terminal.getvalue().rfind(visible) > terminal.getvalue().rfind(hidden)
    shown.say("after")
    assert terminal.getvalue().endswith("after\n")


def test_a_terminal_that_cannot_move_its_cursor_has_lines(clock, in_terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    terminal, shown = in_terminal(), Progress(0, 9)
    clock[0] += 2
    shown.update(1, "wmt_ende", figures(3.0), waited=0.0)
    shown.log(1)
    assert terminal.getvalue().startswith("step 1/9") and "\x1b" not in terminal.getvalue()
