"""Hyperparameters: sets, overrides, gin, JSON, and what is refused."""

import copy
import json
import pickle
import sys

import pytest

from t2tlite import declarations, discovery, hparam, problem, registry, typed_value
from t2tlite.core_hparams import CORE
from t2tlite.declarations import Part
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import POSITIVE, Hyperparameter
from t2tlite.shared_hparams import DROPOUT, HIDDEN_SIZE


def small(**changes):
    values = dict(
        hidden_size=64,
        filter_size=128,
        num_heads=4,
        num_encoder_layers=2,
        num_mixer_layers=1,
        num_decoder_layers=1,
        dropout=0.1,
        moe_num_experts=4,
        moe_k=2,
        image_size=64,
        image_widths=(8, 16, 32, 64),
        learning_rate=1e-3,
        learning_rate_schedule="constant",
        learning_rate_warmup_steps=0,
        batch_tokens=512,
        batch_images=8,
        batch_seconds=30.0,
        length_bounds=(8, 16),
        seconds_bounds=(2.0,),
    )
    return HParams(**values | changes)


class Wide:
    """A user's encoder with hyperparameters of its own."""

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter("reach", tuple[int, int], "how far it sees to both sides", POSITIVE, default=(1, 2)),
        Hyperparameter("ceiling", float | None, "the largest activation, if any", POSITIVE, default=None),
    )


class Taller:
    """A user's decoder that declares `reach` differently."""

    HPARAMS = (Hyperparameter("reach", int, "how far it sees", POSITIVE, default=1),)


class Careless:
    """A user's encoder whose declarations are none."""

    HPARAMS = ("reach",)


@pytest.fixture
def sets(monkeypatch):
    """The sets `small`, `wider` and `wrong`, and the user's parts."""
    default = registry.get.__self__
    default.names("hparams")  # the scan of installed packages is not undone
    monkeypatch.setattr(default, "_entries", dict(default._entries))
    monkeypatch.setattr(default, "_things", dict(default._things))
    registry.register_hparams("small")(small)
    registry.register_hparams("wider")(lambda: small(encoder="wide"))
    registry.register_hparams("wrong")(lambda: {"hidden_size": 64})
    registry.register_encoder("wide")(Wide)
    registry.register_decoder("taller")(Taller)
    registry.register_modality("braille")(type("Braille", (), {"HPARAMS": Wide.HPARAMS[:2]}))


PARTS = [(kind, name) for kind in declarations.KINDS for name in registry.names(kind)]


def every_declaration():
    return [*CORE, *(one for _, several in declarations.every() for one in several)]


