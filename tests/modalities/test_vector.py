"""The nets of vectors and of bags of names."""

import numpy as np
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.modality import Representation

from ..models import tiny


def test_the_logarithm_of_counts_is_read():
    vector, counts = (
        tiny.randomise(built(registry.get("modality", name).from_hparams(tiny.HPARAMS, size=3, name="net")))
        for name in ("vector", "counts")
    )
    x = tf.constant([[0.0, 1, 5], [2, 0, 0]])
    [one, other] = vector.bottom({"x": tf.math.log1p(x)}, "x"), counts.bottom({"x": x}, "x")
    assert one.x.shape == (2, 1, 16) and one.mask is None
    tiny.close(one.x, other.x, 1e-6)
    assert not tiny.same(vector.bottom({"x": x}, "x").x, one.x)


def built(net):
    net.build(None)
    return net


def test_nets_are_shared_by_size_and_by_names():
    cls = registry.get("modality", "vector")
    one = tiny.a_problem("one", problem.Vector(3), problem.Vector(2))
    assert (
        cls.sharing(one, "inputs", None, None) == ("3", 3) and cls.sharing(one, "targets", None, None)[1] == 2
    )
    bags = [tiny.a_problem("bag", problem.Counts(names), problem.Label()) for names in ("ab", "ba", "ab")]
    keys = [registry.get("modality", "counts").sharing(bag, "inputs", None, None) for bag in bags]
    assert keys[0] == keys[2] != keys[1] and keys[0][1] == 2


def test_what_is_written_is_read_off_the_mean():
    net = tiny.randomise(
        built(registry.get("modality", "vector").from_hparams(tiny.HPARAMS, size=3, name="net"))
    )
    x, mask = tiny.noise(2, 4, 16), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    outputs = net.top(Representation(x, tf.constant(mask)))
    means = [x[row][mask[row]].numpy().mean(axis=0) for row in range(2)]
    tiny.close(outputs, net.write(tf.constant(np.stack(means))))
    fresh = built(registry.get("modality", "counts").from_hparams(tiny.HPARAMS, size=3, name="net"))
    assert not fresh.top(Representation(x)).numpy().any()
