"""Work that another thread does, and that can be given up."""

import os
import signal
import threading

import pytest

from t2tlite.decoding.session.interruptible import interruptible


def test_results_and_errors():
    late = []
    assert interruptible(lambda: 5, 60.0, lambda: late.append(1)) == 5 and not late

    def fail():
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError, match="by zero"):
        interruptible(fail, 60.0, lambda: late.append(1))
    assert not late


def test_late():
    reported = threading.Event()
    assert interruptible(reported.wait, 0.0, reported.set) is True


def test_a_signal_ends_the_waiting():
    """Ctrl-C is answered although the work is not done; the work comes to its end."""
    begun, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait()
        finished.set()

    def press():
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    typist = threading.Thread(target=press)
    typist.start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(work, 60.0, pytest.fail)
    typist.join()
    assert not finished.is_set()
    go_on.set()
    assert finished.wait(60.0)