class TestConstruction:
    def test_an_int_is_a_float_and_a_list_is_a_tuple(self):
        hparams = small(dropout=0, image_widths=[1, 2, 3, 4], exit_widths=[1, 2])
        assert type(hparams.dropout) is float
        assert hparams.image_widths == (1, 2, 3, 4)
        assert hparams.exit_widths == (1.0, 2.0) and type(hparams.exit_widths[0]) is float

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("hidden_size", "64", "hidden_size must be an integer; received '64'"),
            ("hidden_size", 64.0, "hidden_size must be an integer; received 64.0"),
            ("hidden_size", True, "hidden_size must be an integer; received True"),
            ("attention", 1, "attention must be true or false; received 1"),
            ("dropout", float("nan"), "dropout must be a finite number; received nan"),
            ("encoder", None, "encoder must be a string; received None"),
            ("encoder", "", "encoder must be a string; received ''"),
            ("exit_widths", (1.0,), "exit_widths must be a tuple of 2 numbers"),
            ("length_bounds", 8, "length_bounds must be a tuple of integers"),
            ("hidden_size", 0, "hidden_size must be positive; received hidden_size=0"),
            ("image_widths", (8, 16, 0, 64), "image_widths must be positive"),
            ("image_widths", (8, 16), "image_widths must be 4 widths"),
            (
                "learning_rate_warmup_steps",
                -1,
                "learning_rate_warmup_steps must be 0 or more; received learning_rate_warmup_steps=-1",
            ),
            ("dropout", 1.0, r"dropout must be in \[0, 1\); received dropout=1.0"),
            ("label_smoothing", -0.1, "label_smoothing must be in"),
            (
                "num_heads",
                3,
                "hidden_size must be a multiple of num_heads; received hidden_size=64, num_heads=3",
            ),
            ("hidden_size", 15, "hidden_size must be even, for the timing signal; received hidden_size=15"),
            ("large_kernel_size", 4, "large_kernel_size must be odd; received large_kernel_size=4"),
            ("length_bounds", (), "length_bounds must be rising, and not empty"),
            ("length_bounds", (8, 8), "length_bounds must be rising"),
            ("moe_k", 5, "moe_k must be at most moe_num_experts"),
            ("audio_strided_blocks", 9, "audio_strided_blocks must be at most audio_blocks"),
        ],
    )
    def test_refused(self, name, value, message):
        with pytest.raises(UserError, match=message) as caught:
            small(**{name: value})
        assert "\n" not in str(caught.value)

    def test_experts_do_not_matter_without_a_mixture(self):
        assert small(moe="none", moe_num_experts=1, moe_k=4).moe == "none"

    def test_a_value_for_a_part_that_is_not_chosen_counts_once_it_is(self, sets):
        """So a set may say how many experts there are, whether it has any or not."""
        without = small(moe="none")
        assert "moe_k" not in without and not hasattr(without, "moe_k")
        assert without.replace(moe="top_k").moe_k == 2
        assert without == small(moe="none", moe_k=1, moe_num_experts=1)

    def test_frozen_and_hashable(self):
        hparams = small()
        with pytest.raises(AttributeError, match=r"frozen; use hparams.replace\(dropout=...\)"):
            hparams.dropout = 0.5
        for other in (copy.deepcopy(hparams), pickle.loads(pickle.dumps(hparams)), hparams.replace()):
            assert other == hparams and hash(other) == hash(hparams)
        assert hparams != small(dropout=0.5) and "dropout=0.1" in repr(hparams) and "dropout" in dir(hparams)

    def test_replace(self):
        assert small().replace(hidden_size=32, dropout=0).hidden_size == 32
        with pytest.raises(UserError, match="unknown hyperparameter `hiden`; did you mean `hidden_size`"):
            small().replace(hiden=32)
        with pytest.raises(UserError, match="multiple of num_heads"):
            small().replace(hidden_size=34)


