"""The HTTP side: addresses, limits and headers, around a Service."""

import asyncio
import contextlib
import importlib.resources
import mimetypes
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from aiohttp import web

from t2tlite.features import untrusted
from t2tlite.serving import payload, request_options, responses
from t2tlite.serving.hosts import Hosts
from t2tlite.serving.payload import PredictRequest
from t2tlite.serving.refusal import Refusal
from t2tlite.serving.service import LOADING, READY, Limits, Service
from t2tlite.version import __version__

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self';"
    " img-src 'self' blob: data:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "t2t-serve",
}
_INDEX = "index.html"


class App:
    """The application of a service.

    Args:
      service: answers.
      hosts: names the server answers to.
      title: of the run, for the page.

    Attributes:
      web: the aiohttp application.
    """

    def __init__(self, service: Service, hosts: Hosts, title: str = "") -> None:
        self._service = service
        self._hosts = hosts
        self._title = title
        self._page = _page_files()
        self.web = web.Application(middlewares=[self._guarded], client_max_size=service.limits.request_bytes)
        self.web.on_response_prepare.append(_with_headers)
        self.web.add_routes(
            [
                web.get("/health", self._health),
                web.get("/api/problems", self._problems),
                web.get("/api/metrics", self._metrics),
                web.post("/api/predict/{problem}", self._predict),
                web.post("/api/attention/{problem}", self._attention),
                web.get("/", self._file),
                web.get("/{name}", self._file),
            ]
        )

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Checks who asks, and gives every error as JSON of one line."""
        try:
            self._hosts.check(request.headers.get("Host"), request.headers.get("Origin"))
            return await handler(request)
        except Refusal as refusal:
            return _error_response(refusal)
        except web.HTTPRequestEntityTooLarge:
            return _error_response(_too_large(self._service.limits))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _error_response(
                Refusal(error.status, f"{error.reason}: {request.method} {request.path[:80]}")
            )
        except Exception as error:
            traceback.print_exc()
            print(f"t2t-serve: internal error at {request.method} {request.path!r}", file=sys.stderr)
            return _error_response(
                Refusal(500, f"internal error: {type(error).__name__}; the server's log has more")
            )

    async def _health(self, request: web.Request) -> web.Response:
        state = self._service.state
        answer = {"status": state, "warmed": len(self._service.warmed)}
        return web.json_response(answer, status=200 if state == READY else 503)

    async def _problems(self, request: web.Request) -> web.Response:
        service = self._service
        if service.state == LOADING:
            raise Refusal(503, "the model is being loaded", 5)
        predictor = service.predictor
        return web.json_response(
            {
                "run": self._title,
                "version": __version__,
                "problems": [
                    _describe_problem(name, problem)
                    for name, problem in ((one, predictor.run.problems[one]) for one in predictor.problems)
                    if problem.targets is not None
                ],
                "options": request_options.described(service.options),
                "limits": {
                    "request_bytes": service.limits.request_bytes,
                    "timeout_seconds": service.limits.timeout_seconds,
                    "inputs": payload.MOST_INPUTS,
                    "characters": untrusted.MOST_CHARACTERS,
                    "pixels": untrusted.MOST_PIXELS,
                    "sound_seconds": untrusted.MOST_SECONDS,
                },
            }
        )

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.json_response(self._service.figures())

    async def _predict(self, request: web.Request) -> web.Response:
        start = time.perf_counter()
        async with _Counted(self._service):
            problem, predict_request = await self._read_request(request)
            results = await self._service.predict(problem, predict_request)
        predictions = [responses.prediction(one) for one in results]
        seconds = round(time.perf_counter() - start, 4)
        return web.json_response({"problem": problem, "predictions": predictions, "seconds": seconds})

    async def _attention(self, request: web.Request) -> web.Response:
        async with _Counted(self._service):
            problem, predict_request = await self._read_request(request, extra_keys=("output",))
            result = await self._service.attention(problem, predict_request)
        return web.json_response({"problem": problem, **responses.attention(result)})

    async def _read_request(
        self, request: web.Request, extra_keys: tuple[str, ...] = ()
    ) -> tuple[str, PredictRequest]:
        problem = request.match_info["problem"]
        feature = self._service.reads(problem)
        limits = self._service.limits
        if (request.content_length or 0) > limits.request_bytes:
            raise _too_large(limits)
        try:
            async with asyncio.timeout(limits.timeout_seconds):
                body = await request.read()
        except TimeoutError:
            raise Refusal(408, f"the body did not arrive within {limits.timeout_seconds:g} seconds") from None
        base = self._service.options
        arguments = feature, body, request.content_type, dict(request.query), base, extra_keys
        return problem, await asyncio.to_thread(payload.read, *arguments)  # so that other requests go on

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", _INDEX)
        if name not in self._page:
            raise web.HTTPNotFound()
        content_type, content = self._page[name]
        return web.Response(body=content, content_type=content_type, charset="utf-8")


class _Counted:
    """`with` a place in the service: counts what becomes of the request."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._place: contextlib.AbstractContextManager[None] = contextlib.nullcontext()

    async def __aenter__(self) -> None:
        self._service.counts["requests"] += 1
        self._place = self._service.admitted()
        try:
            self._place.__enter__()
        except Refusal:
            self._service.counts["refused"] += 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.__exit__(kind, error, trace)
        refused = isinstance(error, Refusal | web.HTTPException | asyncio.CancelledError)
        self._service.counts["answered" if error is None else "refused" if refused else "failed"] += 1


async def _with_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _error_response(refusal: Refusal) -> web.Response:
    response = web.json_response({"error": refusal.message}, status=refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than {limits.request_bytes / (1 << 20):g} MB (--max_request_mb)")


def _describe_problem(name: str, problem: Any) -> dict[str, Any]:
    """A problem for `/api/problems`; the kind of its inputs, or that of each by name."""
    return {
        "name": name,
        "inputs": problem.inputs.described(),
        "targets": problem.targets.kind,
        "command": problem.command,
    }


def _page_files() -> dict[str, tuple[str, bytes]]:
    """Name to content type and content. Read once, so that no name in a request ever becomes a path."""
    folder = importlib.resources.files("t2tlite.serving") / "page"
    return {
        file.name: (mimetypes.guess_type(file.name)[0] or "text/plain", file.read_bytes())
        for file in folder.iterdir()
        if file.is_file()
    }
