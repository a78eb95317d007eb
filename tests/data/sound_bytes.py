"""Sounds for tests, and their files as bytes: SPHERE by hand, so that no code of ours is its own judge."""

import io
import stat
import sys

import numpy as np
import soundfile

FAKE_SPH2PIPE = """#!{python}
import sys, pathlib, shutil
path = sys.argv[-1]
assert sys.argv[1:-1] == ["-p", "-f", "wav"], sys.argv
pathlib.Path({log!r}).open("a").write(path + "\\n")
with open({wav!r}, "rb") as wav:
    shutil.copyfileobj(wav, sys.stdout.buffer)
sys.exit({status})
"""


def voice(seconds=0.5, rate=16000, seed=0):
    """int16 `[samples]`: tones that rise and fall, no two seeds alike, at a third of full scale at most."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 150 + 40 * seed
    sound = np.sin(2 * np.pi * pitch * time) + np.sin(2 * np.pi * 3 * pitch * time + seed)
    return np.int16(5000 * sound * np.sin(np.pi * time / seconds) ** 0.5)


def sphere(samples, rate=16000, order="01", coding="pcm", **fields):
    """A SPHERE file of int16 `[samples]` or `[samples, channels]`, of which `order` "10" is big-endian."""
    samples = np.asarray(samples, np.int16)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    lines = {
        "utterance_id": "-s8 01ic0201",
        "channel_count": f"-i {channels}",
        "sample_count": f"-i {len(samples)}",
        "sample_rate": f"-i {rate}",
        "sample_n_bytes": "-i 2",
        "sample_byte_format": f"-s2 {order}",
        "sample_sig_bits": "-i 16",
        "sample_coding": f"-s{len(coding)} {coding}",
        **fields,
    }
    text = "NIST_1A\n   1024\n" + "".join(f"{name} {value}\n" for name, value in lines.items()) + "end_head\n"
    return text.encode().ljust(1024) + samples.astype(">i2" if order == "10" else "<i2").tobytes()


def shortened(samples):
    """What says it is compressed with shorten; what follows is noise, since only a fake program reads it."""
    return sphere(samples, coding="pcm,embedded-shorten-v2.00")[:1024] + b"ajkg\x02" + bytes(200)


def sound_file(samples, rate=16000, format="WAV", subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype)
    return file.getvalue()


def fake_sph2pipe(folder, wav, monkeypatch, status=0, name="sph2pipe"):
    """Puts a program on PATH, alone, that writes `wav`; returns the file where it notes what it was asked."""
    folder.mkdir()
    (folder / "out.wav").write_bytes(wav)
    program = folder / name
    program.write_text(
        FAKE_SPH2PIPE.format(
            python=sys.executable, log=str(folder / "log"), wav=str(folder / "out.wav"), status=status
        )
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "log"
