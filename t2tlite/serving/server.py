"""Running a service until a signal: binding the port, loading in the background, leaving in good order."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from t2tlite.errors import UserError
from t2tlite.serving.app import App
from t2tlite.serving.hosts import Hosts
from t2tlite.serving.service import Limits, Service

GRACE_SECONDS = 10.0  # for what is being decoded when a signal comes
_IDLE_SECONDS = 75.0  # until a connection without requests is closed


def serve(
    load: Callable[[], Any],
    host: str,
    port: int,
    limits: Limits,
    allowed_hosts: Sequence[str] = (),
    title: str = "",
    most: int = 32,
) -> bool:
    """Serves until SIGINT or SIGTERM; a second signal ends the process at once.

    Args:
      load: makes the predictor.
      host, port: where to listen; port 0 is any that is free.
      limits: of requests.
      allowed_hosts: names it answers to besides its own.
      title: of the run.
      most: inputs that are decoded together.

    Returns:
      Whether the model's threads are at rest; if not, Python waits for it when the process ends.

    Raises:
      UserError: it can't listen there, or the run can't be loaded.
    """
    return asyncio.run(_serve(load, host, port, limits, Hosts(host, allowed_hosts), title, most))


async def _serve(
    load: Callable[[], Any], host: str, port: int, limits: Limits, hosts: Hosts, title: str, most: int
) -> bool:
    start = time.monotonic()
    service = Service(load, limits, most)
    runner = web.AppRunner(
        App(service, hosts, title).web,
        access_log=None,
        handler_cancellation=True,  # a client that has gone needs no answer
        keepalive_timeout=_IDLE_SECONDS,
        shutdown_timeout=1.0,  # what is being decoded is waited for before
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    at_rest = True
    try:
        address = await _listen(site, runner, host, port)
        stopping = _stop_signals()
        _say(f"{address} (loading the model)")
        if not hosts.loopback:
            _say("whoever reaches this port can use the model; there is no password")
        loading = asyncio.create_task(service.start())
        await asyncio.wait([loading, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await loading  # raises what went wrong
            _say(f"ready after {time.monotonic() - start:.0f} s at {address}; Ctrl-C stops")
            await stopping
        _say("stopping")
        await site.stop()
    finally:
        at_rest = await service.stop(GRACE_SECONDS)
        await runner.cleanup()
    with contextlib.suppress(Exception):  # a load that was cut short
        await loading
    return at_rest


async def _listen(site: web.TCPSite, runner: web.AppRunner, host: str, port: int) -> str:
    try:
        await site.start()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"can't listen at --host={host} --port={port}: {reason}; try another port (0: any that is free)"
        ) from None
    name, number = runner.addresses[0][:2]
    return f"http://{f'[{name}]' if ':' in name else name}:{number}/"


def _stop_signals() -> asyncio.Future:
    """Is done at the first SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stopping = loop.create_future()

    def noted(number: int) -> None:
        if stopping.done():
            os._exit(128 + number)
        stopping.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, noted, number)
    return stopping


def _say(message: str) -> None:
    print(f"t2t-serve: {message}", file=sys.stderr, flush=True)
