"""ILSVRC 2012: the classes of images."""

import functools

from t2tlite import problem, registry

_TFDS = "imagenet2012"
# TFDS's train split is stored in a random order, and its test split has no classes.
_TFDS_SPLITS = {"train": "train[:99%]", "validation": "train[99%:]", "test": "validation"}


@registry.register_problem
class Imagenet(problem.Problem):
    """An image to one of 1000 classes, ILSVRC 2012."""

    inputs = problem.Image(flip=True, recolour=True)
    targets = problem.Label()
    metrics = ("top1", "top5")
    sources = ("files", "tfds", "sample")
    paper_row = 2

    def examples_from_files(self, split, source_dir):
        """Images with the name of their class, such as "house" or the WordNet id "n01440764".

        `source_dir` holds class folders or the official archives, and of each line one:
        * train: `train/<class>/*.JPEG`, or `ILSVRC2012_img_train.tar`;
        * official validation set: `validation/<class>/*.JPEG` or `val/<class>/*.JPEG`; or in one folder
          `val/ILSVRC2012_val_00000001.JPEG` and so on; or `ILSVRC2012_img_val.tar`;
        * for the latter two, the classes: `ILSVRC2012_devkit_t12.tar.gz`, or that extracted (SciPy reads it:
          `pip install t2tlite[imagenet]`), or `imagenet_2012_validation_synset_labels.txt`, a WordNet id a
          line, in the order of the images;
        * optionally a third split: `test/<class>/*.JPEG`.
        Archives are read in place. Any number of classes will do; they are those of train. Hidden files are
        left out; what is neither JPEG nor PNG by its bytes is a fault.

        With three splits, they are used as they are. With two, the official validation set is the `test`
        split, on which scores are published, and `validation` is held out of train: about 1 image in 128, by
        a hash of class and file name.
        """
        from t2tlite.problems.formats import imagenet_folder

        return imagenet_folder.pieces(source_dir, split)

    def examples_from_tfds(self, split, source_dir):
        """Validation is the last 1% of the train split, and test the official validation set."""
        from t2tlite.problems import from_tfds

        convert = functools.partial(_from_tfds, self.labels_from_tfds(source_dir))
        only = {"image": True, "label": True, "file_name": True}
        return from_tfds.pieces(_TFDS, _TFDS_SPLITS[split], convert, source_dir, only)

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.images(split)

    def labels_from_files(self, source_dir):
        from t2tlite.problems.formats import imagenet_folder

        return imagenet_folder.labels(source_dir)

    def labels_from_tfds(self, source_dir):
        from t2tlite.problems import from_tfds

        return from_tfds.label_names(_TFDS, "label", source_dir)

    def labels_from_sample(self, source_dir):
        from t2tlite.problems import sample_world

        return tuple(sample_world.IMAGE_CLASSES)

    def download(self, source_dir=None):
        from t2tlite.problems import from_tfds

        from_tfds.download(_TFDS, source_dir)


def _from_tfds(names, row):
    from t2tlite.problems.formats import images

    return images.example(row["image"], names[row["label"]], row["file_name"].decode("utf-8", "replace"))
