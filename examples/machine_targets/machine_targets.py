"""Back-translation to problems that nobody trains: what a model makes of English texts becomes the targets.

After Sennrich et al. 2016, "Improving Neural Machine Translation Models with Monolingual Data" (arXiv
1511.06709), where the machine makes the inputs; here it makes the targets, since only pictures and sounds are
wanted as inputs. docs/zero_shot.md has the commands.
"""

import itertools
import pathlib
import sys

from t2tlite import problem, registry
from t2tlite.errors import UserError
from t2tlite.problems import trees
from t2tlite.problems.speech import WsjSpeech
from t2tlite.problems.spoken import WsjSpeechTrees

MOST = 2  # texts of an example that are read: pictures have several captions


class MachineTargets(problem.Problem):
    """Base of problems whose inputs are another problem's, with what a model made of that one's targets.

    `source_dir` is the other problem's folder (any folder, for "sample"), and in it are also `train.SUFFIX`,
    `validation.SUFFIX` and `test.SUFFIX`: what a model made of the lines that `write_english` writes.

    Attributes:
      inputs_of: the other problem, with English targets.
      suffix: of the files.
    """

    inputs_of = ""
    suffix = ""
    targets = problem.Text()

    def examples(self, split, source, source_dir=None):
        path = pathlib.Path(source_dir or ".") / f"{split}.{self.suffix}"
        if not path.is_file():
            raise UserError(f"no {path}; give by --source_dir the folder with {path.name}")
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        for example in _examples(self.inputs_of, split, source, source_dir):
            machine = list(itertools.islice(lines, len(_english(example))))
            if len(machine) < len(_english(example)):
                raise UserError(f"{path} has fewer lines than there are English texts; decode all of them")
            yield {"inputs": example["inputs"], "targets": machine}


@registry.register_problem
class MachineCaptionsDe(MachineTargets):
    """An image to a German caption that a model made of an English one, for training alone."""

    inputs = problem.Image()
    command = "to_german"
    metrics = ("caption_bleu4",)
    inputs_of, suffix = "coco_captions", "de"


@registry.register_problem
class MachineSpeechDe(MachineTargets):
    """Speech to the German that a model made of the transcript, for training alone."""

    inputs = WsjSpeech.inputs
    command = "to_german"
    metrics = ("bleu",)
    inputs_of, suffix = "wsj_speech", "de"


@registry.register_problem
class MachineSpeechTrees(MachineTargets, WsjSpeechTrees):
    """Speech to the tree that a model made of the transcript, words left out, for training alone."""

    sources = problem.Problem.sources
    zero_shot = ""
    inputs_of, suffix = "wsj_speech", "trees"

    def examples(self, split, source, source_dir=None):
        for example in super().examples(split, source, source_dir):
            (tree,) = example["targets"]
            yield {**example, "targets": trees.wordless(trees.linear(tree))}


def write_english(name: str, folder: str, source: str, source_dir: str | None = None) -> None:
    """Writes the targets of problem `name` to train.en, validation.en and test.en, one a line.

    A transcript gets a capital letter and a full stop, as the sentences have that a model has learned.
    """
    for split in problem.SPLITS:
        path = pathlib.Path(folder) / f"{split}.en"
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = (text for one in _examples(name, split, source, source_dir) for text in _english(one))
        path.write_text("".join(f"{_written(text)}\n" for text in texts), encoding="utf-8")


def _examples(name, split, source, source_dir):
    examples = registry.get_problem(name).examples(split, source, source_dir)
    return (example for example in examples if isinstance(example, dict))


def _english(example):
    texts = example["targets"]
    return [texts] if isinstance(texts, str) else texts[:MOST]


def _written(text):
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text[:1].upper()}{text[1:]}."


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(
            "usage: machine_targets.py PROBLEM FOLDER SOURCE [SOURCE_DIR]; FOLDER gets train.en and so on"
        )
    write_english(*sys.argv[1:])
