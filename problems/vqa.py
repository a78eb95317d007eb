"""VQA v2: questions about pictures."""

from t2tlite import problem, registry
from t2tlite.problems import sample_world
from t2tlite.problems.formats.vqa_json import ANNOTATORS


@registry.register_problem
class Vqa(problem.Problem):
    """A picture and a question to a short answer, VQA v2; ten annotators answered each question.

    The task and its score are those of Antol et al. 2015 ("VQA: Visual Question Answering", arXiv
    1505.00468). As in VQA v2 (Goyal et al. 2017, "Making the V in VQA Matter", arXiv 1612.00837), a question
    is asked of two pictures that differ in the answer: a model that doesn't look gets at most one right.

    Attributes:
      most_answers: how many answers the model chooses among, the most frequent ones of the training split.
    """

    inputs = {"picture": problem.Image(), "question": problem.Text()}  # type: ignore[assignment]  # see Problem
    targets = problem.Answers(ANNOTATORS)
    metrics = ("vqa_accuracy",)
    sources = ("files", "sample")
    most_answers = 3000

    def examples_from_files(self, split, source_dir):
        """Pictures with a question, and ten answers.

        `source_dir` holds `v2_OpenEnded_mscoco_train2014_questions.json` and
        `v2_mscoco_train2014_annotations.json`, the same of val2014, and COCO's `train2014` and `val2014`.
        Test is the official validation set, since the answers of the test set are not public; validation is
        held out of the train set: about 1 picture in 32, by a hash of its name, with all of its questions.
        Answers are brought to one spelling as the official evaluation does; see `formats.vqa_answers`.
        """
        from t2tlite.problems.formats import vqa_folder

        return vqa_folder.pieces(source_dir, split)

    def examples_from_sample(self, split, source_dir):
        return sample_world.visual_questions(split)

    def labels_from_files(self, source_dir):
        """The answers, the most frequent first."""
        from t2tlite.problems.formats import vqa_folder

        return vqa_folder.answers(source_dir, self.most_answers)

    def labels_from_sample(self, source_dir):
        return sample_world.ANSWERS