class TestOverrides:
    def test_typed_by_the_field(self, sets):
        text = (
            " hidden_size=32, attention=False,dropout=0,length_bounds=4;8;16,exit_widths=1;2.5,encoder=gru,"
        )
        hparams = hparam.get("small", text)
        expected = small(
            hidden_size=32,
            attention=False,
            dropout=0.0,
            length_bounds=(4, 8, 16),
            exit_widths=(1.0, 2.5),
            encoder="gru",
        )
        assert hparams == expected

    def test_a_list_that_may_be_empty_can_be_given_as_such(self, sets):
        assert hparam.get("multimodel_tiny", "freeze=encoder;image").freeze == ("encoder", "image")
        assert hparam.get("multimodel_tiny", "freeze=,dropout=0.5").freeze == ()
        with pytest.raises(UserError, match="length_bounds= has no value"):
            hparam.get("multimodel_tiny", "length_bounds=")

    def test_value_with_equals_and_spaces(self, sets):
        text = "mixing=proportional temperature=2 cap=100"
        assert hparam.get("small", text).mixing == "proportional temperature=2 cap=100"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("hiden=3", "unknown hyperparameter `hiden`; did you mean `hidden_size`"),
            ("hidden=3", "unknown hyperparameter `hidden`; use `hidden_size`$"),
            ("batch_size=3", "; use `batch_tokens` or `batch_images` or `batch_seconds`$"),
            ("hidden_size", "cannot read `hidden_size` among the hyperparameters; expected name=value"),
            ("length_bounds=8,16", "cannot read `16` .* separated by `;`"),
            ("hidden_size=3.5", "hidden_size=3.5 is not an integer"),
            ("attention=1", "attention=1 is not true or false"),
            ("dropout=some", "dropout=some is not a finite number"),
            ("dropout=inf", "dropout=inf is not a finite number"),
            ("exit_widths=1", "exit_widths=1 is not a tuple of 2 numbers"),
            ("encoder=", "encoder= has no value; expected a string"),
            ("hidden_size=32,hidden_size=64", "`hidden_size` is given twice"),
            ("hidden_size=-4", "hidden_size must be positive; received hidden_size=-4"),
        ],
    )
    def test_refused(self, sets, text, message):
        with pytest.raises(UserError, match=message):
            hparam.get("small", text)

    def test_unknown_set(self, sets):
        with pytest.raises(UserError, match="unknown hparams `smal`; did you mean `small`"):
            hparam.get("smal")

    def test_set_that_is_none(self, sets):
        with pytest.raises(
            UserError, match=r"`wrong` returned dict; expected an HParams \(.*test_hparam.py:\d"
        ):
            hparam.get("wrong")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "moe=none,moe_k=1",
                "it is of the moe `dense` or the moe `top_k`, of which none",
            ),
            ("mixer=none,num_mixer_layers=2", "it is of the mixer `multimodel`, which is not chosen"),
            ("encoder=lstm,encoder_timing=false", "`encoder_timing` has no effect"),
            (
                "reach=1;2",
                "it is of the encoder `wide`, the decoder `taller` or the modality `braille`",
            ),
            ("encoder=wide,reech=1;2", "unknown hyperparameter `reech`; did you mean `reach`"),
            ("encoder=wid", "unknown encoder `wid`; did you mean `wide`"),
            (
                "modality_audio=waveform,audio_num_mel_bins=8",
                "of the modality `spectral`, which is not",
            ),
        ],
    )
    def test_what_no_chosen_part_declares_is_refused(self, sets, text, message):
        with pytest.raises(UserError, match=message) as caught:
            hparam.get("small", text)
        assert "\n" not in str(caught.value)

    def test_hyperparameters_of_a_user_s_part(self, sets):
        """Chosen by the set or in the same breath, in any order."""
        hparams = hparam.get("wider", "reach=3;4,ceiling=2,hidden_size=32")
        assert (hparams.reach, hparams.ceiling) == ((3, 4), 2.0)
        assert hparam.get("small", "reach=3;4,ceiling=2,encoder=wide,hidden_size=32") == hparams
        assert hparam.get("wider", "ceiling=none").ceiling is None
        with pytest.raises(UserError, match="ceiling=x is not a finite number, or none"):
            hparam.get("wider", "ceiling=x")
        with pytest.raises(UserError, match="ceiling must be positive; received ceiling=-1.0"):
            hparam.get("wider", "ceiling=-1")

    def test_type_that_cannot_be_read(self):
        with pytest.raises(TypeError, match="cannot be of the type"):
            typed_value.checked("name", dict, {})


class TestJson:
    @pytest.mark.parametrize("hparams", [small(dropout=0.3), small(moe="none", encoder="gru")])
    def test_round_trip(self, hparams):
        again = hparam.from_json(json.loads(json.dumps(hparam.to_json(hparams))))
        assert again == hparams and list(again.declared()) == list(hparams.declared())

    def test_built_in_sets(self):
        for name in registry.names("hparams"):
            hparams = hparam.get(name)
            assert hparam.from_json(hparam.to_json(hparams)) == hparams

    def test_fields_newer_than_the_file_have_their_default(self):
        values = hparam.to_json(small())
        del values["audio_frame_step"]
        assert hparam.from_json(values).audio_frame_step == 10.0

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"hiden": 3}, "unknown hyperparameter `hiden`"),
            ({"hidden_size": "3"}, "hidden_size must be an integer"),
            ({"encoder": "missing"}, "unknown encoder `missing`"),
            ({"moe": "none"}, "`filter_size` has no effect: it is of the encoder `transformer`, the decoder"),
        ],
    )
    def test_refused(self, change, message):
        with pytest.raises(UserError, match=message):
            hparam.from_json(hparam.to_json(small()) | change)

    def test_missing(self):
        with pytest.raises(UserError, match="missing: learning_rate, .*hidden_size"):
            hparam.from_json({"num_heads": 3})


