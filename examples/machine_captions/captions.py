"""Back-translation from captions: a model's own translations of English captions become targets of pictures.

After Sennrich et al. 2016, "Improving Neural Machine Translation Models with Monolingual Data" (arXiv
1511.06709), where the machine makes the inputs; here it makes the targets, since only pictures are wanted as
inputs. docs/zero_shot.md has the commands.
"""

import itertools
import pathlib
import sys

from t2tlite import problem, registry
from t2tlite.errors import UserError

MOST = 2  # captions of a picture that are translated


@registry.register_problem
class MachineCaptionsDe(problem.Problem):
    """An image to a German caption that a model made of an English one, for training alone.

    Images and English captions are those of `coco_captions`, from any of its sources. `source_dir` is that
    corpus's folder (any folder, for "sample"), and in it are also `train.de`, `validation.de` and `test.de`:
    the translations of what `write_english` writes, line by line.
    """

    inputs = problem.Image()
    targets = problem.Text()
    command = "to_german"
    metrics = ("caption_bleu4",)

    def examples(self, split, source, source_dir=None):
        path = pathlib.Path(source_dir or ".") / f"{split}.de"
        if not path.is_file():
            raise UserError(
                f"no {path}; give by --source_dir the folder with train.de, validation.de and test.de"
            )
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        for example in _captioned(split, source, source_dir):
            captions = list(itertools.islice(lines, len(_english(example))))
            if len(captions) < len(_english(example)):
                raise UserError(f"{path} has fewer lines than there are captions; translate all of them")
            yield {"inputs": example["inputs"], "targets": captions}


def write_english(folder: str, source: str, source_dir: str | None = None) -> None:
    """Writes the first captions of each picture to train.en, validation.en and test.en, one a line."""
    for split in problem.SPLITS:
        path = pathlib.Path(folder) / f"{split}.en"
        path.parent.mkdir(parents=True, exist_ok=True)
        captions = (caption for one in _captioned(split, source, source_dir) for caption in _english(one))
        path.write_text("".join(f"{' '.join(caption.split())}\n" for caption in captions), encoding="utf-8")


def _captioned(split, source, source_dir):
    examples = registry.get_problem("coco_captions").examples(split, source, source_dir)
    return (example for example in examples if isinstance(example, dict))


def _english(example):
    captions = example["targets"]
    return [captions] if isinstance(captions, str) else captions[:MOST]


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit("usage: captions.py FOLDER SOURCE [SOURCE_DIR]; writes train.en and so on to FOLDER")
    write_english(*sys.argv[1:])
