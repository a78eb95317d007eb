"""WSJ speech from either layout of its folder: chosen by what is there, to waveforms that both nets take."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.stored import records
from t2tlite.errors import UserError

from ..data import sound_bytes
from ..models import tiny

PROBLEM = registry.get_problem("wsj_speech")
FOLDERS = {
    "train": ("train_si284", "train"),
    "validation": ("test_dev93", "dev", "validation"),
    "test": ("test_eval92", "test"),
}


def examples(split, source_dir):
    return PROBLEM.examples(split, "files", source_dir)


def kaldi_folder(folder, words, sound):
    folder.mkdir(parents=True)
    (folder / "a.wav").write_bytes(sound)
    (folder / "wav.scp").write_text("a a.wav\n")
    (folder / "text").write_text(f"a {words}\n")


def ldc_folder(folder, words, sound):
    for name, listed in (
        ("wsj0/doc/indices/train/tr_s_wv1.ndx", "wsj0/si_tr_s/01i/01ic0201.wv1"),
        ("wsj0/doc/indices/test/nvp/si_et_20.ndx", "wsj0/si_tr_s/01i/01ic0201"),
        ("wsj1/doc/indices/h1_p0.ndx", "wsj0/si_tr_s/01i/01ic0201.wv1"),
        ("wsj1/doc/indices/si_tr_s.ndx", "wsj0/si_tr_s/01i/01ic0201.wv1"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"11_1_1:{listed}\n")
    (folder / "wsj0/si_tr_s/01i").mkdir(parents=True)
    (folder / "wsj0/si_tr_s/01i/01ic0201.wv1").write_bytes(sound)
    (folder / "wsj0/si_tr_s/01i/01ic0200.dot").write_text(f"{words} (01ic0201)\n")


@pytest.mark.parametrize("split", FOLDERS)
@pytest.mark.parametrize("inner", ["", "data"])
def test_the_folders_of_kaldi(tmp_path, split, inner):
    for name in FOLDERS[split]:
        top = tmp_path / name
        kaldi_folder(top / inner / name, f"WORDS OF {name}", sound_bytes.sound_file(sound_bytes.voice()))
        [found] = examples(split, top)
        assert found["targets"] == f"words of {name}"


@pytest.mark.parametrize("split", FOLDERS)
def test_the_discs_of_ldc(tmp_path, split):
    ldc_folder(tmp_path, "These \\,COMMA words", sound_bytes.sphere(sound_bytes.voice()))
    found = [example["targets"] for example in examples(split, str(tmp_path))]
    assert found == ["these comma words"] * (2 if split == "train" else 1)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("layout", [kaldi_folder, ldc_folder])
def test_the_waveform_is_what_was_recorded_at_16_khz(tmp_path, layout, rate):
    top = tmp_path / "top"
    sound = sound_bytes.sphere(sound_bytes.voice(1, rate), rate)
    layout(top / "test" if layout is kaldi_folder else top, "Words", sound)
    [found] = examples("test", top)
    expected = np.float32(sound_bytes.voice(1, 16000)) / 32768
    assert found["inputs"].dtype == np.float32 and len(found["inputs"]) == 16000
    np.testing.assert_allclose(found["inputs"][300:-300], expected[300:-300], atol=2e-3)


def test_shorten_from_the_folder_to_the_record(tmp_path, monkeypatch):
    voice = sound_bytes.voice()
    ldc_folder(tmp_path / "top", "Words", sound_bytes.shortened(voice))
    sound_bytes.fake_sph2pipe(tmp_path / "bin", sound_bytes.sound_file(voice), monkeypatch)
    [found] = examples("test", tmp_path / "top")
    features = records.stored_features(PROBLEM)
    stored = records.deserialize(records.serialize(found, features, "here"), features)
    np.testing.assert_allclose(stored["inputs"], np.float32(voice) / 32768, atol=2 / 32768)
    assert stored["targets"] == "words"
    monkeypatch.setenv("PATH", str(tmp_path))
    [broken] = examples("test", tmp_path / "top")
    assert "neither `sph2pipe` nor `ffmpeg` is on PATH" in broken.reason
    assert broken.where.endswith("01ic0201.wv1")


@pytest.mark.parametrize("name", ["spectral", "waveform"])
def test_both_nets_take_what_was_read(tmp_path, name):
    kaldi_folder(tmp_path / "test", "Words", sound_bytes.sound_file(sound_bytes.voice()))
    [found] = examples("test", tmp_path)
    hparams = tiny.HPARAMS.replace(modality_audio=name)
    assert PROBLEM.inputs.modality_name(hparams) == name
    net = registry.get("modality", name).from_hparams(hparams)
    net.build(None)
    features = {"inputs": found["inputs"][None], "inputs_length": tf.constant([len(found["inputs"])])}
    represented, mask, _ = net.bottom(features, "inputs")
    assert represented.shape[0] == 1 and represented.shape[-1] == hparams.hidden_size
    assert np.isfinite(represented).all() and tf.reduce_all(mask)


def test_folders_that_are_wrong(tmp_path):
    expected = "expected by --source_dir a folder with Kaldi data folders .*or with LDC's discs of WSJ0"
    for wrong in (None, tmp_path / "gone"):
        with pytest.raises(UserError, match=f"there is no folder {wrong}; {expected}"):
            examples("train", wrong)
    with pytest.raises(UserError, match=f"{tmp_path} holds no WSJ speech; {expected}"):
        examples("train", tmp_path)
    (tmp_path / "11-1.1" / "wsj0").mkdir(parents=True)
    with pytest.raises(UserError, match="has no list tr_s_wv1.ndx"):
        examples("train", tmp_path)
    kaldi_folder(tmp_path / "test", "Words", sound_bytes.sound_file(sound_bytes.voice()))
    with pytest.raises(
        UserError, match="folder test, but none for train; expected train_si284 or train with"
    ):
        examples("train", tmp_path)
