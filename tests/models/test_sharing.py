"""Which problems share which nets: by modality, vocabulary and class names, and by nothing else."""

import types

import pytest

from t2tlite import problem, registry
from t2tlite.models.multimodel import MultiModel, wire

from . import tiny

OTHER_VOCABULARY = types.SimpleNamespace(fingerprint="fedcba9876543210", size=tiny.VOCABULARY.size)


def nets(*wirings):
    return {net.name for wiring in wirings for w in wiring.values() for net in w.nets()}


def count(model, start):
    return sum(1 for v in model.variables if v.path.startswith(f"multimodel/{start}"))


def test_text_problems_share_one_language_net():
    assert nets(tiny.wiring(["translation", "captions", "spoken"])) == {
        "language_01234567",
        "image",
        "spectral",
    }
    one, two = (tiny.model(names) for names in (["translation"], ["translation", "captions"]))
    assert count(one, "language") == count(two, "language") == 2


def test_another_vocabulary_of_the_same_size_makes_another_net():
    both = tiny.wiring(["translation"]) | tiny.wiring(["captions"], vocabulary=OTHER_VOCABULARY)
    assert nets(both) == {"language_01234567", "language_fedcba98", "image"}
    model = MultiModel(tiny.HPARAMS, both)
    model.build(None)
    assert count(model, "language") == 4
    assert model.target_net("translation") is not model.target_net("captions")


@pytest.mark.parametrize(
    ("classes", "shared"), [(tiny.CLASSES, True), (tiny.CLASSES[::-1], False), (("a", "b", "c"), False)]
)
def test_label_problems_share_a_net_exactly_with_the_same_classes(classes, shared):
    both = tiny.wiring(["pictures"]) | tiny.wiring(["topics"], classes=classes)
    categorical = [name for name in nets(both) if name.startswith("categorical")]
    assert len(categorical) == (1 if shared else 2)


def test_the_eight_problems_of_the_paper_need_four_nets():
    hparams = tiny.HPARAMS
    wiring = wire(registry.problems("all"), hparams, tiny.VOCABULARY, {"imagenet": tiny.CLASSES})
    assert len(wiring) == 8
    assert {name.split("_")[0] for name in nets(wiring)} == {"language", "image", "spectral", "categorical"}
    assert len(nets(wiring)) == 4


def test_the_feature_or_the_hyperparameters_choose_the_modality():
    assert nets(tiny.wiring(["sounds"], tiny.HPARAMS.replace(modality_audio="waveform"))) >= {"waveform"}
    waveform_problem = tiny.a_problem("asked", problem.Audio(modality="waveform"), problem.Text())
    assert waveform_problem.features()["inputs"].modality_name(tiny.HPARAMS) == "waveform"


def test_a_command_is_a_vector_of_its_own_and_shared_by_its_problems():
    names = ["translation", "captions", "pictures"]
    model = tiny.model(names)
    assert set(model.commands) == {"to_german", "to_caption"}  # a category is not decoded from a command
    assert count(model, "command_") == 2


def test_categories_alone_need_no_mixer_and_no_decoder():
    model = tiny.model(["pictures", "topics"])
    assert not model.decodes and not model.commands
    assert {path.split("/")[1] for path in (v.path for v in model.variables)} == {
        "encoder", "image", "language_01234567", next(n for n in model.nets if n.startswith("categorical"))
    }  # fmt: skip


def test_every_variable_has_one_path_whatever_the_order_of_the_problems():
    names = list(tiny.PROBLEMS)
    one, other = (
        {v.path: tuple(v.shape) for v in tiny.model(order).variables} for order in (names, names[::-1])
    )
    assert one == other
    assert len(one) == len(tiny.shared_model().variables)
