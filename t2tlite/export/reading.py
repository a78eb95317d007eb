"""Raw inputs in the graph: strings, encoded pictures and waveforms to what the model reads."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from t2tlite.data import audio, images, records
from t2tlite.decoding.words import WHITESPACE
from t2tlite.export.guard import guarded

_LONGEST = 16  # times the last bound of training; longer inputs are refused, as by the predictor
_BLANK = f"{WHITESPACE}*"  # what `str.strip` takes off
_PNG, _JPEG = b"\x89PNG", b"\xff\xd8"
_RATE = audio.SAMPLE_RATE


class Read(NamedTuple):
    """A batch of raw inputs, read.

    Attributes:
      features: a function of int32 rows `[n]`: the features of these rows, for the model.
      length: float32 `[batch]`, of each input, as a multiple of the longest in training.
      error: strings `[batch]`, why an input can't be read; "" where it can.
      blank: bool `[batch]`, nothing is said, so nothing is answered.
      texts: strings `[batch]`, the inputs themselves; None where they are no text.
    """

    features: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    length: tf.Tensor
    error: tf.Tensor
    blank: tf.Tensor
    texts: tf.Tensor | None = None


class Texts:
    """UTF-8 text.

    Attributes:
      suffix: of the name of a signature that reads this.
      spec: `{name: TensorSpec}` of what `read` takes.
      accepts: `{name: what it may hold}`, for people.
    """

    suffix = ""
    side = "inputs"
    spec = {"inputs": tf.TensorSpec([None], tf.string)}

    def __init__(self, vocabulary, hparams):
        self._vocabulary = vocabulary
        self._bounds = hparams.text_bounds()
        self.accepts = {self.side: f"UTF-8 text of at most {_LONGEST * self._bounds[-1]} subword units"}

    def read(self, **given) -> Read:
        texts = given[self.side]
        blank = tf.strings.regex_full_match(texts, _BLANK)
        valid = texts == tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.where(valid, texts, "")
        ids = self._vocabulary.tokenize(texts)  # [batch, (length)]
        length = tf.cast(ids.row_lengths(), tf.int32)
        long = _too_long(length, self._bounds[-1], "subword units")
        error = _first_of((blank, ""), (~valid, "not UTF-8"), long)

        def features(rows):
            return {self.side: _padded(tf.gather(ids, rows).to_tensor(), self._bounds)}

        return Read(features, tf.cast(length, tf.float32) / self._bounds[-1], error, blank, texts)


class Targets(Texts):
    """Texts as a model would write them, to be scored; see `Texts`."""

    side = "targets"
    spec = {"targets": tf.TensorSpec([None], tf.string)}


class Pictures:
    """The content of PNG and JPEG files; see `Texts`."""

    suffix = ""
    spec = {"inputs": tf.TensorSpec([None], tf.string)}
    accepts = {"inputs": "the content of a PNG or JPEG file, of any size; a JPEG must not be CMYK"}

    def __init__(self, vocabulary, hparams):
        self._size = hparams.image_size

    def read(self, inputs) -> Read:
        known = (tf.strings.substr(inputs, 0, 4) == _PNG) | (tf.strings.substr(inputs, 0, 2) == _JPEG)
        made = tf.TensorSpec([self._size, self._size, 3], tf.float32), tf.TensorSpec([], tf.int32)
        found, channels, ok = guarded(self._decode, inputs, made)
        error = _first_of(
            (~known, "not a PNG or JPEG file"),
            (~ok, "a damaged picture"),
            (channels == 4, "a CMYK JPEG; convert it to RGB"),
        )
        return Read(
            lambda rows: {"inputs": tf.gather(found, rows)},
            tf.ones_like(channels, tf.float32),
            error,
            tf.zeros_like(known),
        )

    def _decode(self, encoded):
        jpeg = tf.io.is_jpeg(encoded)
        channels = tf.cond(jpeg, lambda: tf.io.extract_jpeg_shape(encoded)[2], lambda: 3)
        return images.decode(encoded[None], self._size, None)[0], channels


class Waveforms:
    """Samples; see `Texts`."""

    suffix = ""
    spec = {
        "inputs": tf.TensorSpec([None, None], tf.float32),
        "inputs_length": tf.TensorSpec([None], tf.int32),
    }

    def __init__(self, vocabulary, hparams):
        self._bounds = tuple(round(seconds * _RATE) for seconds in hparams.seconds_bounds)
        self._bound = self._bounds[-1]
        self.accepts = self._accepts(f"at most {_LONGEST * self._bound / _RATE:g} seconds")

    def _accepts(self, most):
        return {
            "inputs": f"sound of one channel at {_RATE} Hz in [-1, 1], {most}; padded with anything",
            "inputs_length": "how many samples of each row are its sound, 1 or more",
        }

    def read(self, inputs, inputs_length) -> Read:
        width = tf.shape(inputs)[1]
        fits = (inputs_length > 0) & (inputs_length <= width)
        heard = tf.sequence_mask(tf.where(fits, inputs_length, 0), width)
        finite = tf.reduce_all(tf.math.is_finite(inputs) | ~heard, axis=1)
        error = _first_of(
            (~fits, "inputs_length must be 1 or more, and at most the number of samples"),
            (~finite, "samples that are no numbers"),
            _too_long(inputs_length, self._bound, f"samples at {_RATE} Hz"),
        )
        return self._of(inputs, inputs_length, heard, error)

    def _of(self, samples, length, heard, error):
        def features(rows):
            lengths = tf.gather(length, rows)
            found = tf.where(tf.gather(heard, rows), tf.gather(samples, rows), 0.0)
            found = tf.round(tf.clip_by_value(found, -1.0, 1.0) * records.PCM) / records.PCM
            return {
                "inputs": _padded(found[:, : tf.reduce_max(lengths)], self._bounds),
                "inputs_length": lengths,
            }

        relative = tf.cast(length, tf.float32) / self._bound
        return Read(features, relative, error, tf.zeros_like(length, tf.bool))


class WavFiles(Waveforms):
    """The content of WAV files; see `Texts`.

    They are not resampled: a graph has no filter that would do the same as the predictor's.
    """

    suffix = "_wav"
    spec = {"inputs": tf.TensorSpec([None], tf.string)}

    def _accepts(self, most):
        return {
            "inputs": f"the content of a WAV file, 16-bit PCM at {_RATE} Hz, any number of channels, {most}"
        }

    def read(self, inputs) -> Read:
        made = tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)
        samples, length, rate, ok = guarded(_decode_wav, inputs, made)
        error = _first_of(
            (~ok, "not a WAV file of 16-bit PCM, or a damaged one"),
            (rate != _RATE, tf.strings.join([tf.strings.as_string(rate), f" Hz; expected {_RATE} Hz"])),
            (length < 1, "a sound without samples"),
            _too_long(length, self._bound, f"samples at {_RATE} Hz"),
        )
        return self._of(samples, length, tf.sequence_mask(length, tf.shape(samples)[1]), error)


BY_KIND = {"text": (Texts,), "image": (Pictures,), "audio": (Waveforms, WavFiles)}


def _padded(rows, bounds):
    """`[rows, width]`, as wide as the first bound that holds them all, or else as they are."""
    found = tf.shape(rows)[1]
    width = found
    for bound in reversed(bounds):
        width = tf.where(found <= bound, bound, width)
    return tf.pad(rows, [[0, 0], [0, width - found]])


def _decode_wav(content):
    samples, rate = tf.audio.decode_wav(content)  # [samples, channels]
    mono = tf.reduce_mean(samples, axis=1)
    return mono, tf.size(mono), rate


def _too_long(length, bound, unit):
    """Which inputs are refused since they are too long, and what is said of each."""
    said = tf.strings.join([tf.strings.as_string(length), f" {unit}; at most {_LONGEST * bound} are read"])
    return length > _LONGEST * bound, said


def _first_of(*faults):
    """What is said of each row: the message of the first of (bool `[batch]`, message) that holds, or ""."""
    error = tf.fill(tf.shape(faults[0][0]), "")
    for holds, message in reversed(faults):
        error = tf.where(holds, message, error)
    return error
