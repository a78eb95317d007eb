"""MS COCO: captions of images."""

from t2tlite import problem, registry


@registry.register_problem
class CocoCaptions(problem.Problem):
    """An image to a sentence about it, MS COCO; each image has several captions."""

    inputs = problem.Image()
    targets = problem.Text()
    command = "to_caption"
    metrics = ("caption_bleu4",)
    sources = ("sample",)
    paper_row = 3

    def examples(self, split, source, source_dir=None):
        """Images with a list of captions."""
        self.check_source(source)
        from t2tlite.problems import sample_world

        return sample_world.captions(split)

    def count(self, split, source, source_dir=None):
        from t2tlite.problems.sample_world import corpora

        return corpora.COUNTS["captions"][split]
