import collections
import os

from t2tlite.data import shuffle

RECORDS = [b"%d:" % number + b"x" * (number % 50) for number in range(2000)]


def shuffled(tmp_path, seed="s", **sizes):
    return [list(shard) for shard in shuffle.shards(iter(RECORDS), seed, tmp_path, **sizes)]


def test_a_small_split_is_one_shard(tmp_path):
    (shard,) = shuffled(tmp_path)
    assert shard != RECORDS and sorted(shard) == sorted(RECORDS)


def test_a_large_split_is_scattered_and_shuffled_within(tmp_path):
    shards = shuffled(tmp_path, memory_bytes=2000, spill_files=8)
    assert len(shards) == 8
    assert sorted(record for shard in shards for record in shard) == sorted(RECORDS)
    assert min(map(len, shards)) > 150
    # Neighbours come from all over the split.
    numbers = [int(record.split(b":")[0]) for record in shards[0]]
    assert sum(a < b for a, b in zip(numbers, numbers[1:], strict=False)) < 0.6 * len(numbers)
    assert os.listdir(tmp_path) == []


def test_the_order_is_given_by_the_seed(tmp_path):
    sizes = {"memory_bytes": 2000, "spill_files": 8}
    assert shuffled(tmp_path, **sizes) == shuffled(tmp_path, **sizes)
    assert shuffled(tmp_path, **sizes) != shuffled(tmp_path, seed="t", **sizes)


def test_every_place_is_as_likely(tmp_path):
    places = collections.Counter()
    for seed in range(300):
        (shard,) = shuffle.shards([b"a", b"b", b"c"], str(seed), tmp_path)
        places[b"".join(shard)] += 1
    assert len(places) == 6 and min(places.values()) > 25


def test_nothing_is_left_when_it_is_stopped(tmp_path):
    shards = shuffle.shards(iter(RECORDS), "s", tmp_path, memory_bytes=2000, spill_files=8)
    next(next(shards))
    assert os.listdir(tmp_path)
    shards.close()
    assert os.listdir(tmp_path) == []
