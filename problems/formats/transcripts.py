"""Transcripts of read speech to the words that were said: the conventions of the WSJ corpora and of Kaldi."""

import re

_NOISE = re.compile(r"(?<!\\)\[[\w<>/-]+\]")  # [door_slam], [<door_slam], [door_slam>], [cough/], [/cough]
_MARKS = re.compile(r"(?<!\\)[*<>~!:]")  # *mispronounced*, <skipped>, cut~, !stressed, leng:thened
_BEFORE = re.compile(r"^(?:[^\w']+|'(?=[\w-]*quote))+")  # ,COMMA and "DOUBLE-QUOTE, but not 'CAUSE
_AFTER = re.compile(r"[^\w'.-]+$")
_UTTERANCE = re.compile(r"(?P<text>.*)\((?P<name>\w{8})\b[^()]*\)\s*$")
_KALDI_NOISE = {"<noise>", "<spoken_noise>", "<sil>", "<sn>"}


def words(transcript: str) -> str:
    """The words of a detailed orthographic transcription, in lower case.

    Left out are marks of noises (`[loud_breath]`), pauses (`.`) and cut-off recordings (`~`), and what marks
    words as mispronounced (`*word*`), skipped in speaking (`<word>`), stressed (`!word`) or lengthened
    (`wo:rd`): the words themselves stay. Backslashes go, and spoken punctuation is the word that was said:
    `--DASH` is "dash".

    Source: CSR-I (WSJ0) Detailed Orthographic Transcription Specification, LDC93S6. Kaldi's recipe for WSJ
    does much the same, but writes upper case, a word for noises, and punctuation before its name (",COMMA").

    Args:
      transcript: what is before the utterance's name in a .dot, .lsn or .ptx file.

    Returns:
      Words with a space between; empty where nothing was said.
    """
    return _joined(_word(token) for token in _NOISE.sub(" ", transcript).split())


def kaldi_words(text: str) -> str:
    """The words of a line in Kaldi's file `text`, in lower case, without its words for noises (`<NOISE>`)."""
    return _joined(_kaldi_word(token) for token in text.split())


def utterances(lines) -> dict[str, str]:
    """The transcripts in a .dot, .lsn or .ptx file.

    Args:
      lines: its lines, `the words (01ic0201)`; in .ptx the source's number can follow in the brackets.

    Returns:
      Transcript by name of the utterance, in lower case; the first, where there are several.
    """
    texts: dict[str, str] = {}
    for line in lines:
        if match := _UTTERANCE.match(line):
            texts.setdefault(match["name"].lower(), match["text"].strip())
    return texts


def is_text(value: str) -> bool:
    """Whether what was read with errors="surrogateescape" was UTF-8."""
    return not any("\udc80" <= character <= "\udcff" for character in value)


def _joined(parts) -> str:
    return " ".join(word for word in parts if word)


def _kaldi_word(token: str) -> str:
    lower = token.lower()
    if lower in _KALDI_NOISE:
        return ""
    return lower if lower == "<unk>" else _word(token)


def _word(token: str) -> str:
    word = _MARKS.sub("", token).replace("\\", "").replace("`", "'").lower()
    word = _AFTER.sub("", _BEFORE.sub("", word))
    return word if any(character.isalnum() for character in word) else ""
