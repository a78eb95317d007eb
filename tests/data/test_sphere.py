"""SPHERE headers, and shorten compression undone by a program that is a fake here."""

import io
import pathlib
import sys

import numpy as np
import pytest

from t2tlite.data import sphere

from . import sound_bytes


def header(content):
    return sphere.read_header(io.BytesIO(content))


def test_the_fields_of_a_header():
    found = header(
        sound_bytes.sphere(np.zeros([100, 2]), prompt="-s9 two words", note="-s0 ", level="-r 0.5")
    )
    assert found.size == 1024 and found.samples == 100 and not found.shortened
    assert found.fields["prompt"] == "two words" and found.fields["level"] == "0.5"
    assert found.fields["sample_byte_format"] == "01"
    assert found.file_bytes == 1024 + 100 * 2 * 2


def test_a_compressed_file_says_so_and_not_how_large_it_is():
    found = header(sound_bytes.shortened(np.zeros(100)))
    assert found.shortened and found.samples == 100 and found.file_bytes is None


def test_mu_law_has_one_byte_a_sample():
    fields = (
        b"sample_count -i 30\nsample_rate -i 8000\nsample_coding -s4 ulaw\nchannel_count -i 2\nend_head\n"
    )
    assert header(b"NIST_1A\n   1024\n" + fields.ljust(1008)).file_bytes == 1024 + 60


def test_other_files_have_none():
    assert header(b"") is None and header(b"RIFF    WAVE") is None


@pytest.mark.parametrize(
    "content",
    [
        b"NIST_1A\n",
        b"NIST_1A\nlarge  \nend_head\n",
        b"NIST_1A\n   1024\nsample_count -i 3\n",
        b"NIST_1A\n   1024\nsample_count\nend_head\n",
        b"NIST_1A\n   1024\nsample_count -i 3\nsample_n_bytes -i two\nend_head\n",
    ],
)
def test_a_damaged_header(content):
    with pytest.raises(ValueError, match="damaged SPHERE header"):
        header(content)


def test_the_program_is_called_without_a_shell(tmp_path, monkeypatch):
    log = sound_bytes.fake_sph2pipe(tmp_path / "bin", b"RIFF...", monkeypatch)
    path = tmp_path / "$(touch x); a b.wv1"
    path.write_bytes(sound_bytes.shortened(np.zeros(10)))
    with sphere.expanded(path) as found:
        assert found.read() == b"RIFF..."
    assert log.read_text() == f"{path}\n"


def test_contents_are_handed_over_as_a_file_that_goes_away(tmp_path, monkeypatch):
    log = sound_bytes.fake_sph2pipe(tmp_path / "bin", b"RIFF...", monkeypatch)
    with sphere.expanded(sound_bytes.shortened(np.zeros(10))) as found:
        assert found.read() == b"RIFF..."
    assert not pathlib.Path(log.read_text().strip()).exists()


def test_ffmpeg_where_there_is_no_sph2pipe(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(*sys.argv[1:])\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    with sphere.expanded(tmp_path / "a.wv1") as found:
        asked = found.read().decode().split()
    assert asked[asked.index("-i") + 1] == f"file:{tmp_path}/a.wv1"
    assert asked[-3:] == ["-f", "wav", "-"] and "-nostdin" in asked


def test_a_program_that_fails(tmp_path, monkeypatch):
    sound_bytes.fake_sph2pipe(tmp_path / "bin", b"", monkeypatch, status=3)
    with pytest.raises(ValueError, match="shorten, and sph2pipe can't undo it"), sphere.expanded(b"x"):
        pass


def test_no_program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="neither `sph2pipe` nor `ffmpeg` is on PATH"), sphere.expanded(b"x"):
        pass
