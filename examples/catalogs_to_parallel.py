"""Collects parallel text from the translated message catalogs and help pages of a Linux system."""

import argparse
import collections
import html
import html.parser
import os
import re
import statistics
import struct
import sys
import zipfile
import zlib

USAGE = """
Collects parallel text from the translated message catalogs and help pages of a Linux system:

    python examples/catalogs_to_parallel.py --language=de --output_dir=DIR /usr/share /usr/lib

Every folder given is walked for two kinds of files. Message catalogs (.../de/LC_MESSAGES/*.mo, loose or in a
zip archive) pair each English message with its translation. Help pages (HTML, DocBook, Mallard) with the
language in their path are paired with the English page at the same place, where the two have the same
paragraphs in the same order.

DIR gets train.en, train.de, dev.* and test.*: plain UTF-8 text, a sentence or short paragraph a line, line i
of the one file translating line i of the other. A checksum of the English decides which part a sentence goes
to, so that the same input always gives the same files. No English sentence of dev or test is in train, not
even with other capitals, digits or punctuation, and no line is twice in any file.
"""

PAGE_SUFFIXES = (".html", ".htm", ".docbook", ".page", ".xml")
ENGLISH_NAMES = ("en", "C", "en-US", "en_US")
PARAGRAPH_TAGS = frozenset(
    "p para simpara title subtitle h1 h2 h3 h4 h5 h6 li dt dd td th div section item term listitem entry "
    "caption figure table tr ul ol dl list steps terms note tip body article blockquote br hr desc".split()
)
SKIPPED_TAGS = frozenset(
    "script style pre screen programlisting literallayout code nav head info bookinfo articleinfo "
    "refentryinfo sect1info authorgroup legalnotice copyright remark credit".split()
)

PLACEHOLDER = re.compile(
    r"%(?:\d+\$)?[-+#0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z|j|t|L)?[diouxXeEfgGcsp](?![a-z])|%\(\w+\)[a-z]?|%\d+|%[A-Z]"
    r"|\$\{?\w+\}?|\{[^{}]*\}|\[[^\[\]]*\]"
)
MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")
UNREADABLE = (OSError, ValueError, LookupError, RuntimeError, AssertionError) + (
    struct.error,
    zipfile.BadZipFile,
)
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
SENTENCE_END = re.compile(r"(?<=\w\w[.!?])\s+(?=[^\W\d_a-z]|[\"„“»])")
ODD = re.compile(r"[_\\<>|=~^`*{}@#\ufffd\x00-\x1f]|://|--|&\w+;|\s[-+/]\w|\.\.\.\S|;\S")


class Error(Exception):
    """A mistake in what the user asked for, told in one line."""


def read_catalog(data):
    """Yields the (message, translation) pairs in the bytes of a .mo file; plurals give two pairs."""
    order = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}.get(data[:4])
    if order is None:
        raise ValueError("not a message catalog")
    count, originals, translations = struct.unpack_from(order + "3I", data, 8)

    def read_strings(table):
        places = (struct.unpack_from(order + "2I", data, table + 8 * i) for i in range(count))
        return [data[start : start + length] for length, start in places]

    pairs = list(zip(read_strings(originals), read_strings(translations), strict=True))
    header = next((translation for message, translation in pairs if not message), b"")
    charset = re.search(rb"charset=([\w.:-]+)", header)
    charset = charset.group(1).decode("ascii") if charset else "utf-8"
    for message, translation in pairs:
        if not message:
            continue
        forms = message.decode(charset).rpartition("\x04")[2].split("\0")  # the context goes
        translated_forms = translation.decode(charset).split("\0")
        yield forms[0], translated_forms[0]
        if len(forms) > 1 and len(translated_forms) > 1:
            yield forms[1], translated_forms[-1]


class PageParser(html.parser.HTMLParser):
    """Gathers the paragraphs of a page, each with the tag it stood in."""

    def __init__(self):
        super().__init__()
        self.paragraphs = []
        self._tag, self._text, self._skipping = "", [], []

    def flush(self):
        """Ends the paragraph under way."""
        text = " ".join("".join(self._text).split())
        if text:
            self.paragraphs.append((self._tag, text))
        self._text = []

    def handle_starttag(self, tag, attrs):
        """Starts a paragraph, or a part that is skipped."""
        if tag in SKIPPED_TAGS:
            self._skipping.append(tag)
        if tag in PARAGRAPH_TAGS:
            self.flush()
            self._tag = tag

    def handle_endtag(self, tag):
        """Ends what the start tag began."""
        if tag in self._skipping:
            del self._skipping[self._skipping.index(tag) :]
            if tag == "code":
                self._text.append(" # ")  # what is left of a sentence without its code is no sentence
        if tag in PARAGRAPH_TAGS:
            self.flush()

    def handle_startendtag(self, tag, attrs):
        """Takes a tag without content."""
        if tag in PARAGRAPH_TAGS:
            self.flush()

    def handle_data(self, data):
        """Adds text to the paragraph under way."""
        if not self._skipping:
            self._text.append(data)


