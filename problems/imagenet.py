"""ILSVRC 2012: the classes of images."""

from t2tlite import problem, registry


@registry.register_problem
class Imagenet(problem.Problem):
    """An image to one of 1000 classes, ILSVRC 2012."""

    inputs = problem.Image()
    targets = problem.Label()
    command = "to_category"
    metrics = ("top1", "top5")
    sources = ("sample",)
    paper_row = 2

    def examples(self, split, source, source_dir=None):
        """Images with the name of their class, such as "house"."""
        self.check_source(source)
        from t2tlite.problems import sample_world

        return sample_world.images(split)

    def labels(self, source, source_dir=None):
        self.check_source(source)
        from t2tlite.problems import sample_world

        return tuple(sample_world.IMAGE_CLASSES)

    def count(self, split, source, source_dir=None):
        from t2tlite.problems.sample_world import corpora

        return corpora.COUNTS["images"][split]
