"""SPHERE files: headers, samples, and shorten compression undone by a program that is a fake here."""

import io
import os
import pathlib
import sys

import numpy as np
import pytest

from t2tlite import hparam, registry
from t2tlite.data.media.sound_files import Fault, Sound
from t2tlite.errors import UserError
from t2tlite.problems.formats import sphere

from ...data import sound_bytes

VOICE = sound_bytes.voice()
STEREO = np.stack([VOICE, sound_bytes.voice(seed=1)], axis=1)
every = pytest.mark.parametrize("order", ["01", "10"], ids=["little_endian", "big_endian"])


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
    with pytest.raises(Fault, match="damaged SPHERE header"):
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
    with pytest.raises(Fault, match="shorten, and sph2pipe can't undo it"), sphere.expanded(b"x"):
        pass


def test_no_program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Fault, match="neither `sph2pipe` nor `ffmpeg` is on PATH"), sphere.expanded(b"x"):
        pass


def whole(source, **arguments):
    with Sound(source, sphere.open_content) as sound:
        return sound.stretch(**arguments)


def as_int16(samples):
    return np.int16(np.round(samples * 32768))


@every
@pytest.mark.parametrize("samples", [VOICE, STEREO], ids=["mono", "stereo"])
def test_every_sample_of_a_file(order, samples, tmp_path):
    path = tmp_path / "sound"
    path.write_bytes(sound_bytes.sphere(samples, order=order))
    for source in (path, str(path), path.read_bytes()):
        with Sound(source, sphere.open_content) as sound:
            assert (sound.frames, sound.rate, sound.channels) == (8000, 16000, samples.ndim)
            assert np.array_equal(as_int16(sound.stretch()), samples.reshape(8000, -1))


@every
def test_a_stretch_of_a_channel(order):
    found = whole(sound_bytes.sphere(STEREO, order=order), start=0.25, stop=0.375, channel=2)
    assert np.array_equal(as_int16(found), STEREO[4000:6000, 1:])


@every
@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_cut_off(order, kept):
    content = sound_bytes.sphere(STEREO, order=order)
    with pytest.raises(Fault, match="is cut off"):
        whole(content[: round(kept * len(content))])
    with pytest.raises(Fault, match="is cut off"):
        whole(content[:-1])


@every
def test_without_samples(order):
    with pytest.raises(Fault, match="has no samples"):
        whole(sound_bytes.sphere(VOICE[:0], order=order))


def test_what_follows_the_samples_is_none_of_them():
    assert len(whole(sound_bytes.sphere(VOICE) + b"more")) == 8000


def test_shorten(tmp_path, monkeypatch):
    path = tmp_path / "a.wv1"
    path.write_bytes(sound_bytes.shortened(VOICE))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(Fault, match="compressed with shorten, and neither `sph2pipe`"):
            Sound(path, sphere.open_content)
    sound_bytes.fake_sph2pipe(tmp_path / "bin", sound_bytes.sound_file(VOICE), monkeypatch)
    assert np.array_equal(as_int16(whole(path, start=0.25)), VOICE[4000:, None])
    path.write_bytes(sound_bytes.shortened(np.zeros(8001)))
    with pytest.raises(Fault, match="is cut off"):
        Sound(path, sphere.open_content)


def test_other_formats_are_opened_as_ever(tmp_path):
    for content in (sound_bytes.sound_file(VOICE), sound_bytes.sound_file(VOICE, format="FLAC")):
        assert np.array_equal(as_int16(whole(content))[:, 0], VOICE)
    with pytest.raises(Fault, match="is cut off"):
        whole(sound_bytes.sound_file(VOICE)[:-1])


def test_files_are_closed_again(tmp_path):
    path = tmp_path / "a.wv1"
    path.write_bytes(sound_bytes.sphere(VOICE)[:-1])
    before = len(os.listdir("/dev/fd"))
    faults = []  # whose tracebacks would keep what is open alive
    for _ in range(20):
        with pytest.raises(Fault) as fault:
            Sound(path, sphere.open_content)
        faults.append(fault)
    assert len(os.listdir("/dev/fd")) == before


def test_speech_is_decoded_from_such_files(tmp_path, monkeypatch):
    """The problem's feature opens them, and names the one that it can't read."""
    hparams = hparam.get("multimodel_tiny")
    reader = registry.get_problem("wsj_speech").inputs.input_reader(None, hparams)
    path = tmp_path / "a.wv1"
    path.write_bytes(sound_bytes.sphere(VOICE, order="10"))
    assert np.array_equal(reader.read(path), reader.read(np.float32(VOICE) / 32768))
    monkeypatch.setenv("PATH", str(tmp_path))
    path.write_bytes(sound_bytes.shortened(VOICE))
    with pytest.raises(UserError, match=r"a\.wv1 is compressed with shorten, and neither"):
        reader.read(path)
