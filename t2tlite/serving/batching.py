"""Batcher: calls on the model from many requests, few at a time, those that fit together in one call."""

import asyncio
import collections
import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from t2tlite.serving.refusal import Refusal

GATHER_SECONDS = 0.003  # how long an idle model waits for company of the first request
_THREADS = 256  # at most; they are started when they are needed


@dataclasses.dataclass(eq=False)
class _Item:
    """Inputs of one request that wait for the model."""

    key: Hashable
    inputs: tuple
    call: Callable[[Sequence[Any]], Sequence[Any]]
    future: asyncio.Future
    begun: bool = False


class Batcher:
    """A thread or several for the model, and a queue of what it shall do.

    Items of the same key that wait at the same time are done in one call. The first to come is the next to
    be done, and takes those like it along. What nobody waits for any longer is left out, unless it has begun.

    Args:
      most: inputs in one call, at most, unless one item alone has more.

    Attributes:
      calls: how many calls there were.
      inputs: how many inputs they had together.
      busy_seconds: how long they took.
    """

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._waiting: collections.deque[_Item] = collections.deque()
        self._arrived = asyncio.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="model")
        self._tasks: list[asyncio.Task] = []
        self._running: list[_Item] = []
        self._stopped = False
        self.widen(1)
        self.forget()

    @property
    def threads(self) -> int:
        """How many calls there are at a time; one until `widen`."""
        return len(self._tasks)

    def widen(self, threads: int) -> None:
        """From now on up to so many calls are made at a time, if there were fewer before."""
        more = min(threads, _THREADS) - self.threads
        self._tasks += [asyncio.create_task(self._work()) for _ in range(more)]

    @property
    def waiting(self) -> int:
        """Items that have not begun."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a call is running."""
        return bool(self._running)

    def forget(self) -> None:
        """Sets the figures back: what was done so far says nothing of what will come."""
        self.calls, self.inputs, self.busy_seconds = 0, 0, 0.0

    async def submit(
        self,
        key: Hashable,
        inputs: Sequence[Any],
        call: Callable[[Sequence[Any]], Sequence[Any]],
        timeout: float | None = None,
    ) -> list[Any]:
        """What `call` returns for these inputs.

        Args:
          key: items of the same key can share a call; None: with no other.
          inputs: one or more.
          call: runs in another thread; given the inputs of one or several items, returns as many results.
          timeout: seconds until it is given up; None: never.

        Raises:
          Refusal: 503 if its time was over before it began or the server stops, 504 if it was over later.
          Exception: whatever the call raised.
        """
        if self._stopped:
            raise Refusal(503, "the server is stopping")
        item = _Item(key, tuple(inputs), call, asyncio.get_running_loop().create_future())
        self._waiting.append(item)
        self._arrived.set()
        try:
            async with asyncio.timeout(timeout):
                return await item.future
        except TimeoutError:
            if item.begun:
                raise Refusal(
                    504, f"this took longer than {timeout:g} seconds; ask for less at once"
                ) from None
            message = f"the model was busy with other requests for {timeout:g} seconds"
            raise Refusal(503, message, self.seconds_of_waiting()) from None
        finally:
            if not item.begun and item in self._waiting:
                self._waiting.remove(item)

    def seconds_of_waiting(self) -> int:
        """About how long what waits now will take, from 1 to 60 seconds."""
        mean = self.busy_seconds / self.inputs if self.inputs else 1.0
        ahead = sum(len(item.inputs) for item in (*self._running, *self._waiting))
        return min(60, max(1, round(mean * ahead / self.threads)))

    async def stop(self, grace: float) -> bool:
        """Refuses what waits and what comes, and lets what runs finish, `grace` seconds at most.

        Returns:
          Whether the model's threads are at rest.
        """
        self._stopped = True
        for item in list(self._waiting):
            _fail(item, Refusal(503, "the server is stopping"))
        self._waiting.clear()
        running = [item.future for item in self._running]
        if running:
            await asyncio.wait(running, timeout=grace)
        for item in self._running:
            _fail(item, Refusal(503, "the server is stopping"))
        at_rest = not self._running
        for task in self._tasks:
            task.cancel()
        self._pool.shutdown(wait=at_rest, cancel_futures=True)
        return at_rest

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(GATHER_SECONDS)
            while self._waiting:
                batch = self._next_batch()
                self._running += batch
                await self._do(batch)
                self._running = [item for item in self._running if item not in batch]
            self._arrived.clear()

    def _next_batch(self) -> list[_Item]:
        """The first item that waits and those that can be done with it, taken from the queue."""
        first = self._waiting.popleft()
        batch, size = [first], len(first.inputs)
        if first.key is not None:
            for item in list(self._waiting):
                if item.key == first.key and size + len(item.inputs) <= self._most:
                    self._waiting.remove(item)
                    batch.append(item)
                    size += len(item.inputs)
        for item in batch:
            item.begun = True
        return batch

    async def _do(self, items: list[_Item]) -> None:
        try:
            results = await self._called(items)
        except Exception as error:
            if len(items) > 1:  # one of them may be at fault: the others shall not suffer from it
                for item in items:
                    if not item.future.done():
                        await self._do([item])
            else:
                _fail(items[0], error)
        else:
            start = 0
            for item in items:
                if not item.future.done():
                    item.future.set_result(results[start : start + len(item.inputs)])
                start += len(item.inputs)

    async def _called(self, items: list[_Item]) -> list[Any]:
        inputs = [value for item in items for value in item.inputs]
        start = time.perf_counter()
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._pool, items[0].call, inputs)
        finally:
            self.calls += 1
            self.inputs += len(inputs)
            self.busy_seconds += time.perf_counter() - start
        if len(results) != len(inputs):
            raise RuntimeError(f"{len(results)} results for {len(inputs)} inputs")
        return list(results)


def _fail(item: _Item, error: Exception) -> None:
    if not item.future.done():
        item.future.set_exception(error)
