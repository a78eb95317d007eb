"""What a person types: prompts, completion, and the history across sessions."""

import os
import pty
import stat
import subprocess
import sys
import time

import pytest

from t2tlite.decoding.session.prompt import completions, history_file, read_lines
from t2tlite.decoding.session.session import Session

from ..fake_predictor import FakePredictor


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Session(FakePredictor(), "translation", True)


def test_typed(session):
    """Lines, until the end of the input; an interrupt only gives the line up."""
    typed_lines = iter(["one", KeyboardInterrupt(), "two", EOFError()])
    prompts = []

    def ask(prompt):
        prompts.append(prompt)
        line = next(typed_lines)
        if isinstance(line, str):
            return line
        raise line

    typed = []
    for line in read_lines(session, ask):
        typed.append(line)
        session.switch_to("captions")
    assert typed == ["one", "two"]
    assert prompts == ["translation> ", "captions> ", "captions> ", "captions> "]


def completed(session, line):
    begin = max(line.rfind(separator) for separator in " \t,") + 1
    return [line[:begin] + one for one in completions(session, line, begin)]


def test_commands_names_and_settings_are_completed(session):
    assert completed(session, ":p") == [":problem "]
    assert ":set " in completed(session, ":") and completed(session, ":x") == []
    assert completed(session, ":problem ca") == [":problem captions "]
    assert completed(session, ":problem captions p") == []
    assert completed(session, ":zeroshot pictures sp") == [":zeroshot pictures spoken "]
    assert len(completed(session, ":zeroshot ")) == 4 and completed(session, ":zeroshot a b c") == []
    assert completed(session, ":set beam") == [":set beam_size="]
    assert completed(session, ":set alpha=1,top_") == [":set alpha=1,top_k=", ":set alpha=1,top_p="]
    assert completed(session, ":quit a") == [] == completed(session, "the re")


def test_paths_are_completed(session, tmp_path, monkeypatch):
    for name in ("my picture.png", "my pile.png", "other.png", ".hidden.png"):
        (tmp_path / name).write_text("")
    (tmp_path / "more").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    session.switch_to("pictures")
    assert completed(session, "my") == ["my picture.png", "my pile.png"]
    assert completed(session, "my pic") == ["my picture.png"]
    assert completed(session, "  my pil") == ["  my pile.png"]
    assert completed(session, "mo") == ["more/"]
    assert completed(session, "~/oth") == ["~/other.png"]
    assert completed(session, f"{tmp_path}/.h") == [f"{tmp_path}/.hidden.png"]
    assert not [path for path in completed(session, "") if path.startswith(".")]
    assert completed(session, "none/") == [] == completed(session, "a\0/b")
    assert completed(session, ":problem ca") == [":problem captions "]


def test_where_the_history_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert history_file() == tmp_path / ".local" / "state" / "t2tlite" / "history"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # to be ignored, says the specification
    assert history_file() == tmp_path / ".local" / "state" / "t2tlite" / "history"
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert str(history_file()) == "/elsewhere/t2tlite/history"


TYPIST = """
import os
from t2tlite.decoding.session.prompt import read_lines
from t2tlite.problem import Text

class Session:
    class predictor:
        problems = ("wmt_ende", "imagenet")
    class topic:
        reads = Text()
    expects = Text()
    def prompt(self):
        return "> "

for line in read_lines(Session()):
    print("got", repr(line), flush=True)
print("end", flush=True)
"""


def typist(keys, env):
    """What is on the screen after a person typed, in a terminal of its own."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", TYPIST], stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True
    )
    os.close(slave)
    screen = b""
    try:
        for key in keys:
            while not screen.endswith(b"> "):
                screen += os.read(master, 1000)
            os.write(master, key)
            time.sleep(0.02)
            screen += b"."
        while True:
            try:
                screen += os.read(master, 1000)
            except OSError:  # the other end is closed
                break
    finally:
        process.kill() if process.poll() is None and b"end" not in screen else None
        process.wait()
        os.close(master)
    return screen.decode()


def test_the_history_is_kept(tmp_path):
    """In a terminal: arrow up brings back what an earlier session was told; Tab completes."""
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb", "INPUTRC": "/dev/null"}
    assert "got 'first'" in typist([b"first\n", b"\x04"], env)
    history_path = tmp_path / "t2tlite" / "history"
    assert history_path.read_text() == "first\n" and stat.S_IMODE(history_path.stat().st_mode) == 0o600
    screen = typist([b"\x10\n", b":prob\tim\t\n", b"\x04"], env)
    assert "got 'first'" in screen and "got ':problem imagenet '" in screen and "end" in screen
    assert history_path.read_text().splitlines()[-1] == ":problem imagenet "


@pytest.mark.parametrize("home", ["/dev/null/state", "/proc/state"])
def test_no_history_is_harmless(home):
    env = {**os.environ, "XDG_STATE_HOME": home, "TERM": "dumb", "INPUTRC": "/dev/null"}
    screen = typist([b"first\n", b"\x04"], env)
    assert "got 'first'" in screen and "end" in screen and "Traceback" not in screen
