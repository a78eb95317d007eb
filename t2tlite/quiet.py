"""Starting TensorFlow without the notes that it writes to stderr on every start."""

import contextlib
import os
import re
import sys
import tempfile

# Notes of the C++ libraries, written before any log level holds, and the error that only says "no GPU here".
_NOTE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|[IW]\d{4} [\d:.]+ |E\d{4} [\d:.]+ .*cuInit"
)


def start_tensorflow():
    """Imports TensorFlow and finds its devices; to be called before anything else imports it."""
    with without_notes():
        import tensorflow as tf

        tf.config.list_physical_devices()
        # It takes the functions of several problems for one function that is traced again and again.
        tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def without_notes():
    """Drops TensorFlow's notes from stderr; what else is written there appears at the end of the block."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            for line in written:
                if not _NOTE.match(line):
                    os.write(2, line)
