"""Kaldi's data folders, from their files to waveforms with words."""

import pickle

import numpy as np
import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import kaldi

from ...data import sound_bytes

VOICES = [sound_bytes.voice(seed=seed) for seed in range(4)]


@pytest.fixture
def folder(tmp_path):
    """The folder `train` of a source_dir, and its sounds in `wav`."""
    (tmp_path / "train").mkdir()
    (tmp_path / "wav").mkdir()
    for number, voice in enumerate(VOICES):
        (tmp_path / "wav" / f"{number}.wav").write_bytes(sound_bytes.sound_file(voice))
    return tmp_path / "train"


def write(folder, **tables):
    for name, content in tables.items():
        content = content if isinstance(content, bytes) else content.encode()
        (folder / name.replace("_", ".")).write_bytes(content)


def read(folder):
    return list(kaldi.examples(folder, folder.parent))


def split(found):
    """Words by waveform's number among `VOICES` (or its samples), and what is no example."""
    good = [(example["targets"], samples(example)) for example in found if isinstance(example, dict)]
    return good, [other for other in found if not isinstance(other, dict)]


def samples(example):
    assert example["inputs"].dtype == np.float32
    return np.int16(np.round(example["inputs"] * 32768))


def assert_voices(found, expected):
    good, others = split(found)
    assert [words for words, _ in good] == [words for words, _ in expected]
    for (_, actual), (_, voice) in zip(good, expected, strict=True):
        np.testing.assert_array_equal(actual, voice)
    return others


def test_an_utterance_a_recording(folder):
    write(
        folder,
        wav_scp="u2 wav/2.wav\nu0 cat wav/0.wav |\nu1 sph2pipe -f wav wav/1.wav |\n",
        text="u0 ZERO <NOISE>\nu1 ONE ,COMMA\n\nu2 TWO U. S.\n",
    )
    pieces = kaldi.examples(folder, folder.parent)
    assert pieces.total == 3
    expected = [("two u. s.", VOICES[2]), ("zero", VOICES[0]), ("one comma", VOICES[1])]
    assert not assert_voices(pieces, expected)


def test_segments_of_recordings(folder):
    stereo = np.stack([VOICES[0], VOICES[3]], axis=1)
    (folder / "stereo.wv1").write_bytes(sound_bytes.sphere(stereo, order="10"))
    write(
        folder,
        wav_scp="one wav/1.wav\nleft sph2pipe -f wav -c 1 stereo.wv1 |\nboth stereo.wv1\n",
        text="".join(f"u{i} WORD {'ABCDE'[i]}\n" for i in range(5)),
        segments="u0 one 0.25 0.375\nu1 left 0.125 -1\nu2 one 0 0.2505\nu3 both 0.25 0.5 1\nu4 both 0 0.25\n",
    )
    expected = [
        ("word a", VOICES[1][4000:6000]),
        ("word c", VOICES[1][:4008]),
        ("word b", VOICES[0][2000:]),
        ("word d", VOICES[3][4000:]),
    ]
    found = read(folder)
    assert not assert_voices(found[:4], expected)
    mean = (np.float32(VOICES[0][:4000]) + VOICES[3][:4000]) / 65536
    np.testing.assert_allclose(found[4]["inputs"], mean, atol=1e-6)


def test_parts_are_small_plain_and_any_of_them_can_be_read(folder, monkeypatch):
    monkeypatch.setattr(kaldi, "UTTERANCES", 3)
    numbers = list(range(8))
    write(
        folder,
        wav_scp="".join(f"r{i} wav/{i}.wav\n" for i in range(4)),
        segments="".join(f"u{i} r{i // 2} 0.{i}1 0.{i}9\n" for i in (0, 1, 2, 3)),
        text="".join(f"u{i} WORDS\n" for i in numbers),
    )
    pieces = kaldi.examples(folder, folder.parent)
    assert pieces.parts == [
        kaldi.Part("segments", range(0, 3)),
        kaldi.Part("segments", range(3, 4)),
        kaldi.Part("text", (4, 5, 6)),
        kaldi.Part("text", (7,)),
    ]
    assert pieces.total == 8
    read_again = pickle.loads(pickle.dumps(pieces.read))
    assert len(list(read_again(pieces.parts[0]))) == 3
    assert list(read_again(pieces.parts[3])) == [Broken("the transcript has no sound", f"{folder}/text:8")]
    assert repr(pieces.parts[0]) == "Part(table='segments', lines=range(0, 3))"


