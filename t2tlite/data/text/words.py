"""Words of texts in the graph: what Python's `str.split` finds, in strings of UTF-8."""

import tensorflow as tf

# What `str.isspace` takes for white space, as a class of an expression; an expression's own \s is ASCII.
WHITESPACE = f"[{''.join(c for c in map(chr, range(0x10000)) if c.isspace())}]"
_WORD = f"[^{WHITESPACE[1:]}+"


def count_words(texts: tf.Tensor) -> tf.Tensor:
    """How many words each text has, `len(text.split())`.

    Args:
      texts: UTF-8 strings `[batch]`.

    Returns:
      int32 `[batch]`.
    """
    marks = tf.strings.regex_replace(texts, _WORD, "w")  # a letter for each word, between the white space
    return tf.strings.length(tf.strings.regex_replace(marks, f"{WHITESPACE}+", ""))