class TestGin:
    def test_order_file_binding_override(self, sets, tmp_path):
        file = tmp_path / "a.gin"
        file.write_text(
            "size = 32\nHParams.hidden_size = %size\nHParams.filter_size = 11\nHParams.num_heads = 2\n"
        )
        hparams = hparam.get("small", "num_heads=1", [str(file)], ["HParams.filter_size = 12"])
        assert (hparams.hidden_size, hparams.filter_size, hparams.num_heads) == (32, 12, 1)

    def test_file_and_override_fit_only_together(self, sets):
        assert hparam.get("small", "num_heads=3", (), ["HParams.hidden_size = 66"]).hidden_size == 66

    def test_operative_config_is_a_gin_file(self, sets, tmp_path):
        for name, hparams in (
            ("small", small(hidden_size=32)),
            ("small", small(moe="none", decoder="lstm")),
            ("wider", small(encoder="wide", reach=(5, 6))),
        ):
            file = tmp_path / "operative.gin"
            file.write_text(hparam.operative_gin(hparams))
            assert hparam.get(name, "", [str(file)]) == hparams

    def test_nothing_stays_behind(self, sets):
        import gin

        gin.parse_config("kept = 3")
        hparam.get("small", "", (), ["HParams.hidden_size = 32"])
        assert "kept = 3" in gin.config_str() and "HParams" not in gin.config_str()
        gin.clear_config()
        assert hparam.get("small", "", (), ["HParams.filter_size = 8"]).hidden_size == 64

    @pytest.mark.parametrize(
        ("binding", "message"),
        [
            ("HParams.hiden = 3", "unknown hyperparameter `hiden`; did you mean `hidden_size`"),
            ("HParams.reach = (1, 2)", "`reach` has no effect: it is of the encoder `wide`"),
            ("HParams.hidden_size = 'x'", "hidden_size must be an integer; received 'x'"),
            ("Hparams.hidden_size = 3", "gin: No configurable matching 'Hparams'"),
            ("scope/HParams.hidden_size = 3", "`scope/HParams.hidden_size` has no effect"),
            ("hidden_size = 3", "`hidden_size` has no effect; expected HParams.NAME"),
            ("HParams.hidden_size = %size", "the macro %size is not set"),
            ("HParams.hidden_size = @HParams()", "refers to itself"),
            ("HParams.hidden_size 3", "gin: Couldn't parse statement"),
            ("import no_such_module", "gin: No module named 'no_such_module'"),
        ],
    )
    def test_refused(self, sets, binding, message):
        with pytest.raises(UserError, match=message) as caught:
            hparam.get("small", "", (), [binding])
        assert "\n" not in str(caught.value)

    def test_missing_file(self, sets):
        with pytest.raises(UserError, match="gin file none.gin does not exist"):
            hparam.get("small", "", ["none.gin"])


