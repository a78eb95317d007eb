"""Translations: problems over parallel text, which they read from files or from TFDS."""

import functools

from t2tlite import problem
from t2tlite.problems.formats import cleaning, parallel_folder, plain_text, sgm, tmx, tsv

_LANGUAGES = {"en": "english", "de": "german", "fr": "french"}


class Translation(problem.Problem):
    """Base of translations between two languages.

    The reverse of a translation is a subclass with `swap = True`.

    Attributes:
      languages: codes of the corpus's inputs and targets, which are also the endings of its files.
      max_words: training pairs with a side of more words, counted by the spaces, are left out; None: none.
      max_ratio: training pairs with a side of more than so many times the other's words are left out; None:
        none (for a language that is written without spaces). Both are the rules of Moses'
        `clean-corpus-n.perl`.
      tfds_name: the corpus in TFDS, with text features named by the languages; None: it is not there, and
        "tfds" is no source.
      homepage: where a user gets the corpus's files, for the errors.
    """

    inputs = problem.Text()
    targets = problem.Text()
    metrics = ("bleu",)
    sources = ("files", "sample")
    languages: tuple[str, str] = ("en", "de")
    max_words: int | None = 250
    max_ratio: float | None = 9.0
    tfds_name: str | None = None
    homepage: str = ""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        target = cls.languages[0 if cls.swap else 1]
        if "command" not in own:
            cls.command = f"to_{_LANGUAGES.get(target, target)}"
        if "languages" in own and "tfds_name" not in own:
            cls.tfds_name = None  # the corpus of a base class is one of other languages
        if "sources" not in own and ("languages" in own or "tfds_name" in own):
            cls.sources = ("files", "tfds", "sample") if cls.tfds_name else ("files", "sample")

    def examples_from_files(self, split, source_dir):
        """Sentence pairs of the files in `source_dir`.

        The files of a split (here of English and German) lie in `source_dir` with names that begin with the
        split's: train, validation or valid or dev, and test; or else all in one folder there: train/ or
        training/, validation/ or valid/ or dev/, and test/, where their names are free. Any number of:

          x.en + x.de                   plain text, a sentence a line, as WMT's europarl-v7.de-en.en
          x.tsv                         two columns; their order is that of the first line, if that names the
                                        languages (`en`, tab, `de`; there may be other columns then), or of
                                        the name, as in x.de-en.tsv, or else `languages`
          x.tmx                         translation memories; `en` is also en-US
          x-src.en.sgm + x-ref.de.sgm   WMT's development and test sets, with one or several references

        each of them in UTF-8, and also as .gz. Line breaks may be Windows's, and a byte order mark is left
        out. A pair with an empty side is dropped, and from training also one that is too long or uneven
        (`max_words`, `max_ratio`). A line that is not UTF-8 or has too many or few columns, and a segment
        without its translation, give `Broken`.

        Raises:
          UserError: no folder or files, one language without the other, both x.en and x.en.gz, different
            numbers of lines, a damaged gzip file, or an XML syntax error.
        """
        return files(source_dir, split, self.languages, self._rules(split), self.homepage)

    def examples_from_tfds(self, split, source_dir):
        from t2tlite.problems import from_tfds

        convert = functools.partial(_from_tfds, self.languages, self._rules(split))
        return from_tfds.pieces(self.tfds_name, split, convert, source_dir)

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.translation(split, *self.languages)

    def _rules(self, split):
        return cleaning.Rules(self.max_words, self.max_ratio) if split == "train" else cleaning.Rules()

    def download(self, source_dir=None):
        if not self.tfds_name:
            return super().download(source_dir)
        from t2tlite.problems import from_tfds

        return from_tfds.download(self.tfds_name, source_dir)


def files(
    source_dir: str | None,
    split: str,
    languages: tuple[str, str],
    rules: cleaning.Rules = cleaning.Rules(),  # noqa: B008 - frozen
    homepage: str = "",
) -> problem.Pieces:
    """The pairs of the files in a folder, which `Translation.examples_from_files` describes.

    Raises:
      UserError: as `Translation.examples_from_files`.
    """
    parts, counts = [], []
    for found in parallel_folder.find(source_dir, split, languages, homepage):
        more, count = _parts(found, languages)
        parts += more
        counts.append(count)
    return problem.Pieces(functools.partial(_read, rules), parts, None if None in counts else sum(counts))


def _parts(found, languages):
    if found.format == "lines":
        return plain_text.parts(*found.paths)
    if found.format == "tsv":
        return tsv.parts(*found.paths, languages, found.order)
    if found.format == "sgm":
        return sgm.parts(*found.paths)
    return [tmx.Part(*found.paths, tuple(languages))], None


def _read(rules, part):
    return cleaning.examples(part.pairs(), rules)


def _from_tfds(languages, rules, example):
    pair = []
    for language in languages:
        try:
            pair.append(example[language].decode())
        except UnicodeDecodeError as error:
            begin = example[language][:40].decode(errors="replace")
            where = f"an example's `{language}`, which begins with `{begin}`, at byte {error.start + 1}"
            return problem.Broken("not UTF-8", where)
    return next(cleaning.examples([pair], rules))
