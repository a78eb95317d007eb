"""What a problem has of each of its sources."""

import pytest

from t2tlite import problem
from t2tlite.errors import UserError


class Colours(problem.Problem):
    name, targets, sources = "colours", problem.Label(), ("files", "sample", "web")

    def examples_from_files(self, split, source_dir):
        return [split, source_dir]

    def examples_from_sample(self, split, source_dir):
        return [split]

    def labels_from_files(self, source_dir):
        return (source_dir,)

    def labels_from_sample(self, source_dir):
        return ("red",)


def test_each_source_has_its_methods():
    assert Colours().examples("train", "files", "folder") == ["train", "folder"]
    assert Colours().examples("test", "sample") == ["test"]
    assert Colours().labels("files", "folder") == ("folder",)
    assert Colours().labels("sample") == ("red",)


def test_an_unknown_source_is_answered_with_those_there_are():
    for call in (lambda: Colours().examples("train", "tfds"), lambda: Colours().labels("tfds")):
        with pytest.raises(UserError, match="has no source `tfds`; expected one of files, sample, web"):
            call()


def test_a_method_that_is_missing_is_named():
    with pytest.raises(UserError, match="`colours` defines neither `examples` nor `examples_from_web`"):
        Colours().examples("train", "web")
    with pytest.raises(UserError, match="`colours` defines neither `labels` nor `labels_from_web`"):
        Colours().labels("web")


def test_one_method_may_do_for_all_sources():
    class Any(Colours):
        sources = ()

        def examples(self, split, source):
            return [split, source]

    assert Any().examples("train", "anything") == ["train", "anything"]
