"""Ctrl-C is noted once, and raised the second time."""

import signal
import threading

import pytest

from t2tlite.training import interrupt


def test_the_first_is_noted_and_the_second_raised(capfd):
    before = signal.getsignal(signal.SIGINT)
    with interrupt.deferred() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        assert "stopping after this update" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_handler_is_put_back_after_a_fault():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interrupt.deferred():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_never_hears_of_it():
    heard = []

    def work():
        with interrupt.deferred() as interrupted:
            heard.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [False]
