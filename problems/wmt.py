"""WMT 2014 translation: English and German, English and French, in both directions."""

from t2tlite import registry
from t2tlite.problems.parallel_text import Translation

HOMEPAGE = "https://www.statmt.org/wmt14/translation-task.html"


@registry.register_problem
class WmtEnde(Translation):
    """English to German, WMT 2014."""

    corpus = "wmt_ende"
    languages = ("en", "de")
    tfds_name = "wmt14_translate/de-en"
    homepage = HOMEPAGE
    paper_row = 5


@registry.register_problem
class WmtDeen(WmtEnde):
    """German to English, WMT 2014: the reverse of wmt_ende, from the same prepared data."""

    swap = True
    paper_row = 6


@registry.register_problem
class WmtEnfr(Translation):
    """English to French, WMT 2014."""

    corpus = "wmt_enfr"
    languages = ("en", "fr")
    tfds_name = "wmt14_translate/fr-en"
    homepage = HOMEPAGE
    paper_row = 7


@registry.register_problem
class WmtFren(WmtEnfr):
    """French to English, WMT 2014: the reverse of wmt_enfr, from the same prepared data."""

    swap = True
    paper_row = 8