def test_what_is_wrong_is_said_with_its_line_and_the_rest_is_read(folder):
    (folder / "cut.wav").write_bytes(sound_bytes.sound_file(VOICES[0])[:-1000])
    (folder / "empty.wav").write_bytes(sound_bytes.sound_file(VOICES[0][:0]))
    loud = np.int16(np.clip(VOICES[0] * 8.0, -32768, 32767))
    (folder / "clipped.wav").write_bytes(sound_bytes.sound_file(loud))
    (folder / "text.wav").write_text("no sound")
    write(
        folder,
        wav_scp=(
            "good wav/0.wav\ncut cut.wav\nempty empty.wav\nclipped clipped.wav\nnoise text.wav\n"
            "gone gone.wav\nark x.ark:12\nmute wav/1.wav\nlatin wav/2.wav\nsilent wav/3.wav\n"
        ),
        text=(
            b"good GOOD\ncut A\nempty A\nclipped A\nnoise A\ngone A\nark A\nlatin CAF\xc9\n"
            b"silent <NOISE>\nonly TEXT\n"
        ),
    )
    assert assert_voices(read(folder), [("good", VOICES[0])]) == [
        Broken("the sound has no transcript in `text`", f"{folder}/wav.scp:8"),
        Broken("the transcript is not UTF-8", f"{folder}/text:8"),
        Dropped("a transcript without words"),
        Broken("the sound is cut off", f"{folder}/cut.wav"),
        Broken("the sound has no samples", f"{folder}/empty.wav"),
        Broken(
            "the sound is clipped: more than 1% of it is as loud as its format can say",
            f"{folder}/clipped.wav",
        ),
        Broken("the sound is no sound that can be read: Format not recognised.", f"{folder}/text.wav"),
        Broken("the sound file is not there", f"{folder}/wav.scp:6: gone.wav"),
        Broken(
            "wav.scp points into an archive (.ark), which is not read; expected sound files",
            f"{folder}/wav.scp:7",
        ),
        Broken("the transcript has no sound", f"{folder}/text:10"),
    ]


def test_segments_that_are_none(folder):
    (folder / "cut.wav").write_bytes(sound_bytes.sound_file(VOICES[0])[:-1000])
    segments = [
        "r 0 0.25",
        "r 0.5 0.7",
        "r 0.1 3",
        "r 0.3 0.2",
        "r -1 0.2",
        "r 0 nan",
        "r 0",
        "r a b",
        "r 0 0.2 0 0",
        "r 0 0.2 1",
        "nobody 0 1",
        "c 0 0.1",
    ]
    write(
        folder,
        wav_scp="r wav/0.wav\nc cut.wav\n",
        text="".join(f"u{i} WORDS\n" for i in range(len(segments))),
        segments="".join(f"u{i} {segment}\n" for i, segment in enumerate(segments)),
    )
    malformed = "the segment is not `utterance recording start end` with start before end"
    outside = "the sound does not hold the stretch from its start to its end"
    expected = {
        2: outside,
        3: outside,
        **dict.fromkeys(range(4, 10), malformed),
        10: "the sound has no such channel",
        11: "the segment's recording is not in wav.scp",
    }
    others = assert_voices(read(folder), [("words", VOICES[0][:4000])])
    assert others.pop() == Broken("the sound is cut off", f"{folder}/cut.wav")
    found = {int(other.where.rpartition(":")[2]): other.reason for other in others}
    assert found == expected and all(other.where.startswith(f"{folder}/segments:") for other in others)


def test_what_can_not_be_read_at_all(folder):
    write(folder, wav_scp="a wav/0.wav\n")
    with pytest.raises(UserError, match="has wav.scp, but no file `text`; expected the transcripts"):
        kaldi.examples(folder, folder.parent)
    write(folder, text="a A\nb B\na C\n")
    with pytest.raises(UserError, match="text:3: `a` stands here for the second time, after .*text:1"):
        kaldi.examples(folder, folder.parent)
    write(folder, text="a A\n", segments="s a 0 1\n", wav_scp="a wav/0.wav\na wav/1.wav\n")
    with pytest.raises(UserError, match="wav.scp:2: `a` stands here"):
        kaldi.examples(folder, folder.parent)


def test_a_command_is_not_run(folder, tmp_path):
    write(
        folder,
        wav_scp=f"a cat $(touch {tmp_path}/x) wav/0.wav |\nb touch {tmp_path}/x |\n",
        text="a A\nb B\n",
    )
    assert [other.reason.split(":")[0] for other in read(folder)] == [
        "the command in wav.scp has several stages or redirections; expected one without",
        "the command in wav.scp is not one of those read",
    ]
    assert not (tmp_path / "x").exists()
