"""Reading --decode_hparams."""

import pytest

from t2tlite.decoding.options import DecodeOptions, parse_changes
from t2tlite.errors import UserError


def test_values():
    assert DecodeOptions.parse("") == DecodeOptions()
    assert DecodeOptions.parse(" batch_size=8, decode_length=40") == DecodeOptions(8, 40)
    assert DecodeOptions.parse("decode_length=none") == DecodeOptions()
    options = DecodeOptions.parse("beam_size=2,alpha=1,return_beams=True,temperature=0.5,top_p=0.9,seed=7")
    assert options == DecodeOptions(
        beam_size=2, alpha=1.0, return_beams=True, temperature=0.5, top_p=0.9, seed=7
    )


def test_changes():
    options = DecodeOptions(beam_size=2)
    assert options.replace(alpha=1, temperature=2) == DecodeOptions(beam_size=2, alpha=1.0, temperature=2.0)
    assert options.beam_size == 2 and options.alpha == 0.6
    with pytest.raises(UserError, match="unknown decode hyperparameter `beam`; did you mean `beam_size`"):
        options.replace(beam=3)
    with pytest.raises(UserError, match="beam_size must be 1 or more; received 0"):
        options.replace(beam_size=0)
    with pytest.raises(UserError, match="alpha must be a finite number; received 'x'"):
        options.replace(alpha="x")
    assert parse_changes("seed=3, constrain=false") == {"seed": 3, "constrain": False}


@pytest.mark.parametrize(
    ("options", "outputs", "description"),
    [
        (DecodeOptions(), 4, "beam search of 4, alpha 0.6"),
        (DecodeOptions(beam_size=1), 1, "greedy search"),
        (DecodeOptions(temperature=1.0), 1, "1 sample at temperature 1"),
        (DecodeOptions(temperature=0.5, num_samples=3), 3, "3 samples at temperature 0.5"),
    ],
)
def test_what_is_told(options, outputs, description):
    assert options.outputs == outputs and options.describe() == description


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize=8", "unknown decode hyperparameter `batchsize`; did you mean `batch_size`"),
        ("zzz=8", "unknown decode hyperparameter `zzz`; there is batch_size, decode_length"),
        ("batch_size", "cannot read `batch_size`.*expected name=value"),
        ("batch_size=x", "batch_size=x is not an integer"),
        ("batch_size=", "batch_size= has no value"),
        ("batch_size=0", "batch_size must be 1 or more; received 0"),
        ("batch_size=1,batch_size=2", "`batch_size` is given twice"),
        ("temperature=-1", "temperature must be 0 or more; received -1"),
        ("temperature=1,top_p=0", "top_p must be above 0 and at most 1; received 0"),
        ("temperature=1,top_p=1.5", "top_p must be above 0 and at most 1; received 1.5"),
        ("top_k=5", "top_k=5 is for samples, which need a temperature; add temperature=1.0"),
        ("num_samples=2", "num_samples=2 is for samples"),
        ("min_length=9,decode_length=8", "min_length=9 does not fit into decode_length=8"),
        ("alpha=nan", "alpha=nan is not a finite number"),
    ],
)
def test_what_it_refuses(text, message):
    with pytest.raises(UserError, match=message):
        DecodeOptions.parse(text)
