"""From what the user asked for to a run that can be trained: data, vocabulary, labels, the run's folder."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from t2tlite import hparam, registry
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.inspection import bounds, lengths
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.data.text.imported_vocabulary import import_model
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.plural import counted
from t2tlite.problem import Problem
from t2tlite.run import RUN_FILE, VOCABULARY_FILE, Run, read_description
from t2tlite.training import warm_start


def prepare(
    problems: Sequence[Problem],
    data_dir: str | os.PathLike,
    source: str,
    source_dir: str | None = None,
    tmp_dir: str | None = None,
    may_generate: bool = False,
) -> None:
    """Makes sure that the data of all problems is there.

    Raises:
      UserError: data is missing and `may_generate` is False, or can't be generated.
    """
    if may_generate:
        generate.generate(problems, data_dir, source, source_dir, tmp_dir)
        return
    missing = [problem.name for problem in problems if not generate.is_complete(problem, data_dir, source)]
    if missing:
        names = ",".join(missing)
        raise UserError(
            f"{data_dir} holds no prepared data of {names} from source `{source}`; prepare it with "
            f"t2t-datagen --problems={names} --source={source} --data_dir={data_dir}, or add --generate_data"
        )


def make_run(
    output_dir: str | os.PathLike,
    problems: str,
    hparams: HParams,
    data_dir: str | os.PathLike,
    source: str,
    seed: int = 0,
    usr_dirs: Sequence[str | os.PathLike] = (),
    vocab: str | os.PathLike | None = None,
    warm_start_from: str | os.PathLike | None = None,
    warm_start_map: Collection[str] = (),
    extend: Collection[str] = (),
    replicas: int = 1,
    say: Callable[[str], None] | None = None,
    fraction: Mapping[str, float] | None = None,
) -> Run:
    """The run in a folder: the one that is there, if it was asked for in the same words, or a new one.

    One without a checkpoint is begun anew, so that a mistake found late can be mended in the same folder.

    Args:
      problems: names separated by commas, or "all".
      hparams: `HParams`.
      vocab: path of a sentencepiece model to be used; None: that of the run of the warm start, or one that is
        learned from the problems' texts.
      warm_start_from: a run or a checkpoint whose weights a new run begins with.
      warm_start_map: what of it is called otherwise here, each OLD:NEW.
      extend: which of `bounds.names()` a new run may extend by what its data is like; one that goes on keeps
        those that it was begun with.
      replicas: that share a batch.
      say: is given, a line each, the bounds that were added and how much of each problem is left out.
      fraction: `{problem: share}` of the training splits; what is not named is whole.

    Raises:
      UserError: the folder holds a run of other problems, hyperparameters, data or seed.
    """
    chosen = registry.problems(problems)
    output_dir = pathlib.Path(output_dir)
    before = read_description(output_dir) if (output_dir / RUN_FILE).exists() else None
    if checkpoint.newest(output_dir / CHECKPOINTS) is None:
        before = None
    if before is not None:
        before = _with_defaults(before)
    if before is not None and not warm_start_from:
        warm_start_from, warm_start_map = before.get("warm_start_from"), before["warm_start_map"]
    fraction = dict(fraction or {})
    splits = [
        PreparedSplit.open(problem, "train", data_dir, fraction=fraction.get(problem.name, 1.0))
        for problem in chosen
    ]
    vocabulary = None
    if any(problem.has_text() for problem in chosen):
        vocabulary_path = output_dir / VOCABULARY_FILE if before is not None else None
        vocabulary = _vocabulary(splits, hparams, vocab, vocabulary_path, warm_start_from)
        if not hparams.vocabulary_size:
            hparams = _sized(hparams, vocabulary, before, say)
    # A batch has an example for each replica, with all of the inputs that are measured alike.
    shares = replicas * max(pipeline.deciding_measure(problem)[1] for problem in chosen)
    measured = {}
    if extend or say:
        for split in splits:
            numbered = dataclasses.replace(split, vocabulary=vocabulary)
            measured[split.problem.name] = lengths.measure(numbered, hparams)
    requested = hparams
    if before is None:
        hparams = bounds.extended(requested, measured, extend, shares)
    else:
        hparams = _with_bounds_of(before, requested, extend)
    run = Run(
        output_dir=output_dir,
        hparams=hparams,
        problems={problem.name: problem for problem in chosen},
        labels={split.problem.name: split.labels for split in splits if split.labels is not None},
        vocabulary=vocabulary,
        data_dir=str(pathlib.Path(data_dir).resolve()),
        source=source,
        seed=seed,
        usr_dirs=tuple(str(pathlib.Path(folder).resolve()) for folder in usr_dirs),
        warm_start_from=str(pathlib.Path(warm_start_from).resolve()) if warm_start_from else None,
        warm_start_map=tuple(warm_start_map),
        asked_bounds={
            name: getattr(requested, name)
            for name in bounds.names()
            if getattr(requested, name) != getattr(hparams, name)
        },
        fractions=fraction,
    )
    if before is not None:
        _check_same(output_dir, before, run.description())
    if say:
        for line in bounds.describe(requested, hparams, measured, extend, shares):
            say(line)
    run.save()
    return run


def _vocabulary(
    splits: Sequence[PreparedSplit],
    hparams: HParams,
    vocab: str | os.PathLike | None,
    path: pathlib.Path | None,
    warm_start_from: str | os.PathLike | None,
) -> Vocabulary:
    """That of `vocab`, of the run that goes on (at `path`) or of the warm start, or one that is learned."""
    if vocab:
        return import_model(vocab, training_texts.symbols(split.problem for split in splits))
    if path is not None and path.exists():
        return Vocabulary.load(path)
    inherited = warm_start.vocabulary(warm_start_from) if warm_start_from else None
    return inherited or training_texts.build(splits, hparams.vocabulary_size)


def _sized(
    hparams: HParams,
    vocabulary: Vocabulary,
    before: Mapping[str, Any] | None,
    say: Callable[[str], None] | None,
) -> HParams:
    """The hyperparameters with the size that was chosen, as a run that goes on has it already."""
    size = before["hparams"]["vocabulary_size"] if before else vocabulary.size
    if say and not before:
        say(f"the vocabulary has {size:,} subword units (vocabulary_size=0 leaves that to the training text)")
    return hparams.replace(vocabulary_size=size)


def _with_defaults(before: Mapping[str, Any]) -> dict[str, Any]:
    """A run's description with what was not yet there when the run was begun."""
    hparams = hparam.to_json(hparam.from_json(before["hparams"]))
    return {"warm_start_map": [], "fraction": {}, **before, "hparams": hparams}


