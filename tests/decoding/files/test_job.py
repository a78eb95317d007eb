"""From a source to a target: what is kept when the work ends early, and what is said of it."""

import dataclasses
import io
import os
import threading
import types

import pytest

from t2tlite import registry
from t2tlite.decoding.files.job import LineJob
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError


@dataclasses.dataclass(frozen=True)
class Fake(LineJob):
    """Answers a line by its capitals, until it comes to one that is `stop`."""

    stop: object = None

    def _answer(self, predictor, header=None):
        def answer(numbers, lines):
            if self.stop in lines:
                raise KeyboardInterrupt
            return [line.decode().upper() for line in lines]

        return answer


def loaded(kind="text"):
    problem = types.SimpleNamespace(inputs=registry.get("feature", kind)())
    run = types.SimpleNamespace(problems={"p": problem})
    return types.SimpleNamespace(run=run, options=DecodeOptions(batch_size=1), at_a_time=1)


@pytest.fixture
def work(tmp_path):
    """Of twelve lines, longest last."""
    (tmp_path / "in").write_text("".join(f"{'a' * i}\n" for i in range(12)))
    return Fake(
        str(tmp_path / "in"),
        "decode_from_file",
        str(tmp_path / "out"),
        "p",
        False,
        False,
        {"beam": "4"},
        loaded,
    )


EXPECTED = "".join(f"{'A' * i}\n" for i in range(12))


def test_interrupted_and_gone_on(work, tmp_path, capsys):
    """Four lines at a time, the longest first: the second four are where it stops."""
    part = tmp_path / "out.part"
    with pytest.raises(KeyboardInterrupt):
        dataclasses.replace(work, stop=b"aaaa").run()
    message = f"t2t-decode: 4 outputs are kept in {part}; the same command goes on from there\n"
    assert capsys.readouterr().err.endswith(message) and part.exists()
    with pytest.raises(UserError, match=r"\(beam 4, now 8\)"):
        dataclasses.replace(work, identity={"beam": "8"}, load=pytest.fail).run()
    with pytest.raises(UserError, match="the model is broken"):
        dataclasses.replace(work, load=broken).run()
    assert "4 outputs are kept" in capsys.readouterr().err and part.exists()
    assert dataclasses.replace(work, stop=b"a" * 11).run() == (12, 0)
    assert capsys.readouterr().err.startswith(f"t2t-decode: going on with the 4 outputs of {part}\n")
    assert (tmp_path / "out").read_text() == EXPECTED and not part.exists()


def broken():
    raise UserError("the model is broken")


def test_nothing_is_left_of_nothing(work, tmp_path):
    with pytest.raises(UserError):
        dataclasses.replace(work, load=broken).run()
    with pytest.raises(KeyboardInterrupt):
        dataclasses.replace(work, stop=b"a" * 11).run()
    assert os.listdir(tmp_path) == ["in"]


def test_an_input_that_changes_meanwhile(work, tmp_path):
    def changed():
        (tmp_path / "in").write_text("b\n" * 12)
        return loaded()

    with pytest.raises(UserError, match="in was changed while it was read; start again"):
        dataclasses.replace(work, load=changed).run()
    assert not (tmp_path / "out").exists()


def test_streams(work, tmp_path, monkeypatch, capfdbinary):
    """A pipe or a device, on either side, is answered as it comes, and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["a\n\nb"])
    writer.start()
    assert dataclasses.replace(work, source=str(pipe)).run() == (3, 0)
    writer.join()
    assert (tmp_path / "out").read_text() == "A\n\nB\n"
    assert dataclasses.replace(work, to="/dev/null").run() == (12, 0) and not os.path.isfile("/dev/null")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("ä\nb\n".encode())))
    assert dataclasses.replace(work, source="-", to=None).run() == (2, 0)
    assert capfdbinary.readouterr().out == "Ä\nB\n".encode()
    assert sorted(os.listdir(tmp_path)) == ["in", "out", "pipe"]


def test_a_link_is_followed(work, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert dataclasses.replace(work, to=str(tmp_path / "link")).run() == (12, 0)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "out").read_text() == EXPECTED


def test_the_input_is_not_the_output(work, tmp_path):
    os.link(tmp_path / "in", tmp_path / "same")
    for name in ("in", "same"):
        with pytest.raises(UserError, match=f"{name} is the input; give it another name"):
            dataclasses.replace(work, to=str(tmp_path / name), load=pytest.fail).run()
