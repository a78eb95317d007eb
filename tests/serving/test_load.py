"""More clients than places for some seconds: all are answered or refused clearly, and memory stays."""

import asyncio
import gc
import pathlib
import re
import time

import aiohttp
import pytest

SECONDS = 2.0


def memory():
    """Megabytes of this process."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_many_clients_for_some_seconds(fake, serving):
    predict = fake.predict

    def slow(problem, inputs, **more):
        time.sleep(0.005)
        predictions = predict(problem, inputs, **more)
        fake.calls.clear()  # it shall not be the test that grows
        return predictions

    fake.predict = slow

    async def scenario(client, service):
        statuses = {}
        session = aiohttp.ClientSession(client.make_url("/"))  # `client` itself keeps every answer

        async def one(number, seconds):
            end, sent = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                sent += 1
                text = f"{number} {sent} " + "x" * 5000
                async with session.post("/api/predict/shout", json={"inputs": [text]}) as response:
                    answer = await response.json()
                    statuses[response.status] = statuses.get(response.status, 0) + 1
                if response.status == 200:
                    assert answer["predictions"][0]["text"] == f"shout: {text.upper()}"
                else:
                    assert response.status == 503 and "are waiting already" in answer["error"]
                    assert int(response.headers["Retry-After"]) >= 1
                    await asyncio.sleep(0.01)

        async def many(seconds):
            await asyncio.gather(*(one(number, seconds) for number in range(32)))
            gc.collect()
            return memory()

        async with session:
            before = await many(SECONDS / 4)
            after = await many(SECONDS)
        assert set(statuses) == {200, 503} and statuses[200] > 100
        assert after - before < 20
        assert service.figures()["inside"] == 0 and service.batcher.waiting == 0

    serving(fake, scenario, waiting=16)
