"""Sound files of several formats: what is read of them, in stretches, and what is wrong with them."""

import os
import struct
import tracemalloc

import numpy as np
import pytest

from t2tlite.data.media.sound_files import Fault, Sound

from .. import sound_bytes

VOICE = sound_bytes.voice()
STEREO = np.stack([VOICE, sound_bytes.voice(seed=1)], axis=1)
FILES = {
    "wav": sound_bytes.sound_file,
    "flac": lambda samples: sound_bytes.sound_file(samples, format="FLAC"),
}
every = pytest.mark.parametrize("form", FILES)


def whole(source, **arguments):
    with Sound(source) as sound:
        return sound.stretch(**arguments)


def as_int16(samples):
    assert samples.dtype == np.float32
    return np.int16(np.round(samples * 32768))


@every
@pytest.mark.parametrize("samples", [VOICE, STEREO], ids=["mono", "stereo"])
def test_every_sample_of_a_file(form, samples, tmp_path):
    path = tmp_path / "sound"
    path.write_bytes(FILES[form](samples))
    for source in (path, str(path), path.read_bytes()):
        with Sound(source) as sound:
            assert (sound.frames, sound.rate, sound.channels) == (8000, 16000, samples.ndim)
            assert np.array_equal(as_int16(sound.stretch()), samples.reshape(8000, -1))


@every
def test_stretches_in_any_order(form):
    with Sound(FILES[form](STEREO)) as sound:
        for start, stop, channel in [(0.25, 0.375, 2), (0, 0.125, 1), (0.4375, None, None), (0.25, 0.5, 1)]:
            expected = STEREO[round(start * 16000) : None if stop is None else round(stop * 16000)]
            expected = expected if channel is None else expected[:, [channel - 1]]
            assert np.array_equal(as_int16(sound.stretch(start, stop, channel)), expected)


def test_an_end_that_was_rounded_is_the_end_of_the_sound():
    assert len(whole(FILES["wav"](VOICE), start=0.25, stop=0.51)) == 4000


@pytest.mark.parametrize(("start", "stop"), [(0.5, None), (7, 8), (0.1, 1.1), (0.3, 0.2), (-0.1, 0.2)])
def test_a_stretch_that_is_not_there(start, stop):
    with pytest.raises(Fault, match="does not hold the stretch"):
        whole(FILES["wav"](VOICE), start=start, stop=stop)


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_that_is_not_there(channel):
    with pytest.raises(Fault, match="no such channel"):
        whole(FILES["wav"](STEREO), channel=channel)


@every
def test_without_samples(form):
    if form != "flac":  # where no samples means that their number is not known
        with pytest.raises(Fault, match="has no samples"):
            whole(FILES[form](VOICE[:0]))
    with pytest.raises(Fault, match="has no samples"):
        whole(FILES[form](VOICE), start=0.1, stop=0.10001)


@every
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_cut_off(form, share):
    content = FILES[form](STEREO)
    with pytest.raises(Fault, match="is cut off"):
        whole(content[: round(share * len(content))])


def test_cut_off_by_a_byte():
    with pytest.raises(Fault, match="is cut off"):
        Sound(FILES["wav"](VOICE)[:-1])


def test_what_follows_the_samples_is_none_of_them():
    assert len(whole(FILES["wav"](VOICE) + b"LIST\x04\0\0\0more")) == 8000


def test_a_wav_file_from_a_pipe_ends_where_it_ends():
    content = FILES["wav"](VOICE)
    at = content.index(b"data") + 4
    for size in (0xFFFFFFFF, 0x7FFFF024):
        piped = content[:4] + b"\xff" * 4 + content[8:at] + struct.pack("<I", size) + content[at + 4 :]
        assert np.array_equal(as_int16(whole(piped))[:, 0], VOICE)


def test_a_flac_file_that_does_not_say_how_long_it_is():
    content = bytearray(FILES["flac"](VOICE))
    content[8 + 13] &= 0xF0  # STREAMINFO's number of samples
    content[8 + 14 : 8 + 18] = bytes(4)
    with pytest.raises(Fault, match="does not say how long it is"):
        Sound(bytes(content))


def test_what_is_no_sound():
    for content in (b"", b"RIFF but no sound", b"\xff\xd8\xff\xe0 a picture"):
        with pytest.raises(Fault, match="is no sound that can be read: "):
            Sound(content)
    with pytest.raises(FileNotFoundError):
        Sound("/nowhere/x.wav")


@pytest.mark.parametrize("note", [b"even", b"odd"])
def test_a_chunk_before_the_samples_may_have_an_odd_size(note):
    """It is padded with a byte that its size does not count; what is cut off is found after it, too."""
    content = FILES["wav"](VOICE)
    at = content.index(b"data")
    chunk = b"note" + struct.pack("<I", len(note)) + note + bytes(len(note) % 2)
    riff = struct.pack("<4sI", b"RIFF", len(content) + len(chunk) - 8)
    content = riff + content[8:at] + chunk + content[at:]
    assert np.array_equal(as_int16(whole(content)), VOICE[:, None])
    with pytest.raises(Fault, match="is cut off"):
        whole(content[:-1])


def test_files_are_closed_again(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(FILES["wav"](VOICE)[:-1])
    before = len(os.listdir("/dev/fd"))
    faults = []  # whose tracebacks would keep what is open alive
    for _ in range(20):
        with pytest.raises(Fault) as fault:
            Sound(path)
        faults.append(fault)
    assert len(os.listdir("/dev/fd")) == before


def test_a_stretch_of_an_hour_takes_no_hour(tmp_path):
    path = tmp_path / "hour.wav"
    hour = 3600 * 8000
    head = b"RIFF" + struct.pack("<I", 36 + 2 * hour) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    with path.open("wb") as file:
        file.write(head + b"data" + struct.pack("<I", 2 * hour))
        file.truncate(44 + 2 * hour)  # a hole: no disk is used
        file.seek(44 + 2 * 3599 * 8000)
        file.write(sound_bytes.voice(1, 8000).tobytes())
    with Sound(path) as sound:
        tracemalloc.start()
        samples = sound.stretch(3599)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
    assert np.array_equal(as_int16(samples)[:, 0], sound_bytes.voice(1, 8000))


@pytest.mark.parametrize(("subtype", "loudest"), [("PCM_16", 32767 / 32768), ("PCM_24", 32767 / 32768)])
def test_loudest_16(subtype, loudest):
    with Sound(sound_bytes.sound_file(VOICE, subtype=subtype)) as sound:
        assert sound.loudest == loudest


@pytest.mark.parametrize("subtype", ["PCM_U8", "ULAW", "ALAW"])
def test_loudest_of_eight_bits_is_what_a_square_wave_gets_to(subtype):
    square = np.sign(np.sin(np.arange(4000) / 20)).astype(np.float32)
    with Sound(sound_bytes.sound_file(square, subtype=subtype)) as sound:
        assert sound.loudest == pytest.approx(sound.stretch().max())
