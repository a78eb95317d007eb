"""One predictor, many threads: what each gets is what it would get alone."""

import threading
import traceback

import numpy as np

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor

SENTENCES = ["the red circle", "the green square the blue circle", "a"]
_DRAW = np.random.default_rng(0)
PICTURES = [(255 * _DRAW.random((33, 33, 3))).astype(np.uint8) for _ in range(3)]
OPTIONS = DecodeOptions(beam_size=1, decode_length=6)


def plain(view):
    """What a view holds, so that two can be compared."""
    return {name: weights.tolist() for name, weights in view.weights.items()}


def calls(predictor):
    """Functions without arguments, by what they do."""
    return {
        "sentences": lambda: predictor.predict("translation", SENTENCES, options=OPTIONS),
        "a sentence": lambda: predictor.predict("translation", SENTENCES[:1], options=OPTIONS),
        "classes": lambda: predictor.predict("pictures", PICTURES),
        "attention": lambda: plain(predictor.attention("translation", SENTENCES[0], SENTENCES[1])),
    }


def test_threads_on_several_problems(predictor, run):
    """Threads that begin together, on a predictor that has compiled nothing yet."""
    fresh = Predictor(run, predictor.model)
    calls_by_name = calls(fresh)
    barrier, results, faults = threading.Barrier(len(calls_by_name)), [], []

    def work(name, call):
        try:
            barrier.wait()
            for _ in range(2):
                results.append((name, call()))
        except Exception:  # told by the thread that asserts
            faults.append(f"{name}: {traceback.format_exc()}")

    threads = [threading.Thread(target=work, args=one) for one in calls_by_name.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, "\n".join(faults)
    alone = {name: call() for name, call in calls_by_name.items()}
    assert len(results) == 2 * len(calls_by_name)
    for name, answer in results:
        assert answer == alone[name], name
    assert len({prediction.text for prediction in alone["sentences"]}) > 1
