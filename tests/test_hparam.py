"""Hyperparameters: sets, overrides, gin, JSON, and what is refused."""

import dataclasses
import json

import pytest

from t2tlite import hparam, registry, typed_value
from t2tlite.errors import UserError
from t2tlite.hparam import HParams


def small(cls=HParams, **changes):
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
    return cls(**values | changes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wider(HParams):
    """A user's set with fields of its own."""

    reach: "tuple[int, int]" = (1, 2)
    ceiling: float | None = None


@pytest.fixture
def sets(monkeypatch):
    """A registry with the sets `small` and `wider`."""
    own = registry.Registry(scan=lambda: ())
    own.register("hparams", "small")(small)
    own.register("hparams", "wider")(lambda: small(Wider))
    own.register("hparams", "wrong")(lambda: {"hidden_size": 64})
    monkeypatch.setattr(registry, "get", own.get)
    monkeypatch.setattr(registry, "entry", own.entry)


def test_names_of_elsewhere_lead_to_names_of_here():
    names = {field.name for field in dataclasses.fields(HParams)}
    for other, ours in hparam._ELSEWHERE.items():
        assert other not in names and names.issuperset(ours.split())


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
        assert small(moe="none", moe_num_experts=1, moe_k=4).moe_num_experts == 1

    def test_every_number_has_a_range(self):
        """A number that no rule holds in its range would take any nonsense in silence."""
        ruled = {*hparam._POSITIVE, *hparam._NOT_NEGATIVE, *hparam._FRACTION, *hparam._SHARE}
        numbers = {
            name for name, kind in hparam._types(HParams).items() if kind not in (str, bool, tuple[str, ...])
        }
        assert ruled == numbers

    def test_replace(self):
        assert small().replace(hidden_size=32, dropout=0).hidden_size == 32
        with pytest.raises(UserError, match="unknown hyperparameter `hiden`; did you mean `hidden_size`"):
            small().replace(hiden=32)
        with pytest.raises(UserError, match="multiple of num_heads"):
            small().replace(hidden_size=34)


class TestOverrides:
    def test_typed_by_the_field(self, sets):
        text = (
            " hidden_size=32, attention=False,dropout=0,length_bounds=4;8;16,exit_widths=1;2.5,encoder=mine,"
        )
        hparams = hparam.get("small", text)
        expected = small(
            hidden_size=32,
            attention=False,
            dropout=0.0,
            length_bounds=(4, 8, 16),
            exit_widths=(1.0, 2.5),
            encoder="mine",
        )
        assert hparams == expected

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

    def test_fields_of_a_subclass(self, sets):
        hparams = hparam.get("wider", "reach=3;4,ceiling=2,hidden_size=32")
        assert (type(hparams), hparams.reach, hparams.ceiling) == (Wider, (3, 4), 2.0)
        assert hparam.get("wider", "ceiling=none").ceiling is None
        with pytest.raises(UserError, match="ceiling=x is not a finite number, or none"):
            hparam.get("wider", "ceiling=x")

    def test_type_that_cannot_be_read(self):
        with pytest.raises(TypeError, match="cannot be of the type"):
            typed_value.checked("name", dict, {})


class TestJson:
    @pytest.mark.parametrize("hparams", [small(dropout=0.3), small(Wider, ceiling=0.5)])
    def test_round_trip(self, hparams):
        again = hparam.from_json(json.loads(json.dumps(hparam.to_json(hparams))))
        assert again == hparams and type(again) is type(hparams)

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
            (
                {"class": "no_such_module:Mine"},
                "no_such_module:Mine, which cannot be imported.*t2t_usr_dir",
            ),
            ({"class": "json:JSONDecoder"}, "json:JSONDecoder, which is no HParams"),
        ],
    )
    def test_refused(self, change, message):
        with pytest.raises(UserError, match=message):
            hparam.from_json(hparam.to_json(small()) | change)

    def test_missing(self):
        with pytest.raises(UserError, match="missing: hidden_size, filter_size"):
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
        for name, hparams in (("small", small(hidden_size=32)), ("wider", small(Wider, reach=(5, 6)))):
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
