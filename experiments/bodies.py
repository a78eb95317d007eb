"""The MultiModel's body against others, with equal updates and in equal minutes."""

from t2tlite import experiment, registry
from t2tlite.experiment import Column, Row, Table, Training
from t2tlite.experiments import paper

_PLAIN = {"mixer": "none", "moe": "none"}
_BODIES = {
    "MultiModel": {},
    "Transformer": {"encoder": "transformer", "decoder": "transformer", **_PLAIN},
    "LSTM": {"encoder": "lstm", "decoder": "lstm", **_PLAIN},
    "MultiModel encoder, Transformer decoder": {"decoder": "transformer", "mixer": "none"},
    "Transformer encoder, MultiModel decoder": {"encoder": "transformer"},
}
_FIRST = next(iter(_BODIES))
_NOTE = "Widths and numbers of layers are those of the set, so bodies differ in size and speed; see Runs. "
_MINUTES = (
    "A body makes as many updates as fit into the minutes that the MultiModel's run took, by the time that "
    "the same body took for equal updates."
)


@registry.register_experiment
class Bodies(experiment.Experiment):
    """Which body learns best, by updates and by minutes? MultiModel, Transformer, LSTM and mixes of them."""

    def trainings(self, problems, hparams):
        equal = [Training(_name(body), problems, changes) for body, changes in _BODIES.items()]
        first = _name(_FIRST)
        timed = [
            Training(f"{one.name}_minutes", problems, one.hparams, minutes_of=first, speed_of=one.name)
            for one in equal
            if one.name != first
        ]
        return [*equal, *timed]

    def tables(self, problems, hparams):
        rows = [Row(name, paper.TEXT) for name in problems]
        equal = [Column(body, _name(body)) for body in _BODIES]
        timed = [Column(c.heading, c.training + ("" if c is equal[0] else "_minutes")) for c in equal]
        return [
            Table("Equal updates", rows, equal, _FIRST, note=_NOTE),
            Table("Equal minutes", rows, timed, _FIRST, note=_MINUTES),
        ]


def _name(body):
    return body.lower().replace(",", "").replace(" ", "_")
