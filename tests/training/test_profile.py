"""--profile_steps: what it understands, and the trace that it leaves."""

import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.training.profile import Profiler, parse


@pytest.mark.parametrize(
    ("text", "ranges"),
    [(None, []), ("", []), ("5", [(5, 5)]), ("5:7", [(5, 7)]), ("1, 3:4,9", [(1, 1), (3, 4), (9, 9)])],
)
def test_ranges(text, ranges):
    assert parse(text) == ranges


@pytest.mark.parametrize("text", ["a", "7:5", "0", "0:3", "5,5", "5:9,7", "9,3", "1-3", "3,"])
def test_mistyped_ranges(text):
    with pytest.raises(UserError, match="--profile_steps=.* expected rising updates"):
        parse(text)


def test_a_trace_is_written_for_a_range_and_for_no_other(tmp_path):
    messages = []
    profiler = Profiler([(2, 3)], tmp_path / "tensorboard", messages.append)
    for number in range(1, 6):
        with profiler.update(number):
            tf.reduce_sum(tf.ones([2, 2]))
    profiler.close()
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 1
    assert len(messages) == 1 and messages[0].startswith("profiled updates 2 to 3: ")


def test_a_run_that_ends_within_a_range_can_be_profiled_again(tmp_path):
    for last, traces in ((9, 0), (9, 0), (1, 1)):
        profiler = Profiler([(1, last)], tmp_path)
        with profiler.update(1):
            tf.reduce_sum(tf.ones([2, 2]))
        profiler.close()
        assert len(list(tmp_path.rglob("*.xplane.pb"))) == traces


def test_a_profiler_that_is_in_use(tmp_path):
    tf.profiler.experimental.start(str(tmp_path))
    try:
        with pytest.raises(UserError, match="the profiler can't write a trace"):
            with Profiler([(1, 1)], tmp_path).update(1):
                pass
    finally:
        tf.profiler.experimental.stop(save=False)
