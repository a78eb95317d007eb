"""Service: a model that is loaded and warmed in the background, and answers requests within limits."""

import contextlib
import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from t2tlite.decoding.inspection.results import Attention
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.prediction import Prediction
from t2tlite.decoding.problem_names import check_decodes, check_sides, sides
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature
from t2tlite.serving.batching import Batcher
from t2tlite.serving.payload import PredictRequest
from t2tlite.serving.refusal import Refusal

LOADING, WARMING, READY, STOPPING = "loading", "warming", "ready", "stopping"
_LOADING_RETRY = 5  # seconds


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server takes on.

    Attributes:
      request_bytes: most bytes of a body.
      timeout_seconds: how long a request may take, from its first byte.
      waiting: most requests at once, those that are being decoded included.
    """

    request_bytes: int = 10 << 20
    timeout_seconds: float = 60.0
    waiting: int = 64


class Service:
    """A predictor behind a queue.

    Args:
      load: makes the predictor; called once, in a thread of its own.
      limits: of requests.
      most: inputs that are decoded together.

    Attributes:
      predictor: None while it is being loaded.
      state: "loading", then "warming" (requests are answered, the first of a problem slowly), "ready",
        "stopping".
      warmed: problems that have been decoded for once.
      counts: requests by what became of them.
    """

    def __init__(self, load: Callable[[], Any], limits: Limits, most: int = 32) -> None:
        self.limits = limits
        self.predictor: Any = None
        self.state = LOADING
        self.warmed: list[str] = []
        self.counts = {"requests": 0, "answered": 0, "refused": 0, "failed": 0}
        self.batcher = Batcher(most)
        self._load = load
        self._inside = 0
        self._began = time.monotonic()

    @property
    def options(self) -> DecodeOptions:
        """How to decode where a request doesn't say: all hypotheses are given."""
        return self.predictor.options.replace(return_beams=True)

    async def start(self) -> None:
        """Loads the model and decodes an input of every problem, so that everything usual is compiled.

        Raises:
          UserError: the run can't be loaded.
        """
        [self.predictor] = await self.batcher.submit(None, [None], lambda _: [self._load()])
        self.state = WARMING
        for name in self.predictor.problems:
            try:
                await self._submit(name, [self.reads(name).example_input()], self.options, timeout=None)
            except Refusal:
                if self.state == STOPPING:
                    return
            except Exception:
                traceback.print_exc()  # requests for it will be answered with 500; others are fine
            self.warmed.append(name)
        self.batcher.forget()
        self.batcher.widen(self.predictor.at_a_time)
        self.state = READY

    async def stop(self, grace: float) -> bool:
        """Stops; see `Batcher.stop`. What is being loaded is not waited for."""
        loading, self.state = self.state == LOADING, STOPPING
        return await self.batcher.stop(0 if loading else grace)

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """Within the block a request has a place; there are `limits.waiting` of them.

        Raises:
          Refusal: 503, if all are taken, or the model is not loaded.
        """
        if self.state == LOADING:
            raise Refusal(503, "the model is being loaded", _LOADING_RETRY)
        if self.state == STOPPING:
            raise Refusal(503, "the server is stopping")
        if self._inside >= self.limits.waiting:
            raise Refusal(
                503,
                f"{self._inside} requests are waiting already; try again later",
                self.batcher.seconds_of_waiting(),
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def reads(self, problem: str) -> Feature:
        """What a problem reads; of "a>b" it is what `a` does.

        Raises:
          Refusal: 404, if the run has no such problem, or one that can't be read over HTTP.
        """
        try:
            check_sides(problem, self.predictor.problems, "here")
            reads, writes = sides(problem)
            check_decodes(self.predictor.run.problems[writes])
        except UserError as error:
            raise Refusal(404, str(error)) from None
        feature = self.predictor.run.problems[reads].inputs
        if not feature.content_types:
            raise Refusal(404, f"problem `{reads}` reads {feature.kind}, which can't be sent to a server")
        return feature

    async def predict(self, problem: str, request: PredictRequest) -> list:
        """A `Prediction` for each input.

        Raises:
          Refusal: the model can't, or not in time.
        """
        return await self._submit(problem, request.inputs, request.options, self.limits.timeout_seconds)

    async def attention(self, problem: str, request: PredictRequest) -> Attention:
        """An `Attention` for the only input.

        Raises:
          Refusal: 400 for several inputs, or what the model can't show.
        """
        if len(request.inputs) != 1:
            raise Refusal(400, f"attention is shown for one input; received {len(request.inputs)}")
        output, (_, writes) = request.output, sides(problem)
        if output is None and self.predictor.run.problems[writes].targets.is_text:
            [result] = await self.predict(problem, request)
            if result.error:
                raise Refusal(400, result.error)
            output = result.text

        def look(values: Sequence[Any]) -> list[Attention]:
            return [self.predictor.attention(problem, values[0], output)]

        try:
            [result] = await self.batcher.submit(None, request.inputs, look, self.limits.timeout_seconds)
        except UserError as error:
            raise Refusal(400, str(error)) from None
        return result

    def figures(self) -> dict[str, Any]:
        """What has been going on, for monitoring."""
        batcher = self.batcher
        return {
            "state": self.state,
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            **self.counts,
            "inside": self._inside,
            "waiting": batcher.waiting,
            "calls": batcher.calls,
            "inputs": batcher.inputs,
            "busy_seconds": round(batcher.busy_seconds, 3),
        }

    async def _submit(
        self, problem: str, inputs: Sequence[Any], options: DecodeOptions, timeout: float | None
    ) -> list[Prediction]:
        # Samples depend on an input's number, which is that within its own request.
        numbered = list(enumerate(inputs))
        call = functools.partial(self._predict, problem, options)
        return await self.batcher.submit(("predict", problem, options), numbered, call, timeout)

    def _predict(
        self, problem: str, options: DecodeOptions, numbered: Sequence[tuple[int, Any]]
    ) -> list[Prediction]:
        rows, inputs = zip(*numbered, strict=True)
        try:
            return self.predictor.predict(
                problem, list(inputs), keep_errors=True, options=options, rows=list(rows)
            )
        except UserError as error:
            raise Refusal(400, str(error)) from None
