"""Uses an export in a process that has neither t2tlite nor Keras nor sentencepiece.

A module of the tests, and the script that it starts: `python -I outside.py ASKED ANSWERED`, two files.
"""

import pickle
import subprocess
import sys

ABSENT = ("t2tlite", "keras", "tf_keras", "sentencepiece")


def answers(export, calls: list, folder, text: bool = True) -> list:
    """What signatures answer, as NumPy arrays.

    Args:
      export: folder of the export.
      calls: pairs of a signature's name and `{name: array or list}`.
      folder: for files.
      text: whether there is tensorflow_text.
    """
    request, answered = folder / "asked", folder / "answered"
    request.write_bytes(pickle.dumps((str(export), calls, text)))
    argv = [sys.executable, "-I", __file__, str(request), str(answered)]
    completed = subprocess.run(argv, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    return pickle.loads(answered.read_bytes())


class _Without:
    """A finder that does not find what is absent."""

    def __init__(self, finder, absent):
        self._finder = finder
        self._absent = absent

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self._absent:
            return None
        return self._finder.find_spec(name, path, target)


def _answer(request, answered):
    with open(request, "rb") as file:
        export, calls, text = pickle.load(file)
    absent = ABSENT if text else (*ABSENT, "tensorflow_text")
    if text:
        import tensorflow_text  # noqa: F401  imports Keras, which the export must do without
    for name in [name for name in sys.modules if name.partition(".")[0] in absent]:
        del sys.modules[name]
    sys.meta_path[:] = [_Without(finder, absent) for finder in sys.meta_path]
    import tensorflow as tf

    model = tf.saved_model.load(export)
    results = []
    for signature, tensors in calls:
        arguments = {name: tf.constant(value) for name, value in tensors.items()}
        outputs = model.signatures[signature](**arguments)
        results.append({name: value.numpy() for name, value in outputs.items()})
    assert not [name for name in sys.modules if name.partition(".")[0] in absent]
    with open(answered, "wb") as file:
        pickle.dump(results, file)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
