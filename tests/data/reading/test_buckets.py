import numpy as np
import tensorflow as tf

from t2tlite.data.reading import buckets

SIZES = (7, 5, 3, 2, 50)


def rows(number):
    def row(i):
        return {"number": i, "bucket": (7 * i * i + i) % 5, "ids": tf.range(i % 4)}

    return tf.data.Dataset.range(number).map(row)


def blocks(number, size):
    return rows(number).ragged_batch(size, row_splits_dtype=tf.int64)


def test_batches_are_those_of_group_by_window():
    expected = rows(1000).group_by_window(
        key_func=lambda row: row["bucket"],
        reduce_func=lambda bucket, window: window.ragged_batch(50, row_splits_dtype=tf.int64),
        window_size_func=lambda bucket: tf.gather(tf.constant(SIZES, tf.int64), bucket),
    )
    for size in (1, 64, 1000):
        data = list(buckets.batches(blocks(1000, size), SIZES))
        assert [list(batch["number"].numpy()) for batch in data] == [
            list(batch["number"].numpy()) for batch in expected
        ]
        for batch in data:
            assert len(set(batch["bucket"].numpy())) == 1
            assert batch["ids"].to_list() == [list(range(i % 4)) for i in batch["number"].numpy()]


def test_no_rows_make_no_batches():
    assert list(buckets.batches(blocks(0, 64), SIZES)) == []
    only_some = blocks(100, 10).map(lambda block: {name: value[:0] for name, value in block.items()})
    assert list(buckets.batches(only_some, SIZES)) == []


def test_what_waits_is_in_the_checkpoint(tmp_path):
    dataset = buckets.batches(blocks(1000, 64), SIZES)
    iterator = iter(dataset)
    for _ in range(50):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "checkpoint"))
    resumed = iter(dataset)
    tf.train.Checkpoint(iterator=resumed).read(path)
    rest = [list(batch["number"].numpy()) for batch in iterator]
    assert rest == [list(batch["number"].numpy()) for batch in resumed]
    everything = np.concatenate([batch["number"].numpy() for batch in dataset])
    assert sorted(everything) == list(range(1000))
    assert list(everything[-sum(map(len, rest)) :]) == [number for batch in rest for number in batch]
