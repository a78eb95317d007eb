"""Multi30k: German and French captions of pictures."""

from t2tlite import problem, registry
from t2tlite.problems.coco import CocoCaptions


class TranslatedCaptions(problem.Problem):
    """Base of captions in another language; a run that hasn't trained them is evaluated on them by crossing.

    Attributes:
      language: code of the captions' language, which is also the ending of their files.
    """

    inputs = problem.Image()
    targets = problem.Text()
    metrics = CocoCaptions.metrics
    sources = ("files", "sample")
    language: str = ""

    def examples_from_files(self, split, source_dir):
        """Images, each once, with the list of their captions; the files are Multi30k's, each also as .gz.

        In `source_dir` or its folder `image_splits`: `train.txt`, `val.txt`, `test_2016_flickr.txt` (or
        `validation.txt`, `test.txt`), the name of an image a line. In `source_dir` or its folder `raw`, for
        the same lines, here of German: `train.de`; or several captions, `train.1.de`, `train.2.de` and so on.
        The images lie in `flickr30k-images` or `images`.

        Raises:
          UserError: a file or folder is missing, or files differ in their numbers of lines.
        """
        from t2tlite.problems.formats import captioned_lines

        return captioned_lines.pieces(source_dir, split, self.language)

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.captions(split, self.language)


@registry.register_problem("multi30k_de")
class Multi30kDe(TranslatedCaptions):
    """An image to a German sentence about it, Multi30k; each image has one caption or several."""

    command = "to_german"
    language = "de"
    zero_shot = "coco_captions>wmt_ende"


@registry.register_problem("multi30k_fr")
class Multi30kFr(TranslatedCaptions):
    """An image to a French sentence about it, Multi30k."""

    command = "to_french"
    language = "fr"
    zero_shot = "coco_captions>wmt_enfr"
