import collections

from t2tlite import problem
from t2tlite.data import generate, training_texts


class Words(problem.Problem):
    def __init__(self, name, number, **attributes):
        self.name, self.number = name, number
        for key, value in attributes.items():
            setattr(self, key, value)

    def examples(self, split, source):
        for _ in range(self.number):
            yield {"inputs": f"{self.name} in", "targets": [f"{self.name} out", f"{self.name} other"]}


def prepared(tmp_path, *problems):
    for toy in problems:
        generate.generate([toy], tmp_path, "sample", progress=False, processes=1)
    return problems


def test_each_corpus_has_an_equal_share(tmp_path):
    large, small = prepared(tmp_path, Words("large", 100), Words("small", 10))
    reverse = Words("reverse", 0, corpus="large", swap=True)
    found = collections.Counter(
        t.split()[0] for t in training_texts.sample([large, reverse, small], tmp_path, 60)
    )
    assert found == {"large": 30, "small": 30}
    assert len(list(training_texts.sample([large], tmp_path))) == 300


def test_the_vocabulary_has_the_symbols_of_all_problems(tmp_path):
    problems = prepared(
        tmp_path, Words("first", 9, symbols=(" (A", " )A")), Words("second", 9, symbols=(" (A", "$$"))
    )
    learned = training_texts.build(problems, tmp_path, 300)
    assert [len(learned.encode(symbol)) for symbol in (" (A", " )A", "$$")] == [1, 1, 1]
    assert training_texts.build(problems, tmp_path, 300).fingerprint == learned.fingerprint


def test_only_texts_are_read_and_as_the_model_reads_them(world):
    problems = [world.problems[name] for name in ("classes", "captions", "upper")]
    found = list(training_texts.sample(problems, world.data_dir))
    assert len(found) == 150 * 5 + 150 * 2
    assert sum(any(c.isupper() for c in text) for text in found) == 150
