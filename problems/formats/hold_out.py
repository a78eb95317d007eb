"""A fixed share of a corpus that has too few splits, held out by a hash of names."""

import hashlib
import os


def held_out(name: str, one_in: int) -> bool:
    """Whether an example belongs to the share that is held out from training.

    Args:
      name: of the example within its corpus, such as "n01440764/n01440764_10026.JPEG".
      one_in: the share's inverse: 128 holds out about 1 example in 128.
    """
    digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
    return int.from_bytes(digest, "big") % one_in == 0
