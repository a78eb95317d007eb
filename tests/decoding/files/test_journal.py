"""The journal: nothing that was finished is lost, and nothing else is taken for finished."""

import json

import pytest

from t2tlite.decoding.files.journal import Journal
from t2tlite.errors import UserError

IDENTITY = {"input": "abc", "beam_size": "4"}


def opened(path, identity=IDENTITY, lines=5):
    return Journal(path, identity, lines, "out")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.part"


def finished(journal):
    return {int(number): journal.output(number) for number in journal.finished.nonzero()[0]}


def test_what_was_added_is_there_again(path):
    with opened(path) as journal:
        assert finished(journal) == {}
        journal.add([3, 1], [0, 7], [b"a\tb \xc3\xa4", b""])
        journal.add([0], [0], [b"c"])
        expected = {0: b"c", 1: b"", 3: b"a\tb \xc3\xa4"}
        assert finished(journal) == expected
    with opened(path) as journal:
        assert finished(journal) == expected
        assert journal.stamps.tolist() == [0, 7, -1, 0, -1]
        journal.add([1, 4], [8, 0], [b"again", b"d"])  # the last one holds
    with opened(path) as journal:
        assert finished(journal) == {**expected, 1: b"again", 4: b"d"}
        journal.remove()
    assert not path.exists()


def test_cut_anywhere(path):
    """Wherever a process died while it wrote: all whole records before that, and the rest can be added."""
    with opened(path) as journal:
        for number in range(4):
            journal.add([number], [0], [b"output %d" % number])
    content = path.read_bytes()
    head = content.index(b"\n") + 1
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with opened(path) as journal:
            whole = content[head:length].count(b"\n") if length >= head else 0
            assert finished(journal) == {i: b"output %d" % i for i in range(whole)}
            journal.add([4], [0], [b"new"])
        with opened(path) as journal:
            assert len(finished(journal)) == whole + 1 and journal.output(4) == b"new"


def test_damaged_anywhere(path):
    """A byte that is another one: no output is ever a wrong one."""
    with opened(path) as journal:
        for number in range(3):
            journal.add([number], [5], [b"output %d" % number])
    content = path.read_bytes()
    for position in range(content.index(b"\n") + 1, len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x11
        path.write_bytes(damaged)
        with opened(path) as journal:
            numbers = finished(journal)
        assert len(numbers) < 3 and all(output == b"output %d" % number for number, output in numbers.items())


def test_others_are_refused(path):
    with opened(path) as journal:
        journal.add([4], [0], [b"a"])
    for identity, message in [
        ({**IDENTITY, "beam_size": "8"}, r"keeps 1 output .*\(beam_size 4, now 8\); give the same as then"),
        ({**IDENTITY, "input": "abd"}, r"\(input abc, now abd\)"),
        ({**IDENTITY, "alpha": "1"}, r"\(alpha not said, now 1\)"),
    ]:
        with pytest.raises(UserError, match=message):
            opened(path, identity, lines=2)
    with opened(path) as journal:
        assert finished(journal) == {4: b"a"}


def test_others_without_outputs_are_begun_anew(path):
    opened(path).__exit__()
    with opened(path, {"input": "other"}) as journal:
        journal.add([0], [0], [b"a"])
    assert json.loads(path.read_bytes().split(b"\n")[0].partition(b" 1 ")[2]) == {"input": "other"}


def test_a_file_of_somebody_else_is_left_alone(path):
    path.write_text("my notes\n")
    with pytest.raises(UserError, match="out.part is no journal of t2t-decode, which needs that name"):
        opened(path)
    assert path.read_text() == "my notes\n"


def test_one_process_at_a_time(path):
    with opened(path), pytest.raises(UserError, match="another t2t-decode is writing to .*out.part"):
        opened(path)
    opened(path).__exit__()


def test_unwritable(tmp_path):
    with pytest.raises(UserError, match="can't write --decode_to_file=out: No such file"):
        opened(tmp_path / "no" / "out.part")
