"""Teacher-forced evaluation: how well the model predicts each target, given the right ones before it."""

import itertools

from t2tlite.data import pipeline
from t2tlite.errors import UserError
from t2tlite.training.step import make_eval_step


class Evaluator:
    """Evaluates the problems of a run; each is compiled once.

    Args:
      run: the `Run`.
      model: its model; read anew at each evaluation.
    """

    def __init__(self, run, model):
        self._run = run
        self._model = model
        self._compiled = {}

    def evaluate(self, problem: str, split: str, steps: int | None = None) -> dict[str, float]:
        """Teacher-forced figures of one problem.

        Args:
          problem: its name.
          split: "validation" or "test".
          steps: batches to read, from the first; None for the whole split.

        Returns:
          loss and log_perplexity (nats per target), accuracy (of targets), sequence_accuracy (shares in
          [0, 1]) and targets (their number).

        Raises:
          UserError: the split has no example within the length bounds.
        """
        if (problem, split) not in self._compiled:
            run = self._run
            data = pipeline.dataset(
                run.problems[problem],
                split,
                run.data_dir,
                run.vocabulary,
                run.labels.get(problem),
                run.hparams,
                run.seed,
                training=False,
            )
            self._compiled[problem, split] = data, make_eval_step(self._model, problem, data.element_spec)
        data, eval_step = self._compiled[problem, split]
        sums: dict[str, float] = {}
        for batch in itertools.islice(data, steps):
            for name, value in eval_step(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        if not sums:
            raise UserError(f"problem `{problem}` has no example within the length bounds in split {split}")
        loss = sums["loss"] / sums["targets"]
        return {
            "loss": loss,
            "log_perplexity": loss,
            "accuracy": sums["correct"] / sums["targets"],
            "sequence_accuracy": sums["correct_sequences"] / sums["sequences"],
            "targets": sums["targets"],
        }
