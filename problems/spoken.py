"""Speech to what other problems write: its German or French translation, its parse tree."""

import functools

from t2tlite import problem, registry
from t2tlite.metrics.trees import RepairedTree
from t2tlite.problems import sample_world, trees
from t2tlite.problems.parsing import WsjParsing
from t2tlite.problems.speech import WsjSpeech


class TranslatedSpeech(problem.Problem):
    """Base of speech in one language to text in another.

    Attributes:
      language: code of the text's language.
    """

    inputs = WsjSpeech.inputs
    targets = problem.Text()
    metrics = ("bleu",)
    sources = ("sample",)
    language: str = ""

    def examples_from_sample(self, split, source_dir):
        return sample_world.speech_translation(split, self.language)


@registry.register_problem("wsj_speech_de")
class WsjSpeechDe(TranslatedSpeech):
    """English speech to German text."""

    command = "to_german"
    language = "de"
    zero_shot = "wsj_speech>wmt_ende"


@registry.register_problem("wsj_speech_fr")
class WsjSpeechFr(TranslatedSpeech):
    """English speech to French text."""

    command = "to_french"
    language = "fr"
    zero_shot = "wsj_speech>wmt_enfr"


@registry.register_problem("wsj_speech_trees")
class WsjSpeechTrees(problem.Problem):
    """English speech to the parse tree of what is said; trees have "_" in the place of the words.

    The words are not there to be read, so the linear form alone is learned and scored.
    """

    inputs = WsjSpeech.inputs
    targets = problem.Text()
    command = WsjParsing.command
    metrics = WsjParsing.metrics
    symbols = trees.SYMBOLS
    sources = ("sample",)
    zero_shot = "wsj_speech>wsj_parsing"

    def examples_from_sample(self, split, source_dir):
        spoken = sample_world.speech_parsing(split)
        return problem.Pieces(functools.partial(_wordless, spoken.read), spoken.parts, spoken.total)

    def to_text(self, example):
        if "targets" not in example:
            return example
        return {**example, "targets": trees.linear(example["targets"])}

    def constraint(self, vocabulary):
        """Trees of any number of words."""
        from t2tlite.problems import tree_constraint  # imports TensorFlow

        return tree_constraint.make(vocabulary)

    def from_text(self, inputs, output):
        """The tree without its words; a `RepairedTree` where the output was none."""
        tree = trees.wordless(output)
        return tree if trees.well_formed(tree, output) else RepairedTree(tree)


def _wordless(read, part):
    for example in read(part):
        yield {**example, "targets": trees.wordless(trees.linear(example["targets"]))}
