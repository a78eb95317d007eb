"""What stays on stderr beside TensorFlow's notes: everything, and the last words of a crash."""

import os
import re
import subprocess
import sys
import threading

import pytest

from t2tlite import quiet


def test_only_notes_are_kept_off_stderr(capfd):
    with quiet.without_notes():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\n")
        os.write(2, b"I0000 00:00:1795247124.9 12109 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:1795247124.9 12109 cuda.cc:52] failed call to cuInit: INTERNAL\n")
        os.write(2, b"E0000 00:00:1795247124.9 12109 disk.cc:52] the disk is on fire\n")
        os.write(2, b"mine\n")
    os.write(2, b"after\n")
    err = capfd.readouterr().err
    assert [line[-15:] for line in err.splitlines()] == ["disk is on fire", "mine", "after"]


def test_what_was_written_before_an_error_is_shown(capfd):
    with pytest.raises(ImportError), quiet.without_notes():
        os.write(2, b"about to fail\n")
        raise ImportError
    assert capfd.readouterr().err == "about to fail\n"


def test_last_words_of_a_crash_are_shown():
    program = """if True:
        import os
        from t2tlite import quiet
        with quiet.without_notes():
            os.write(2, b"I0000 00:00:1795247124.9 12109 port.cc:153] oneDNN is on.\\n")
            os.write(2, b"F0000 00:00:1795247124.9 12109 port.cc:111] this binary needs another CPU\\n")
            os.abort()
    """
    completed = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True)
    assert completed.returncode < 0
    assert re.fullmatch("F0000.* needs another CPU\\n", completed.stderr)


def test_threads_take_turns(capfd):
    def write(i):
        with quiet.without_notes():
            os.write(2, b"I0000 00:00:1795247124.9 12109 port.cc:153] oneDNN is on.\n")
            os.write(2, b"%d\n" % i)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"after\n")
    *lines, last = capfd.readouterr().err.splitlines()
    assert sorted(lines) == ["0", "1", "2", "3"] and last == "after"


def test_a_process_that_outlives_the_block_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(quiet, "_PATIENCE", 0.01)
    with quiet.without_notes():
        started = subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE)
    assert started.poll() is None
    started.communicate(b"\n")


def test_a_start_says_nothing_and_an_error_is_seen():
    """TensorFlow, its first operation on integers, and the tokenizer."""
    program = """if True:
        import sys
        from t2tlite import quiet
        quiet.start_tensorflow()
        import tensorflow as tf
        from t2tlite.data.text.vocabulary import Vocabulary
        vocabulary = Vocabulary.train(["the dog", "a cat"] * 9, 270)
        tf.transpose(vocabulary.tokenize(tf.constant(["the dog", "a dog"])).to_tensor())
        assert "tensorflow_text" not in sys.modules  # it takes two seconds, and 110 MB
        raise RuntimeError("seen")
    """
    completed = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True)
    assert completed.stderr.startswith("Traceback"), completed.stderr
    assert completed.stderr.endswith("\nRuntimeError: seen\n")
