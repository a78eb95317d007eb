"""Penn Treebank WSJ: the constituency trees of sentences."""

from t2tlite import problem, registry
from t2tlite.problems import trees


@registry.register_problem
class WsjParsing(problem.Problem):
    """An English sentence to its tree, Penn Treebank WSJ.

    Prepared data and predictions are trees in one-line brackets; the model reads and writes the linear form
    of `trees`, whose brackets and tags are whole vocabulary entries.
    """

    inputs = problem.Text()
    targets = problem.Text()
    command = "to_parse_tree"
    metrics = ("full_trees",)
    symbols = trees.SYMBOLS
    sources = ("sample",)
    paper_row = 4

    def examples(self, split, source, source_dir=None):
        """Sentences with their trees; the words of the inputs are separated by spaces."""
        self.check_source(source)
        from t2tlite.problems import sample_world

        for example in sample_world.parsing(split):
            yield {"inputs": example["inputs"], "targets": trees.canonical(example["targets"])}

    def to_text(self, example):
        if "targets" not in example:
            return example
        return {**example, "targets": trees.linear(example["targets"])}

    def from_text(self, inputs, output):
        return trees.unlinear(inputs, output)

    def count(self, split, source, source_dir=None):
        from t2tlite.problems.sample_world import corpora

        return corpora.COUNTS["parsing"][split]
