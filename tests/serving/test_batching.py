"""Requests at the same time: decoded together, given to whom they belong, bounded, cancelled, stopped."""

import asyncio
import random
import threading

import pytest

from t2tlite.serving.batching import Batcher
from t2tlite.serving.refusal import Refusal


async def ask(client, text, path="shout", **options):
    body = {"inputs": [text] if isinstance(text, str) else text, "options": options}
    async with client.post(f"/api/predict/{path}", json=body) as response:
        return response.status, await response.json()


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


async def held(fake, client, service):
    """Gets the model busy with a request that lasts until the gate is opened."""
    fake.gate.clear()
    first = asyncio.create_task(ask(client, "first"))
    await until(fake.begun.is_set)
    return first


def test_what_comes_while_the_model_is_busy_is_decoded_together(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        others = [asyncio.create_task(ask(client, [f"a{i}", f"b{i}"])) for i in range(10)]
        await until(lambda: service.batcher.waiting == 10)
        fake.gate.set()
        assert (await first)[1]["predictions"][0]["text"] == "shout: FIRST"
        for i, (status, answer) in enumerate(await asyncio.gather(*others)):
            texts = [one["text"] for one in answer["predictions"]]
            assert status == 200 and texts == [f"shout: A{i}", f"shout: B{i}"]
        assert [len(inputs) for _, inputs, _ in fake.calls] == [1, 20]

    serving(fake, scenario)


def test_only_what_has_the_same_problem_and_options_meets(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        requests = [({"beam_size": 2}, "a"), ({}, "b"), ({"beam_size": 2}, "c"), ({"beam_size": 4}, "d")]
        others = []
        for number, (options, text) in enumerate(requests):
            others.append(asyncio.create_task(ask(client, text, **options)))
            await until(lambda number=number: service.batcher.waiting == number + 1)
        fake.gate.set()
        await asyncio.gather(first, *others)
        together = [(sorted(inputs), options.beam_size) for _, inputs, options in fake.calls[1:]]
        assert together == [(["a", "c"], 2), (["b", "d"], 4)]  # 4 is the default

    serving(fake, scenario)


def test_an_input_keeps_its_number_since_samples_depend_on_it(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        requests = ["a", "b"], ["c"], ["d", "e", "f"]
        others = []
        for number, inputs in enumerate(requests):
            others.append(asyncio.create_task(ask(client, inputs, temperature=1.0)))
            await until(lambda number=number: service.batcher.waiting == number + 1)
        fake.gate.set()
        await asyncio.gather(first, *others)
        assert fake.calls[-1][1] == list("abcdef") and fake.rows == [0, 1, 0, 0, 1, 2]

    serving(fake, scenario)


def test_one_bad_request_does_not_harm_those_decoded_with_it(fake, serving, capsys):
    async def scenario(client, service):
        first = await held(fake, client, service)
        others = [asyncio.create_task(ask(client, text)) for text in ("a", "worse", "c")]
        await until(lambda: service.batcher.waiting == 3)
        fake.gate.set()
        await first
        answers = await asyncio.gather(*others)
        assert [status for status, _ in answers] == [200, 500, 200]
        assert answers[2][1]["predictions"][0]["text"] == "shout: C"

    serving(fake, scenario)


def test_a_full_queue_says_when_to_come_again(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        others = [asyncio.create_task(ask(client, "x")) for _ in range(3)]
        await until(lambda: service.batcher.waiting == 3)
        async with client.post("/api/predict/shout", json={"inputs": ["late"]}) as response:
            assert response.status == 503 and 1 <= int(response.headers["Retry-After"]) <= 60
            assert await response.json() == {"error": "4 requests are waiting already; try again later"}
        async with client.get("/health") as response:  # is answered all the same
            assert response.status == 200
        fake.gate.set()
        assert all(status == 200 for status, _ in await asyncio.gather(first, *others))
        assert (await ask(client, "later"))[0] == 200

    serving(fake, scenario, waiting=4)


def test_what_takes_too_long(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        async with client.post("/api/predict/shout", json={"inputs": ["waits"]}) as response:
            assert response.status == 503 and "Retry-After" in response.headers
            answer = await response.json()
            assert answer == {"error": "the model was busy with other requests for 0.3 seconds"}
        status, answer = await first
        assert status == 504 and answer["error"].startswith("this took longer than 0.3 seconds")
        fake.gate.set()
        assert (await ask(client, "again"))[0] == 200
        assert [inputs for _, inputs, _ in fake.calls] == [["first"], ["again"]]

    serving(fake, scenario, timeout_seconds=0.3)


def test_a_body_that_trickles_in_gives_its_place_back(fake, serving):
    async def scenario(client, service):
        async def slow():
            for _ in range(100):
                yield b"a"
                await asyncio.sleep(0.05)

        headers = {"Content-Type": "text/plain"}
        async with client.post("/api/predict/shout", data=slow(), headers=headers) as response:
            assert response.status == 408 and "did not arrive" in (await response.json())["error"]
        assert service.figures()["inside"] == 0

    serving(fake, scenario, timeout_seconds=0.2)


def test_a_client_that_has_gone_costs_no_decoding(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        gone = asyncio.create_task(ask(client, "gone"))
        stays = asyncio.create_task(ask(client, "stays"))
        await until(lambda: service.batcher.waiting == 2)
        gone.cancel()
        await until(lambda: service.batcher.waiting == 1)
        fake.gate.set()
        await asyncio.gather(first, stays)
        assert [inputs for _, inputs, _ in fake.calls] == [["first"], ["stays"]]
        assert service.figures()["inside"] == 0

    serving(fake, scenario)


def test_stopping_finishes_what_runs_and_refuses_what_waits(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        waits = asyncio.create_task(ask(client, "waits"))
        await until(lambda: service.batcher.waiting == 1)
        stopping = asyncio.create_task(service.stop(10))
        assert await waits == (503, {"error": "the server is stopping"})
        assert await ask(client, "late") == (503, {"error": "the server is stopping"})
        fake.gate.set()
        assert await stopping
        assert (await first)[0] == 200

    serving(fake, scenario)


def test_stopping_is_told_before_anything_is_read_or_queued(fake, serving):
    """Although all places are taken, and although there is nothing in the body."""

    async def scenario(client, service):
        first = await held(fake, client, service)
        stopping = asyncio.create_task(service.stop(10))
        await until(lambda: service.state == "stopping")
        async with client.post("/api/predict/shout", data=b"no JSON") as response:
            assert response.status == 503 and "Retry-After" not in response.headers
            assert await response.json() == {"error": "the server is stopping"}
        fake.gate.set()
        assert await stopping and (await first)[0] == 200

    serving(fake, scenario, waiting=1)


def test_stopping_does_not_wait_for_ever(fake, serving):
    async def scenario(client, service):
        first = await held(fake, client, service)
        assert not await service.stop(0.05)
        assert await first == (503, {"error": "the server is stopping"})

    serving(fake, scenario)


@pytest.mark.parametrize("seed", range(3))
def test_everybody_gets_what_belongs_to_them(fake, serving, seed):
    """Random requests at random times, some given up: results are those of the request alone."""
    draw = random.Random(seed)

    async def scenario(client, service):
        async def one(number):
            await asyncio.sleep(draw.random() / 20)
            inputs = [f"{number}-{i}" for i in range(draw.randint(1, 9))]
            task = asyncio.create_task(ask(client, inputs, beam_size=draw.choice([1, 4])))
            if draw.random() < 0.2:
                await asyncio.sleep(draw.random() / 50)
                task.cancel()
                return
            status, answer = await task
            assert status == 200
            assert [p["text"] for p in answer["predictions"]] == [f"shout: {text}" for text in inputs]

        await asyncio.gather(*(one(number) for number in range(60)))
        await until(lambda: not service.batcher.busy)
        assert service.batcher.waiting == 0 and service.figures()["inside"] == 0
        assert all(len(inputs) <= 32 for _, inputs, _ in fake.calls)

    serving(fake, scenario)


def test_a_call_that_loses_a_result_is_a_fault():
    async def scenario():
        batcher = Batcher()
        with pytest.raises(RuntimeError, match="1 results for 2 inputs"):
            await batcher.submit("key", ["a", "b"], lambda inputs: ["one"])
        assert await batcher.submit("key", ["a"], list) == ["a"]
        assert await batcher.stop(1)
        with pytest.raises(Refusal, match="stopping"):
            await batcher.submit("key", ["a"], list)

    asyncio.run(scenario())


def test_the_first_to_come_is_the_next_and_large_ones_do_not_wait_for_ever():
    async def scenario():
        batcher = Batcher(most=4)
        calls = []

        def call(inputs):
            calls.append(list(inputs))
            return inputs

        sizes = [3, 2, 1, 6, 1, 4]
        requests = [[number] * size for number, size in enumerate(sizes)]
        answers = await asyncio.gather(*(batcher.submit("same", request, call) for request in requests))
        assert answers == requests
        assert calls == [[0, 0, 0, 2], [1, 1, 4], [3] * 6, [5] * 4]
        await batcher.stop(1)

    asyncio.run(scenario())


def test_several_calls_at_a_time():
    async def scenario():
        batcher = Batcher()
        batcher.widen(3)
        batcher.widen(2)
        assert batcher.threads == 3
        all_there = threading.Barrier(3, timeout=60)

        def call(inputs):
            all_there.wait()
            return inputs

        answers = await asyncio.gather(*(batcher.submit(key, [key], call) for key in "abc"))
        assert answers == [["a"], ["b"], ["c"]] and batcher.calls == 3
        assert await batcher.stop(1)

    asyncio.run(scenario())


def test_threads_end_with_what_they_do():
    """Of two calls one ends in time and one doesn't; both are told."""

    async def scenario():
        batcher = Batcher()
        batcher.widen(2)
        gate, begun = threading.Event(), threading.Barrier(3, timeout=60)

        def quick(inputs):
            begun.wait()
            return inputs

        def slow(inputs):
            begun.wait()
            gate.wait()
            return inputs

        tasks = [asyncio.create_task(batcher.submit(None, ["a"], call)) for call in (quick, slow)]
        await asyncio.to_thread(begun.wait)
        assert await tasks[0] == ["a"]
        assert not await batcher.stop(0)
        with pytest.raises(Refusal, match="stopping"):
            await tasks[1]
        gate.set()

    asyncio.run(scenario())
