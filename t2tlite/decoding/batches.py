"""Batches: inputs that are decoded together."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sized


def batch_by_length(
    read: Mapping[int, Sized], room: Callable[[int], int], size: int, most: int
) -> Iterator[tuple[int, list[int]]]:
    """Puts inputs of similar length together, whose outputs have the same greatest length.

    Args:
      read: the inputs, by number.
      room: the greatest length of the output, of an input's number.
      size: most inputs of a batch.
      most: the product of a batch's inputs and of the longest one's length is at most that, unless it is one.

    Yields:
      The greatest length of the outputs, and the inputs' numbers.
    """
    order = sorted(read, key=lambda i: (room(i), len(read[i])))
    for length, group in itertools.groupby(order, room):
        batch: list[int] = []
        for i in group:
            if batch and (len(batch) == size or (len(batch) + 1) * len(read[i]) > most):
                yield length, batch
                batch = []
            batch.append(i)
        yield length, batch