def read_page(text):
    """Returns the (tag, text) paragraphs of an HTML or XML page."""
    parser = PageParser()
    parser.feed(text)
    parser.close()
    parser.flush()
    return parser.paragraphs


def pair_pages(english, translated):
    """Returns the paragraph pairs of two pages, none unless both have the same tags in the same order."""
    english, translated = read_page(english), read_page(translated)
    if [tag for tag, _ in english] != [tag for tag, _ in translated]:
        return []
    return [(a, b) for (_, a), (_, b) in zip(english, translated, strict=True)]


def english_page(path, language):
    """Returns where the English page is that the page at `path` translates, or None."""
    parts = path.split(os.sep)
    for i in range(len(parts) - 2, -1, -1):
        if is_language(parts[i], language):
            for name in ENGLISH_NAMES:
                other = os.sep.join([*parts[:i], name, *parts[i + 1 :]])
                if os.path.isfile(other):
                    return other
    return None


def is_language(part, language):
    """Tells whether a folder's name is that of the language: `de`, `de_DE` or `de-DE` for `de`."""
    return part in (language, f"{language}_{language.upper()}", f"{language}-{language.upper()}")


def read_zip(path, language):
    """Yields the bytes of each catalog of the language in a zip archive."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".mo") and any(is_language(part, language) for part in name.split("/")[:-1]):
                yield archive.read(name)


def read_folder(root, language, counts):
    """Yields the raw (English, translation) pairs of every catalog and page under a folder."""
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        here = any(is_language(part, language) for part in os.path.abspath(folder).split(os.sep))
        for name in sorted(names):
            path = os.path.join(folder, name)
            try:
                if name.endswith(".zip"):
                    for data in read_zip(path, language):
                        counts["catalogs"] += 1
                        yield from read_catalog(data)
                elif here and name.endswith(".mo"):
                    with open(path, "rb") as file:
                        pairs = list(read_catalog(file.read()))
                    counts["catalogs"] += 1
                    yield from pairs
                elif here and name.endswith(PAGE_SUFFIXES) and (other := english_page(path, language)):
                    with open(other, encoding="utf-8") as english, open(path, encoding="utf-8") as translated:
                        pairs = pair_pages(english.read(), translated.read())
                    counts["pages" if pairs else "pages left out"] += 1
                    yield from pairs
            except UNREADABLE:
                counts["unreadable files"] += 1


def paragraphs(text):
    """Splits a message at its blank lines, and at its line ends where each line is a whole sentence."""
    result = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in block.strip().split("\n")]
        whole = all(re.search(r"[.!?:]\W*$", line) for line in lines[:-1])
        result.extend(lines if whole else [" ".join(lines)])
    return result


def split_pair(english, translation):
    """Yields the smaller pairs of a pair: by paragraph, then by sentence, where both sides have as many."""
    for split in (paragraphs, SENTENCE_END.split):
        left, right = split(english), split(translation)
        if len(left) == len(right) > 1:
            for pair in zip(left, right, strict=True):
                yield from split_pair(*pair)
            return
    yield english, translation


def clean(text):
    """Returns a message without markup, entities, keyboard accelerators and repeated blanks."""
    text = INVISIBLE.sub("", html.unescape(MARKUP.sub(" ", text)))
    for mark in "_&~":
        if text.count(mark) == 1:
            text = re.sub(rf"{mark}(?=\w)(?!\w+;)", "", text)
    return re.sub(r"\s+([,.;:!?](?:\s|$))", r"\1", " ".join(text.split()))


def is_good(english, translation, min_words, max_words):
    """Tells whether a clean pair is text, translated, and about as long on both sides."""
    for text in (english, translation):
        letters = sum(c.isalpha() or c == " " for c in text)
        if not text or letters < 0.8 * len(text) or ODD.search(text) or len(text.split()) > max_words:
            return False
    words, others = re.findall(r"\w+", english.lower()), re.findall(r"\w+", translation.lower())
    if sum(any(c.isalpha() for c in word) for word in english.split()) < min_words or not others:
        return False
    placeholders = PLACEHOLDER.findall(english)
    if sorted(placeholders) != sorted(PLACEHOLDER.findall(translation)):
        return False
    if 4 * len(placeholders) > len(english.split()):
        return False
    if 2 * sum(word in set(others) for word in words) > len(words) + 1:  # half of it was left in English
        return False
    short, long = sorted((len(english), len(translation)))
    return long <= (3 if short < 20 else 2) * short


def sentence_key(text):
    """Returns what two sentences share that differ only in capitals, digits and punctuation."""
    return " ".join(re.findall(r"[^\W\d_]+", text.casefold()))


def collect(roots, language, min_words, max_words, counts):
    """Returns the distinct good pairs under the folders; each side of a pair is in no other pair."""
    votes = collections.Counter()
    for root in roots:
        for english, translation in read_folder(root, language, counts):
            counts["messages"] += 1
            for pair in split_pair(english, translation):
                pair = clean(pair[0]), clean(pair[1])
                if is_good(*pair, min_words, max_words):
                    votes[pair] += 1
    pairs, seen_english, seen_translations = [], set(), set()
    for (english, translation), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        if english not in seen_english and translation not in seen_translations:
            seen_english.add(english)
            seen_translations.add(translation)
            pairs.append((english, translation))
    return pairs


def split_parts(pairs, held_out):
    """Returns {part: pairs} with `held_out` pairs each in dev and test, chosen by checksum of the English."""
    groups = collections.defaultdict(list)
    for english, translation in pairs:
        groups[sentence_key(english)].append((english, translation))
    keys = sorted(groups, key=lambda key: (zlib.crc32(key.encode("utf-8")), key))
    parts = {
        "test": [min(groups[key]) for key in keys[:held_out]],
        "dev": [min(groups[key]) for key in keys[held_out : 2 * held_out]],
        "train": [pair for key in keys[2 * held_out :] for pair in groups[key]],
    }
    if not parts["train"]:
        raise Error(f"found {len(pairs)} pairs, too few to hold out {held_out} each for dev and test")
    return parts


def write_lines(path, lines):
    """Writes a text file under a temporary name and puts it in place when it is whole."""
    with open(path + ".tmp", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    os.replace(path + ".tmp", path)


def main(argv=None):
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(
        description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("roots", metavar="ROOT", nargs="+", help="a folder to walk, such as /usr/share")
    parser.add_argument("--language", default="de", help="the language's code in folder names (default de)")
    parser.add_argument("--output_dir", required=True, help="where to write the text files")
    parser.add_argument(
        "--held_out", type=int, default=1000, help="pairs each for dev and test (default 1000)"
    )
    parser.add_argument("--min_words", type=int, default=2, help="English words a pair needs (default 2)")
    parser.add_argument("--max_words", type=int, default=60, help="words a side may have (default 60)")
    args = parser.parse_args(argv)
    counts = collections.Counter()
    try:
        if not re.fullmatch(r"[A-Za-z]{2,3}([_@-]\w+)*", args.language) or args.language == "en":
            raise Error(f"--language={args.language} is not a code such as de, fr or pt_BR")
        if args.held_out < 1 or args.min_words < 1 or args.max_words < args.min_words:
            raise Error("--held_out and --min_words must be at least 1, --max_words at least --min_words")
        for root in args.roots:
            if not os.path.isdir(root):
                raise Error(f"{root} is not a folder")
        pairs = collect(args.roots, args.language, args.min_words, args.max_words, counts)
        if not pairs:
            raise Error(f"found no text in language {args.language} under {' '.join(args.roots)}")
        parts = split_parts(pairs, args.held_out)
        os.makedirs(args.output_dir, exist_ok=True)
        for part, rows in parts.items():
            for side, suffix in enumerate(("en", args.language)):
                write_lines(os.path.join(args.output_dir, f"{part}.{suffix}"), [row[side] for row in rows])
    except (Error, OSError) as error:
        print(f"catalogs_to_parallel: {error}", file=sys.stderr)
        return 1
    print(", ".join(f"{counts[name]} {name}" for name in sorted(counts)))
    for part in ("train", "dev", "test"):
        lengths = [[len(text.split()) for text in side] for side in zip(*parts[part], strict=True)]
        print(
            f"{part}: {len(parts[part])} pairs, {sum(lengths[0])} English and {sum(lengths[1])} "
            f"{args.language} words, median English length {statistics.median(lengths[0]):g}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
