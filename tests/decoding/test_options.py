"""Reading --decode_hparams."""

import pytest

from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError


def test_values():
    assert DecodeOptions.parse("") == DecodeOptions()
    assert DecodeOptions.parse(" batch_size=8, decode_length=40") == DecodeOptions(8, 40)
    assert DecodeOptions.parse("decode_length=none") == DecodeOptions()


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
    ],
)
def test_what_it_refuses(text, message):
    with pytest.raises(UserError, match=message):
        DecodeOptions.parse(text)
