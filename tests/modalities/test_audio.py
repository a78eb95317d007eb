"""The audio nets: the spectrogram against a plain DFT, the blocks against their formula, padding, sizes."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, registry
from t2tlite.layers import randomness
from t2tlite.modalities import audio

from ..layers import reference
from ..models import tiny


def built(name, **changes):
    net = registry.get("modality", name).from_hparams(tiny.HPARAMS.replace(**changes))
    net.build(None)
    return tiny.randomise(net)


@pytest.mark.parametrize(
    ("samples", "frame", "hop", "bins"), [(1000, 400, 160, 20), (65, 64, 64, 5), (30, 50, 20, 4)]
)
def test_the_spectrogram_is_the_formula(samples, frame, hop, bins):
    x = 0.1 * tiny.noise(2, samples)
    expected = [reference.log_mel(row, frame, hop, bins) for row in np.float64(x)]
    y = audio.log_mel(x, frame, hop, bins)
    assert y.shape == (2, -(-samples // hop), bins)
    tiny.close(y, expected, 1e-3)


def test_silence_is_zero_and_a_tone_stands_in_its_bin():
    assert not audio.log_mel(tf.zeros([1, 800]), 400, 160, 20).numpy().any()
    edges = np.linspace(*(1127 * np.log(1 + f / 700) for f in (80, 7600)), 22)
    for b in (3, 12, 18):
        hertz = 700 * (np.exp(edges[b + 1] / 1127) - 1)
        tone = 0.1 * np.sin(2 * np.pi * hertz * np.arange(1600) / 16000, dtype=np.float32)
        energy = audio.log_mel(tone[None], 400, 160, 20)[0, 3]
        assert np.argmax(energy) == b


def expected_of(net, x, valid):
    """The blocks and the projection, for one example `[time, width, channels]`, and what is valid after."""
    w = reference.weights(net)
    for i in range(1, net.hparams.audio_blocks + 1):
        strides = (2, 1) if i <= net.hparams.audio_strided_blocks else (1, 1)
        x = reference.conv_res(x, w[f"block{i}"], net.kernel, strides, valid)
        valid = valid[:: strides[0]]
    x = x.reshape(len(x), -1)[valid]
    return x @ w["project"]["kernel"] + w["project"]["bias"], valid


@pytest.mark.parametrize("name", ["spectral", "waveform"])
def test_a_net_is_its_residual_convolutions(name):
    net = built(name)
    lengths, longest = [500, 900], 1000
    sound = 0.1 * tiny.noise(2, longest).numpy() * (np.arange(longest) < np.array(lengths)[:, None])
    x, mask, grid = net.bottom({"inputs": sound, "inputs_length": tf.constant(lengths)}, "inputs")
    assert grid is None
    frame, hop = 400, round(net.hparams.audio_frame_step * 16)
    for row, length in enumerate(lengths):
        if name == "spectral":
            energy = (
                reference.log_mel(np.float64(sound[row]), frame, hop, net.hparams.audio_num_mel_bins)
                / audio.LOUD
            )
            read = np.stack([energy, 1 - energy], axis=-1)
            valid = np.arange(len(read)) < -(-length // hop)
        else:
            read = np.stack([sound[row], -sound[row]], axis=-1)[:, None]
            valid = np.arange(longest) < length
        expected, left = expected_of(net, read, valid)
        assert (mask[row].numpy() == left).all()
        tiny.close(x[row][left], expected, 1e-3)
        assert not x[row][~left].numpy().any()


@pytest.mark.parametrize("name", ["spectral", "waveform"])
def test_padding_changes_nothing(name):
    net, features = built(name), tiny.batch("sounds")
    x, mask, _ = net.bottom(features, "inputs")
    wider = {**features, "inputs": tf.pad(features["inputs"], [[0, 0], [0, 1111]])}
    y, wider_mask, _ = net.bottom(wider, "inputs")
    length = mask.shape[1]
    assert (wider_mask[:, :length].numpy() == mask.numpy()).all()
    assert not wider_mask[:, length:].numpy().any()
    tiny.close(y[:, :length], x)
    assert not y[:, length:].numpy().any()


@pytest.mark.parametrize("name", ["spectral", "waveform"])
def test_what_lies_beyond_the_end_of_a_sound_changes_nothing(name):
    net, features = built(name), tiny.batch("sounds")
    valid = np.arange(4000) < features["inputs_length"].numpy()[:, None]
    noisy = {**features, "inputs": tf.where(valid, features["inputs"], tiny.noise(3, 4000))}
    tiny.close(net.bottom(noisy, "inputs").x, net.bottom(features, "inputs").x, 1e-5)


def test_a_loud_tone_is_read_as_about_one(monkeypatch):
    """Every frame of it, in its bin; of any pitch. What is half as loud is read as little less."""
    net, read = built("spectral"), []
    represent = net._represent
    monkeypatch.setattr(type(net), "_represent", lambda self, x, mask: read.append(x) or represent(x, mask))
    for hertz in (300, 1000, 3000):
        tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(4000) / 16000, dtype=np.float32)
        net.bottom({"inputs": tone[None], "inputs_length": tf.constant([4000])}, "inputs")
    assert all(0.9 < np.max(x[0, 3, :, 0]) < 1.3 for x in read)


def test_a_waveform_is_not_rounded_before_its_spectrum(monkeypatch):
    net = registry.get("modality", "spectral").from_hparams(tiny.HPARAMS, dtype="mixed_bfloat16")
    net.build(None)
    features, read, log_mel = tiny.batch("sounds"), [], audio.log_mel
    monkeypatch.setattr(audio, "log_mel", lambda x, *sizes: read.append(x) or log_mel(x, *sizes))
    assert net.bottom(features, "inputs").x.dtype == tf.bfloat16
    np.testing.assert_array_equal(read[0], features["inputs"])


def test_the_papers_set_keeps_the_formula():
    hparams = hparam.get("multimodel_paper")
    for name in ("spectral", "waveform"):
        net = registry.get("modality", name).from_hparams(hparams)
        assert [block.filters for block in net.blocks] == [2, 4, 8, 16, 32, 64, 128, 256]
        assert {block.strides for block in net.blocks} == {(2, 1)}


def test_the_spectral_net_keeps_every_frequency():
    net = built("spectral")
    last = net.blocks[-1].filters
    assert net.project.kernel.shape == (tiny.HPARAMS.audio_num_mel_bins * last, 16)


def test_only_training_hides_parts_of_a_spectrogram():
    """And only if asked to."""
    features = {
        "inputs": 0.2 * tiny.noise(3, 4000),
        "inputs_length": tf.constant([4000, 4000, 2500]),
    }

    def output(training, **changes):
        net = built("spectral", **changes)
        with randomness.scope(tf.constant([1, 2])):
            return net.bottom(features, "inputs", training=training).x.numpy()

    masks = {"audio_time_mask": 0.4, "audio_frequency_mask": 0.4}
    plain = output(True)
    np.testing.assert_array_equal(output(False, **masks), plain)
    hidden = output(True, **masks)
    assert all((hidden[row] != plain[row]).any() for row in range(3))