class TestDeclarations:
    @pytest.mark.parametrize(("kind", "name"), PARTS)
    def test_what_the_source_says_is_what_the_class_has(self, kind, name):
        """Listing and checking read the source, since an import of TensorFlow takes seconds."""
        read = declarations._read(registry.entry(kind, name))
        assert isinstance(read, tuple) and read == getattr(registry.get(kind, name), "HPARAMS", ())

    def test_source_that_does_not_tell_is_imported(self, tmp_path, monkeypatch):
        (tmp_path / "declares_late.py").write_text(LATE)
        monkeypatch.syspath_prepend(tmp_path)
        default = registry.get.__self__
        monkeypatch.setattr(default, "_entries", dict(default._entries))
        monkeypatch.setattr(default, "_things", dict(default._things))
        namespace = {}
        for entry in discovery.scan_file(str(tmp_path / "declares_late.py"), "declares_late"):
            default._entries["encoder", entry.name] = entry
            namespace[entry.name] = [one.name for one in declarations.of(Part("encoder", entry.name))]
            assert ("declares_late" in sys.modules) == (entry.name in ("computed", "elsewhere"))
            sys.modules.pop("declares_late", None)
            default._things.clear()
        assert namespace == {
            "listed": ["hidden_size", "mine"],
            "inherited": ["hidden_size", "mine"],
            "computed": ["dropout"],
            "elsewhere": ["hidden_size", "mine"],
        }

    def test_two_parts_that_declare_a_name_differently_are_not_chosen_together(self, sets):
        assert small(encoder="wide").reach == (1, 2)
        message = "encoder `wide` and the decoder `taller` declare the hyperparameter `reach` differently"
        with pytest.raises(UserError, match=message):
            small(encoder="wide", decoder="taller")

    def test_a_part_may_be_named_or_none(self):
        assert small().objective is None
        assert hparam.get("multimodel_tiny", "objective=distillation").objective == "distillation"
        assert hparam.get("multimodel_tiny", "objective=none").objective is None
        with pytest.raises(UserError, match="`likelyhood`.*likelihood"):
            small(objective="likelyhood")

    def test_t2tlite_s_own_parts_agree(self):
        by_name = {}
        for one in every_declaration():
            assert by_name.setdefault(one.name, one) == one

    def test_names_of_elsewhere_lead_to_names_of_here(self):
        names = {one.name for one in every_declaration()}
        assert not names & {other for one in every_declaration() for other in one.formerly}

    def test_related_names_are_declared(self):
        names = {one.name for one in every_declaration()}
        assert names.issuperset(o for one in every_declaration() for o in (one.at_most, one.divides) if o)

    @pytest.mark.parametrize(
        ("declared", "message"),
        [
            (lambda: Hyperparameter("n", int, "a number"), "`n` needs a range"),
            (lambda: Hyperparameter("n", str, " "), "`n` needs one line of help"),
            (lambda: Hyperparameter("n", int, "a number", POSITIVE, default=0), "n must be positive"),
            (lambda: Hyperparameter("n", bool, "a switch", default=1), "n must be true or false"),
        ],
    )
    def test_a_declaration_says_everything(self, declared, message):
        with pytest.raises(UserError, match=message):
            declared()

    def test_a_name_that_hparams_has_itself(self, sets):
        mine = (Hyperparameter("replace", bool, "what is never read", default=True),)
        registry.register_encoder("clash")(type("Clash", (), {"HPARAMS": mine}))
        with pytest.raises(UserError, match="a hyperparameter can't be called `replace`"):
            small(encoder="clash")

    def test_declarations_that_are_none(self, sets):
        registry.register_encoder("careless")(Careless)
        with pytest.raises(UserError, match=r"HPARAMS of the encoder `careless` must be a tuple of Hyperp"):
            small(encoder="careless")

    def test_modalities_that_problems_name(self, sets):
        """A feature may name its modality itself, and with it hyperparameters come and go on."""
        new_problem = problem.Problem()
        new_problem.name, new_problem.inputs, new_problem.targets = (
            "touched",
            problem.Text(modality="braille"),
            problem.Label(),
        )
        with pytest.raises(UserError, match="`reach` has no effect"):
            hparam.get("small", "reach=3;4")
        hparams = hparam.get("small", "reach=3;4", problems=[new_problem])
        assert hparams.reach == (3, 4) and hparams.parts() == (Part("modality", "braille"),)
        assert hparams.replace(dropout=0.5).reach == (3, 4)
        again = hparam.from_json(json.loads(json.dumps(hparam.to_json(hparams))))
        assert again == hparams and again.reach == (3, 4)

    def test_a_shared_one_is_one_object(self):
        owners = declarations.owners("dropout")
        assert len(owners) >= 5
        for part in owners:
            assert any(one is DROPOUT for one in declarations.of(part))


LATE = """
from t2tlite import registry
from t2tlite.hyperparameter import Hyperparameter, POSITIVE
from t2tlite.shared_hparams import HIDDEN_SIZE, DROPOUT

_MINE = (HIDDEN_SIZE, Hyperparameter("mine", int, "its own", POSITIVE, default=1))


class _Base:
    HPARAMS = _MINE


@registry.register_encoder
class Listed:
    HPARAMS: tuple = (*_MINE,)


@registry.register_encoder
class Inherited(_Base):
    pass


def _computed():
    return (DROPOUT,)


@registry.register_encoder
class Computed:
    HPARAMS = _computed()


@registry.register_encoder
class Elsewhere(_Base if DROPOUT else object):
    pass
"""
