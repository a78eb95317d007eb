"""`--profile_steps`: traces of some updates by TensorFlow's profiler."""

import contextlib
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from t2tlite.errors import UserError


def parse(text: str | None) -> list[tuple[int, int]]:
    """The ranges of "10:20,500": first and last update of each, counted from 1.

    Raises:
      UserError: it can't be read, a range is empty, or they are not in order.
    """
    ranges: list[tuple[int, int]] = []
    for part in (text or "").split(",") if text else []:
        match = re.fullmatch(r"\s*(\d+)(?::(\d+))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last or (ranges and first <= ranges[-1][1]):
            raise UserError(
                f"--profile_steps={text} can't be used at `{part.strip()}`; expected rising updates from 1 "
                "on, as 200:209 or 50,200:209"
            )
        ranges.append((first, last))
    return ranges


class Profiler:
    """Traces the updates of some ranges into a folder for TensorBoard.

    Args:
      ranges: from `parse`.
      folder: for the trace, in `plugins/profile/` below it.
      say: is given one line for each trace.
    """

    def __init__(
        self,
        ranges: Sequence[tuple[int, int]],
        folder: pathlib.Path,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._ranges = ranges
        self._folder = folder
        self._say = say
        self._since = 0  # the first update of the trace that is running

    @contextlib.contextmanager
    def update(self, number: int) -> Iterator[None]:
        """Around one update; `number` counts from 1.

        Raises:
          UserError: the profiler can't be started, or can't write the trace.
        """
        last = next((last for first, last in self._ranges if first <= number <= last), None)
        if last is None:
            yield
            return
        if not self._since:
            self._start(number)
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            yield
        if number == last:
            self._stop(number)

    def close(self) -> None:
        """Ends a trace that is running, without its file: the run ends within a range."""
        if self._since:
            self._since = 0
            with contextlib.suppress(Exception):
                tf.profiler.experimental.stop(save=False)

    def _start(self, number: int) -> None:
        with _errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            tf.profiler.experimental.start(str(self._folder))
        self._since = number

    def _stop(self, number: int) -> None:
        first, self._since = self._since, 0
        before = set(self._folder.rglob("*.xplane.pb"))
        with _errors(self._folder):
            tf.profiler.experimental.stop()
        written = set(self._folder.rglob("*.xplane.pb")) - before
        if not written:
            raise UserError(f"the profiler wrote no trace below {self._folder}; leave out --profile_steps")
        self._say(
            f"profiled updates {first} to {number}: {sorted(written)[0].parent} (TensorBoard shows it with "
            "its profile plugin)"
        )


@contextlib.contextmanager
def _errors(folder: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (tf.errors.OpError, OSError, ImportError, RuntimeError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"the profiler can't write a trace to {folder}: {line}; leave out --profile_steps, or end what "
            "else profiles this process"
        ) from None
