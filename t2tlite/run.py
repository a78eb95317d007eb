"""The folder of a run (`--output_dir`): it describes itself, so that decoding and evaluating need only it."""

import dataclasses
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

from t2tlite import hparam, registry
from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.errors import UserError
from t2tlite.files import write_whole
from t2tlite.hparam import HParams
from t2tlite.model import check_trainable
from t2tlite.nearest import did_you_mean
from t2tlite.version import __version__

if TYPE_CHECKING:
    from t2tlite.data.stored.prepared import PreparedSplit

RUN_FILE = "run.json"
LAYOUT = 2  # of run.json: 1 had every hyperparameter of all parts
VOCABULARY_FILE = "vocabulary.model"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a training run is made of, apart from its weights.

    Attributes:
      output_dir: the run's folder.
      hparams: its hyperparameters.
      problems: `{name: Problem}`, in the order given.
      labels: `{problem name: tuple of class names}` for problems with a label.
      vocabulary: the `Vocabulary` of all text, or None where no problem has text.
      data_dir, source: where the prepared data is and came from.
      seed: of everything random.
      usr_dirs: folders with the user's own code, absolute.
      warm_start_from: absolute path of the run or checkpoint whose weights it began with, if any.
      warm_start_map: what of it is called otherwise here, each OLD:NEW.
      asked_bounds: of each hyperparameter whose bounds were extended by what the data is like, what was
        asked for.
      fractions: `{problem name: share of its training split}` of those that train on less than the whole.
    """

    output_dir: pathlib.Path
    hparams: HParams
    problems: dict[str, Any]
    labels: dict[str, tuple[str, ...]]
    vocabulary: Any
    data_dir: str
    source: str
    seed: int = 0
    usr_dirs: tuple[str, ...] = ()
    warm_start_from: str | None = None
    warm_start_map: tuple[str, ...] = ()
    asked_bounds: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    fractions: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem in self.problems.values():
            problem.configure(self.hparams)

    def description(self) -> dict[str, Any]:
        """Everything but the vocabulary, as JSON holds it."""
        return {
            "layout": LAYOUT,
            "version": __version__,
            "hparams": hparam.to_json(self.hparams),
            "problems": list(self.problems),
            "labels": {name: list(labels) for name, labels in self.labels.items()},
            "vocabulary": self.vocabulary.fingerprint if self.vocabulary else None,
            "data_dir": self.data_dir,
            "source": self.source,
            "seed": self.seed,
            "usr_dirs": list(self.usr_dirs),
            "warm_start_from": self.warm_start_from,
            "warm_start_map": list(self.warm_start_map),
            "asked_bounds": {name: list(bounds) for name, bounds in self.asked_bounds.items()},
            "fraction": self.fractions,
        }

    def save(self) -> None:
        """Writes run.json, operative.gin and the vocabulary, each whole.

        Raises:
          UserError: the folder can't be made.
        """
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"can't make the folder {self.output_dir}: {error.strerror}; use another one"
            ) from None
        if self.vocabulary:
            self.vocabulary.save(self.output_dir / VOCABULARY_FILE)
        write_whole(self.output_dir / "operative.gin", hparam.operative_gin(self.hparams))
        write_whole(
            self.output_dir / RUN_FILE, json.dumps(self.description(), indent=2, ensure_ascii=False) + "\n"
        )

    @classmethod
    def load(cls, output_dir: str | os.PathLike) -> "Run":
        """Reads what `save` wrote; imports the user's folders first.

        Raises:
          UserError: there is no run in this folder, or what is there is broken.
        """
        folder = pathlib.Path(output_dir)
        description = read_description(folder)
        try:
            for usr_dir in description["usr_dirs"]:
                registry.import_usr_dir(usr_dir)
            hparams = hparam.from_json(description["hparams"])
            problems = {name: _trained_on(name, folder) for name in description["problems"]}
            labels = {name: tuple(names) for name, names in description["labels"].items()}
            vocabulary = None
            if description["vocabulary"]:
                from t2tlite.data.text.vocabulary import Vocabulary  # imports TensorFlow

                vocabulary = Vocabulary.load(folder / VOCABULARY_FILE)
            data = description["data_dir"], description["source"], description["seed"]
            usr_dirs = tuple(description["usr_dirs"])
            warm_start = description.get("warm_start_from"), tuple(description.get("warm_start_map", ()))
            asked = {name: tuple(values) for name, values in description.get("asked_bounds", {}).items()}
            fractions = dict(description.get("fraction", {}))
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{folder / RUN_FILE} is broken: {type(error).__name__} {error}") from None
        return cls(
            folder, hparams, problems, labels, vocabulary, *data, usr_dirs, *warm_start, asked, fractions
        )

    def split(self, problem: str, name: str) -> "PreparedSplit":
        """A split of a problem's prepared data, with the run's vocabulary and labels.

        Of a training split it is the run's fraction; other splits are whole.

        Raises:
          UserError: unknown split, or its data is missing or not complete.
        """
        from t2tlite.data.stored.prepared import PreparedSplit  # imports TensorFlow

        fraction = self.fractions.get(problem, 1.0) if name == "train" else 1.0
        return PreparedSplit.open(
            self.problems[problem], name, self.data_dir, self.vocabulary, self.labels.get(problem), fraction
        )

    def make_model(self) -> Any:
        """A new model with all of its variables, initialized.

        Raises:
          UserError: what is registered as the model is not `Trainable`.
        """
        import keras

        name = self.hparams.model
        model_class = registry.get("model", name)
        if not hasattr(model_class, "from_problems"):
            check_trainable(model_class, name)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.hparams.precision)  # layers take it as they are made
        try:
            model = model_class.from_problems(
                self.problems.values(), self.hparams, self.vocabulary, self.labels
            )
            model.build(None)
        finally:
            keras.config.set_dtype_policy(before)
        check_trainable(model, name)
        return model

    def restore_model(self, checkpoint_path: str | os.PathLike | None = None) -> Any:
        """A model with the weights of a checkpoint, the newest unless one is given.

        Raises:
          UserError: there is no checkpoint, or it doesn't fit the model.
        """
        from t2tlite.checkpoints import averaging, checkpoint

        model = self.make_model()
        path = (
            pathlib.Path(checkpoint_path)
            if checkpoint_path
            else checkpoint.newest(self.output_dir / CHECKPOINTS)
        )
        if path is None:
            raise UserError(
                f"{self.output_dir} holds no checkpoint yet; train with t2t-train --output_dir=..."
            )
        checkpoint.restore_weights(model, path)
        averaging.load_averages(model, path)
        return model


def usr_dirs_of(output_dir: str | os.PathLike) -> tuple[str, ...]:
    """The user's folders of the run in a folder; none where there is no run yet.

    Raises:
      UserError: as `read_description`.
    """
    folder = pathlib.Path(output_dir)
    return tuple(read_description(folder)["usr_dirs"]) if (folder / RUN_FILE).exists() else ()


def _trained_on(name: str, folder: pathlib.Path) -> Any:
    """The problem of a run by its name.

    Raises:
      UserError: nothing registers it, as where a notebook had defined it.
    """
    try:
        return registry.get_problem(name)
    except UserError:
        known = registry.names("problem")
        if name in known:  # and something else is wrong with it
            raise
    near = did_you_mean(name, known)
    raise UserError(
        f"the run in {folder} was trained on the problem `{name}`, which is not registered here;"
        " define it and call t2tlite.register with it before the run is loaded. What is in a folder given"
        f" by --t2t_usr_dir a run finds by itself{near}"
    )


def read_description(folder: pathlib.Path) -> dict[str, Any]:
    """The content of a run's run.json.

    Raises:
      UserError: there is none, it is no JSON object, or another version wrote it.
    """
    path = folder / RUN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} holds no run ({RUN_FILE} is missing); give the --output_dir of a t2t-train"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} is broken: expected a JSON object")
    if content.get("layout") != LAYOUT:
        raise UserError(
            f"the run in {folder} is of another version of t2tlite ({content.get('version', 'unknown')}),"
            f" which {__version__} can't read; use it with the version that made it, or train it anew in"
            " another --output_dir"
        )
    return content
