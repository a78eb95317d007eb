import io
import os
import tarfile

import pytest

from t2tlite.errors import UserError
from t2tlite.problems.formats import tars


def tar_of(files, **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


FILES = {f"{n}.JPEG": bytes([n]) * (700 * n) for n in range(5)}


def contents(path, *where, **how):
    with tars.Tar(str(path), *where, **how) as tar:
        return {member.name: tar.read(member) for member in tar}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tar"


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_read_whatever_the_dialect_and_however_long_their_names(path, kind):
    files = {**FILES, "d/" * 40 + "long.JPEG": b"l"}
    path.write_bytes(tar_of(files, format=kind))
    assert contents(path) == files


def test_a_tar_within_a_tar_is_read_in_place(path):
    path.write_bytes(tar_of({"x.tar": tar_of({"x": b"1"}), "y.tar": tar_of(FILES), "z.tar": tar_of({})}))
    with tars.Tar(str(path)) as tar:
        inner = {member.name: (member.start, member.start + member.size) for member in tar}
    assert contents(path, *inner["y.tar"]) == FILES
    assert contents(path, *inner["z.tar"]) == {}


def test_runs_are_whole_members_and_all_of_them(path):
    path.write_bytes(tar_of(FILES))
    runs = tars.runs(str(path), 2000)
    # Headers of 512 bytes, and contents of 0, 700, 1400, 2100 and 2800 in blocks of 512.
    assert runs == [(0, 2048), (2048, 4096), (4096, 7168), (7168, 10752)]
    found = [contents(path, *run, closed=False) for run in runs]
    assert [name for run in found for name in run] == list(FILES)
    assert {name: data for run in found for name, data in run.items()} == FILES
    path.write_bytes(tar_of({}))
    assert tars.runs(str(path), 2000) == []


def test_what_is_neither_file_nor_folder_is_said_to_be_so(path):
    with tarfile.open(path, "w") as tar:
        for name, kind in (("d", tarfile.DIRTYPE), ("s", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    with tars.Tar(str(path)) as tar:
        assert [(member.name, member.kind) for member in tar] == [
            ("d", "folder"),
            ("s", "other"),
            ("h", "other"),
        ]


def cut(path, at):
    with open(path, "r+b") as file:
        file.truncate(at)


def starts(path):
    with tars.Tar(str(path)) as tar:
        return {member.name: member for member in tar}


@pytest.mark.parametrize(
    "where, missing",
    [
        (lambda m: m["3.JPEG"].start + 5, "2095 bytes are missing"),  # within a file, of 2100 bytes
        (lambda m: m["3.JPEG"].header + 99, "2.JPEG: it is truncated, without the blocks of zeros"),
        (lambda m: m["3.JPEG"].header, "2.JPEG: it is truncated, without the blocks of zeros"),
    ],
)
def test_a_truncated_archive_is_refused_wherever_it_was_cut(path, where, missing):
    path.write_bytes(tar_of(FILES))
    cut(path, where(starts(path)))
    with pytest.raises(
        UserError, match=f"{path} is no whole tar archive, at or after .*{missing}.*fetch it again"
    ):
        contents(path)
    with pytest.raises(UserError, match="is no whole tar archive"):
        tars.runs(str(path), 1000)


def test_an_empty_file_and_one_that_is_no_tar_are_refused(path):
    for data in (b"", b"hello" * 1000):
        path.write_bytes(data)
        with pytest.raises(UserError, match="is no whole tar archive, at or after its start"):
            contents(path)


def test_a_damaged_header_is_not_taken_for_the_end(path):
    data = bytearray(tar_of(FILES))
    path.write_bytes(data)
    header = starts(path)["2.JPEG"].header
    data[header : header + 200] = os.urandom(200)
    path.write_bytes(data)
    with pytest.raises(UserError, match=f"at or after 1.JPEG: no header at byte {header}"):
        contents(path)


def test_an_archive_that_is_missing_is_named(path):
    with pytest.raises(UserError, match="a.tar can't be read: No such file"):
        contents(path)