def _with_bounds_of(before: Mapping[str, Any], hparams: HParams, names: Collection[str]) -> HParams:
    """The hyperparameters with the bounds of a run, where it was begun with those asked for now."""
    old, requested = before.get("hparams", {}), before.get("asked_bounds", {})
    same = [name for name in names if requested.get(name, old.get(name)) == list(getattr(hparams, name))]
    return hparams.replace(**{name: tuple(old[name]) for name in same})


def _check_same(folder: pathlib.Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A run goes on only as what it was: anything else would silently be a third thing."""
    named = ("problems", "source", "seed", "fraction", "vocabulary", "labels")
    for name in (*named, "warm_start_from", "warm_start_map"):
        if before.get(name) != now[name]:
            raise UserError(
                f"{folder} holds a run with {name}={_short(before.get(name))}, and {_short(now[name])} is "
                f"asked for; use another --output_dir, or delete the folder"
            )
    old, new = before.get("hparams", {}), now["hparams"]
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        name, differ = changed[0], counted(len(changed), "hyperparameter differs", "hyperparameters differ")
        advice = "use another --output_dir, or the same --hparams"
        if name in ("freeze", "stages"):
            advice = f"give it as it was, or train other parts in a new run with --warm_start_from={folder}"
        raise UserError(
            f"{folder} holds a run with {name}={_short(old.get(name))}, and {_short(new.get(name))} is asked "
            f"for ({differ}); {advice}"
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
