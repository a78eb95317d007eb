"""The ids that every vocabulary of texts begins with."""

PAD = 0  # behind the end of a sequence in a batch
EOS = 1  # the end of a sequence
UNK = 2  # what no unit stands for
