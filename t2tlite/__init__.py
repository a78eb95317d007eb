"""t2tlite: one model for many problems, after Tensor2Tensor and "One Model To Learn Them All"."""

__version__ = "0.1.0"


def load(output_dir, checkpoint_path=None):
    """A `Predictor` for the run in a folder: `t2tlite.load(output_dir).predict("wmt_ende", ["..."])`.

    Args:
      output_dir: the `--output_dir` of a training.
      checkpoint_path: one of its checkpoints; default: the newest.

    Raises:
      UserError: there is no run or no checkpoint, or it is broken.
    """
    from t2tlite.decoding.predictor import Predictor  # imports TensorFlow

    return Predictor.load(output_dir, checkpoint_path)
