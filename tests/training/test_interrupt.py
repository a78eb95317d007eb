"""A first signal is noted and a second one leaves; so does a deadline, once it is over."""

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from t2tlite.training import interrupt

RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: interrupt.Terminated}


@pytest.mark.parametrize("second", interrupt.SIGNALS)
@pytest.mark.parametrize("first", interrupt.SIGNALS)
def test_the_first_is_noted_and_the_second_raised(capfd, first, second):
    before = [signal.getsignal(number) for number in interrupt.SIGNALS], signal.set_wakeup_fd(-1)
    with interrupt.deferred() as stop_reason:
        assert not stop_reason()
        signal.raise_signal(first)
        assert stop_reason() == first
        assert "stopping after this update, with a checkpoint" in capfd.readouterr().err
        with pytest.raises(RAISED[second]):
            signal.raise_signal(second)
    assert ([signal.getsignal(number) for number in interrupt.SIGNALS], signal.set_wakeup_fd(-1)) == before


def test_the_status_of_each_reason():
    with pytest.raises(KeyboardInterrupt):
        interrupt.leave(signal.SIGINT)
    with pytest.raises(SystemExit) as caught:
        interrupt.leave(signal.SIGTERM)
    assert caught.value.code == 143
    assert interrupt.leave(interrupt.TIME) is None


def test_the_time_is_over():
    with interrupt.deferred(time.monotonic() + 1000) as stop_reason:
        assert not stop_reason()
    with interrupt.deferred(time.monotonic()) as stop_reason:
        assert stop_reason() == interrupt.TIME
        signal.raise_signal(signal.SIGTERM)
        assert stop_reason() == signal.SIGTERM
    assert interrupt.describe(interrupt.TIME, 7).startswith(
        "--max_seconds are over: saved at step 7; the same"
    )
    assert interrupt.describe(signal.SIGINT, 7).startswith("saved at step 7; ")


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([0, 0], 0),
        ([0, interrupt.TIME], interrupt.TIME),
        ([interrupt.TIME] * 300, interrupt.TIME),
        ([interrupt.TIME, signal.SIGINT, 0], signal.SIGINT),
        ([signal.SIGINT] * 300 + [signal.SIGTERM], signal.SIGTERM),
    ],
)
def test_workers_agree_on_the_reason(reasons, expected):
    weights = []
    for reason in reasons:
        interrupt.shared(reason, lambda weight: weights.append(weight) or 0.0)
    assert interrupt.shared(reasons[0], lambda weight: float(np.sum(weights, dtype=np.float32))) == expected


@pytest.mark.parametrize("reason", [interrupt.TIME, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [1, 2, 3, 4095])
def test_of_any_number_of_workers(reason, workers):
    """Their sum, in float32, is not taken for another reason."""
    assert interrupt.shared(reason, lambda weight: float(np.float32(workers * weight))) == reason


def test_the_handler_is_put_back_after_a_fault():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interrupt.deferred():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_hears_of_the_time_alone():
    reasons = []

    def work():
        for deadline in (None, 0.0):
            with interrupt.deferred(deadline) as stop_reason:
                reasons.append(stop_reason())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reasons == [0, interrupt.TIME]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_one_ends_an_operation_that_knows_of_no_signals(number, status):
    """The hashing takes minutes, and Python runs no handler until it is done."""
    code = (
        "import hashlib; from t2tlite.training import interrupt\n"
        "with interrupt.deferred():\n  print('in', flush=True)\n"
        "  hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
    )
    process = subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait() == status
    finally:
        process.kill()
        process.stdout.close()


def test_a_session_of_somebodys_own_is_not_ended(monkeypatch):
    """A notebook or a prompt, as Python and IPython tell of themselves."""
    monkeypatch.delattr(sys, "ps1", raising=False)
    assert not interrupt._is_interactive()
    monkeypatch.setattr(sys, "ps1", "In : ", raising=False)
    assert interrupt._is_interactive()
