"""MS COCO: captions of images."""

from t2tlite import problem, registry

_TFDS = "coco_captions/2014"
# TFDS's splits are Karpathy's.
_TFDS_SPLITS = {"train": "train+restval", "validation": "val", "test": "test"}


@registry.register_problem
class CocoCaptions(problem.Problem):
    """An image to a sentence about it, MS COCO; each image has several captions."""

    inputs = problem.Image()
    targets = problem.Text()
    command = "to_caption"
    metrics = (
        "caption_bleu4",
        "caption_bleu1",
        "caption_bleu2",
        "caption_bleu3",
        "caption_rouge_l",
        "cider_d",
    )
    sources = ("files", "tfds", "sample")
    paper_row = 3

    def examples_from_files(self, split, source_dir):
        """Images, each once, with the list of their captions.

        `source_dir` holds the folders `train2014` and `val2014` of images, and either
        * `annotations/captions_train2014.json` and `annotations/captions_val2014.json`: test is the official
          val set, and validation is held out of the train set, about 1 image in 32 by a hash of its file
          name. Captions are in the order of their ids. The same with 2017 in place of 2014 will do; or
        * Karpathy's split, `dataset_coco.json` or `annotations/dataset_coco.json`, which goes before the
          former: train is his train and restval, validation his val, test his test.
        """
        from t2tlite.problems.formats import coco_folder

        return coco_folder.pieces(source_dir, split)

    def examples_from_tfds(self, split, source_dir):
        from t2tlite.problems import from_tfds

        only = {"image": True, "image/filename": True, "captions": {"text": True}}
        return from_tfds.pieces(_TFDS, _TFDS_SPLITS[split], _from_tfds, source_dir, only)

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.captions(split)

    def download(self, source_dir=None):
        from t2tlite.problems import from_tfds

        from_tfds.download(_TFDS, source_dir)


def _from_tfds(row):
    from t2tlite.problems.formats import coco_json, images

    captions = coco_json.tidy(text.decode("utf-8", "replace") for text in row["captions"]["text"])
    if not captions:
        return coco_json.NO_CAPTION
    return images.example(row["image"], list(captions), row["image/filename"].decode("utf-8", "replace"))
