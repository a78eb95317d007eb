"""The values of wav.scp: paths and commands, which are never run."""

import pytest

from t2tlite.problems.formats import kaldi_wav

FOUND = {  # channel by value
    "a.wav": None,
    "with space.wav": None,
    "sph2pipe -f wav a.wav |": None,
    "/opt/kaldi/tools/sph2pipe_v2.5/sph2pipe -f wav -p -c 2 a.wav |": 2,
    "flac -c -d -s a.wav |": None,
    "flac -cds a.wav|": None,
    "cat a.wav |": None,
    "cat 'with space.wav' |": None,
    "ffmpeg -nostdin -i a.wav -f wav -ar 16000 -ac 1 - |": None,
    "ffmpeg -v error -i a.wav -acodec pcm_s16le -f wav pipe:1 |": None,
    "sox a.wav -t wav - |": None,
    "sox -G -t wav a.wav -r 16k -b 16 -t wav - |": None,
    "sox a.wav -t wav - remix 1 |": 1,
    "sox a.wav -t wav - rate 16000 |": None,
}
REFUSED = {
    "a.wav | sox - -t wav - |": "several stages",
    "sph2pipe -f wav a.wav | sox -t wav - -t wav - speed 0.9 |": "several stages",
    "sph2pipe -f wav a.wav; rm -rf / |": "several stages",
    "cat a.wav > b.wav |": "several stages",
    "cat a.wav 2>/dev/null |": "redirections",
    "rm -rf / |": "not one of those read: sph2pipe, flac, cat, ffmpeg, sox",
    "|": "empty",
    "cat 'a.wav |": "open quotation mark",
    "sox a.wav -t wav - speed 0.9 |": "not one call of sox",
    "sox b.wav a.wav -t wav - |": "not one call of sox",
    "sox a.wav -t wav out.wav |": "not one call of sox",
    "cat a.wav b.wav |": "not one call of cat",
    "cat - |": "not one call of cat",
    "ffmpeg -f wav - |": "not one call of ffmpeg",
    "ffmpeg -ss 3 -i a.wav -f wav - |": "option that is not known here: -ss",
    "sph2pipe -f wav -t 1:2 a.wav |": "option that is not known here: -t",
    "sph2pipe -f wav -c x a.wav |": "channel that is no number",
    "raw.ark:1234": "points into an archive",
    "": "names no sound file",
}


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "with space.wav"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("value", FOUND)
def test_the_file_and_the_channel(value, folder):
    found = kaldi_wav.recording(value, [folder])
    name = "with space.wav" if "space" in value else "a.wav"
    assert found == kaldi_wav.Recording(f"{folder}/{name}", FOUND[value])


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_not_understood(value, folder):
    with pytest.raises(ValueError, match=REFUSED[value]):
        kaldi_wav.recording(value, [folder])


def test_relative_paths_are_looked_for_in_order(tmp_path):
    folders = [tmp_path / name for name in ("data", "top", "above")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for name in "abc"[: number + 1]:
            (folder / name).touch()
    for name, folder in zip("abc", folders, strict=True):
        assert kaldi_wav.recording(name, folders).path == f"{folder}/{name}"
    assert kaldi_wav.recording(f"cat {tmp_path}/top/a |", folders).path == f"{tmp_path}/top/a"


@pytest.mark.parametrize("value", ["b.wav", "cat b.wav |", "/nowhere/a.wav", "."])
def test_a_file_that_is_missing(value, folder):
    with pytest.raises(FileNotFoundError) as error:
        kaldi_wav.recording(value, [folder])
    assert error.value.filename in value
