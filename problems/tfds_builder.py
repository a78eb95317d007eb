"""A dataset of TensorFlow Datasets (TFDS): found, fetched when asked to, or said to be missing."""

import contextlib
import http.client
import itertools
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from t2tlite.errors import UserError

_HOSTS_TRIED = 3
_TIMEOUT = 10  # seconds
_LONGEST = 400  # characters of what TFDS says


def builder(name: str, source_dir: str | None):
    """TFDS's builder; `builder.info.splits` is empty where nothing is prepared.

    Args:
      name: of dataset and config, as "wmt14_translate/de-en".
      source_dir: TFDS's data_dir; default: TFDS's own.

    Raises:
      UserError: there is no such dataset, or the folder can't be read.
    """
    import tensorflow_datasets as tfds

    data_dir = str(pathlib.Path(source_dir).expanduser()) if source_dir else None
    try:
        with without_warnings():
            return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        raise UserError(f"TFDS knows no dataset `{name}`, and none is prepared in {data_dir}") from None
    except OSError as error:
        raise UserError(f"TFDS can't look for `{name}` in {data_dir}: {one_line(error)}") from None


def label_names(name: str, feature: str, source_dir: str | None = None) -> tuple[str, ...]:
    """Names of the classes of a dataset's label, in the order of its integers.

    Raises:
      UserError: they are known only once the dataset is prepared, and it is not.
    """
    found = builder(name, source_dir)
    names = found.info.features[feature].names
    if not names:
        raise UserError(not_prepared(name, found))
    return tuple(names)


def download(name: str, source_dir: str | None = None) -> None:
    """Has TFDS fetch and prepare a dataset; nothing is done where it is prepared.

    Raises:
      UserError: there is no network, a server or the disk fails, or the archives of a dataset that must be
        fetched by hand are missing.
    """
    import tensorflow_datasets as tfds

    found = builder(name, source_dir)
    if found.info.splits:
        return
    _check_network(name, found)
    try:
        found.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # TFDS has no base class for what can go wrong on the way
        raise UserError(f"TFDS can't prepare `{name}`: {one_line(error) or type(error).__name__}") from error


@contextlib.contextmanager
def without_warnings():
    """Keeps TFDS from warning of each dataset that is not prepared, which is an error here."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def not_prepared(name: str, found) -> str:
    """What to say of a dataset, given its builder, that is not prepared."""
    return (
        f"TFDS has not prepared `{name}` in {found.data_dir}; have it fetched with t2t-datagen --source=tfds "
        f"--download, or say with --source_dir where it is{_by_hand(found)}"
    )


def _by_hand(found):
    if not found.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return ""
    said = one_line(found.MANUAL_DOWNLOAD_INSTRUCTIONS)
    return f". What must be fetched by hand belongs in {_manual_dir(found)}; TFDS says: {said}"


def _manual_dir(found):
    return found.data_dir_root / "downloads" / "manual"


def _check_network(name, found):
    """Without a network TFDS tries again and again for minutes; this takes seconds."""
    if _manual_dir(found).exists() or any((found.data_dir_root / "downloads").glob("*.INFO")):
        return  # there are files that TFDS may go on with
    # Files that TFDS does not list are mostly at the corpus's home; the default home is TFDS's own page.
    home = found.info.homepage or ""
    urls = [*(found.url_infos or ()), *([home] if home and "//www.tensorflow.org/" not in home else [])]
    if not urls:
        return
    hosts = dict.fromkeys(urllib.parse.urlsplit(url)[:2] for url in urls)
    for scheme, host in itertools.islice(hosts, _HOSTS_TRIED):
        request = urllib.request.Request(f"{scheme}://{host}/", method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=_TIMEOUT).close()
            return
        except urllib.error.HTTPError:
            return  # it answers
        except (OSError, http.client.HTTPException):
            continue
    names = ", ".join(host for _, host in itertools.islice(hosts, _HOSTS_TRIED))
    raise UserError(
        f"can't fetch `{name}`: no answer from {names}; have it prepared where there is a network, and say "
        f"with --source_dir where it is{_by_hand(found)}"
    )


def one_line(text: object) -> str:
    """The text without line breaks, cut where it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
