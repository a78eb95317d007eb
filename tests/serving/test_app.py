"""The HTTP side with a predictor that answers at once: answers, limits, errors, headers."""

import asyncio
import gzip
import json

import pytest

from t2tlite.serving.app import App
from t2tlite.serving.hosts import Hosts
from t2tlite.serving.service import Limits, Service


async def post(client, path, **request):
    async with client.post(path, **request) as response:
        return response.status, await response.json()


def test_text_by_json_with_beams(fake, serving):
    async def scenario(client, service):
        status, answer = await post(client, "/api/predict/shout", json={"inputs": ["hi", "bad", ""]})
        assert status == 200 and answer["problem"] == "shout" and 0 <= answer["seconds"] < 5
        first, second, third = answer["predictions"]
        assert first == {
            "text": "shout: HI",
            "log_probability": -1.5,
            "probabilities": [],
            "beams": [
                {"text": "HI", "log_probability": -1.5, "score": -1.25},
                {"text": "hi", "log_probability": None, "score": None},
            ],
            "error": "",
        }
        assert (second["text"], second["error"]) == ("", "can't read it")
        assert third["text"] == "shout: "

    serving(fake, scenario)


def test_bodies_as_they_are(fake, serving, picture, sound):
    async def scenario(client, service):
        for path, content, kind in (
            ("shout", "größer 🎉".encode(), "text/plain; charset=utf-8"),
            ("caption", picture, "image/png"),
            ("caption", picture, "application/octet-stream"),
            ("spoken", sound(), "audio/wav"),
            ("classify", picture, "image/jpeg"),
        ):
            status, answer = await post(
                client, f"/api/predict/{path}", data=content, headers={"Content-Type": kind}
            )
            assert status == 200, answer
        assert [call[:2] for call in fake.calls] == [
            ("shout", ["größer 🎉"]),
            ("caption", [picture]),
            ("caption", [picture]),
            ("spoken", [sound()]),
            ("classify", [picture]),
        ]
        assert answer["predictions"][0]["probabilities"] == [
            {"class": "cat", "probability": 0.9},
            {"class": "dog", "probability": 0.1},
        ]

    serving(fake, scenario)


def test_files_as_base64(fake, serving, picture, base64_of):
    async def scenario(client, service):
        encoded = base64_of(picture)
        inputs = [encoded, f"data:image/png;base64,{encoded}"]
        assert (await post(client, "/api/predict/caption", json={"inputs": inputs}))[0] == 200
        assert fake.calls[0][1] == [picture, picture]

    serving(fake, scenario)


def test_options_from_the_body_and_from_the_address(fake, serving):
    async def scenario(client, service):
        body = {"inputs": ["a"], "options": {"beam_size": 8, "alpha": 1, "decode_length": None}}
        assert (await post(client, "/api/predict/shout", json=body))[0] == 200
        path = "/api/predict/shout?beam_size=2&constrain=false"
        request = {"data": b"a", "headers": {"Content-Type": "text/plain"}}
        assert (await post(client, path, **request))[0] == 200
        first, second = (options for _, _, options in fake.calls)
        base = fake.options.replace(return_beams=True)
        assert first == base.replace(beam_size=8, alpha=1.0)
        assert second == base.replace(beam_size=2, constrain=False)

    serving(fake, scenario)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"beam_size": 17}, "beam_size must be between 1 and 16; received 17"),
        ({"beam_size": 0}, "beam_size must be between 1 and 16; received 0"),
        ({"beam_size": "4"}, "beam_size must be an integer; received '4'"),
        ({"beam_size": True}, "beam_size must be an integer; received True"),
        ({"decode_length": 100000}, "decode_length must be between 1 and 1024; received 100000"),
        ({"num_samples": 99, "temperature": 1.0}, "num_samples must be between 1 and 16"),
        ({"batch_size": 1000}, "option `batch_size` can't be set"),
        ({"beam": 4}, "option `beam` can't be set; did you mean `beam_size`"),
        ({"min_length": 9, "decode_length": 5}, "min_length=9 does not fit into decode_length=5"),
        ({"top_k": 3}, "temperature"),
        ([], "options must be a JSON object"),
    ],
)
def test_options_out_of_bounds(fake, serving, options, message):
    async def scenario(client, service):
        status, answer = await post(client, "/api/predict/shout", json={"inputs": ["a"], "options": options})
        assert status == 400 and message in answer["error"] and "\n" not in answer["error"]
        assert not fake.calls

    serving(fake, scenario)


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not UTF-8 at byte 0"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"a":' * 100_000, "the body is not JSON"),
        (b'{"inputs": [' + b"1" * 5000 + b"]}", "the body is not JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "inputs must be a list of one or more strings"),
        (b'{"inputs": []}', "inputs must be a list"),
        (b'{"inputs": "a"}', "inputs must be a list"),
        (b'{"inputs": ["a", 1]}', "inputs[1] must be a string; received int"),
        (b'{"input": ["a"]}', "unknown key `input`; did you mean `inputs`?"),
        (b'{"inputs": ["a"], "output": "b"}', "unknown key `output`"),
        (json.dumps({"inputs": ["a"] * 65}).encode(), "received 65 inputs; at most 64"),
        (json.dumps({"inputs": ["a" * 10001]}).encode(), "inputs[0] has 10001 characters; at most 10000"),
    ],
)
def test_bodies_that_are_refused(fake, serving, body, message):
    async def scenario(client, service):
        headers = {"Content-Type": "application/json"}
        status, answer = await post(client, "/api/predict/shout", data=body, headers=headers)
        assert status == 400 and message in answer["error"] and "\n" not in answer["error"]
        assert not fake.calls

    serving(fake, scenario)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ["a"] * 64},
        {"inputs": ["a" * 10_000]},
        {"inputs": ["a"], "options": {"beam_size": 16, "alpha": 4.0, "decode_length": 1024}},
        {"inputs": ["a"], "options": {"decode_length": 1024, "min_length": 1024}},
        {"inputs": ["a"], "options": {"beam_size": 1, "alpha": 0, "decode_length": 1, "min_length": 0}},
        {"inputs": ["a"], "options": {"temperature": 4, "num_samples": 16, "top_p": 1, "seed": 2**31 - 1}},
    ],
)
def test_what_is_just_within_the_bounds_is_answered(fake, serving, body):
    async def scenario(client, service):
        status, answer = await post(client, "/api/predict/shout", json=body)
        assert status == 200, answer
        assert len(answer["predictions"]) == len(body["inputs"])

    serving(fake, scenario)


def test_a_body_as_large_as_the_limit_is_read(fake, serving):
    async def chunks():
        for _ in range(8):
            yield b"a" * 128

    async def scenario(client, service):
        for content in (b"a" * 1024, chunks()):
            headers = {"Content-Type": "text/plain"}
            status, answer = await post(client, "/api/predict/shout", data=content, headers=headers)
            assert status == 200, answer
        assert [inputs for _, inputs, _ in fake.calls] == [["a" * 1024]] * 2

    serving(fake, scenario, request_bytes=1024)


def test_too_large_bodies_are_refused_also_when_they_do_not_say_so(fake, serving):
    async def chunks():
        for _ in range(40):
            yield b"a" * 100

    async def scenario(client, service):
        headers = {"Content-Type": "text/plain"}
        packed = {**headers, "Content-Encoding": "gzip"}
        for request in (
            {"data": b"a" * 1025, "headers": headers},
            {"data": chunks(), "headers": headers},
            {"data": gzip.compress(b"a" * 100_000), "headers": packed},
        ):
            status, answer = await post(client, "/api/predict/shout", **request)
            assert status == 413 and answer == {
                "error": "the body is larger than 0.000976562 MB (--max_request_mb)"
            }
        assert not fake.calls

    serving(fake, scenario, request_bytes=1024)


def test_other_kinds_of_bodies(fake, serving, picture):
    async def scenario(client, service):
        for path, kind, message in (
            ("shout", "image/png", "this problem reads text: send application/json, or text/plain as it is"),
            ("caption", "text/plain", "this problem reads image: send application/json, or image/* as it is"),
            ("spoken", "image/png", "reads audio"),
            ("shout", "application/octet-stream", "reads text"),
        ):
            headers = {"Content-Type": kind}
            status, answer = await post(client, f"/api/predict/{path}", data=picture, headers=headers)
            assert status == 415 and message in answer["error"]
        assert not fake.calls

    serving(fake, scenario)


def test_unknown_addresses_and_problems(fake, serving):
    async def scenario(client, service):
        json = {"inputs": ["a"]}
        assert await post(client, "/api/predict/shot", json=json) == (
            404,
            {"error": "the run here has no problem `shot`; did you mean `shout`?"},
        )
        status, answer = await post(client, "/api/predict/odd", json=json)
        assert status == 404 and "reads label" in answer["error"]
        assert await post(client, "/api/nothing/shout", json=json) == (
            404,
            {"error": "Not Found: POST /api/nothing/shout"},
        )
        async with client.get("/api/predict/shout") as response:
            assert response.status == 405 and "Method Not Allowed" in (await response.json())["error"]
        for path in ("/app.py", "/..%2fapp.py", "/%2e%2e/app.py", "/page/app.js", "/%00"):
            async with client.get(path) as response:
                assert response.status in (400, 404), path

    serving(fake, scenario)


def test_crossed_problems(fake, serving, picture):
    async def scenario(client, service):
        request = {"data": picture, "headers": {"Content-Type": "image/png"}}
        status, answer = await post(client, "/api/predict/caption%3Eshout", **request)
        assert status == 200 and answer["predictions"][0]["text"].startswith("caption>shout: ")
        status, answer = await post(client, "/api/predict/caption%3Enothing", **request)
        assert status == 404 and "no problem `nothing`" in answer["error"]

    serving(fake, scenario)


def test_a_fault_of_ours_is_told_without_its_inside(fake, serving, capsys):
    async def scenario(client, service):
        assert await post(client, "/api/predict/shout", json={"inputs": ["worse"]}) == (
            500,
            {"error": "internal error: ZeroDivisionError; the server's log has more"},
        )
        assert "a fault with a secret" in capsys.readouterr().err
        assert (await post(client, "/api/predict/shout", json={"inputs": ["fine"]}))[0] == 200

    serving(fake, scenario)


def test_what_there_is(fake, serving):
    async def scenario(client, service):
        async with client.get("/api/problems") as response:
            answer = await response.json()
        assert answer["run"] == "a run"
        shout, caption, *_ = answer["problems"]
        assert shout == {"name": "shout", "inputs": "text", "targets": "text", "command": "to_test"}
        assert caption["inputs"] == "image"
        options = {option["name"]: option for option in answer["options"]}
        assert "batch_size" not in options and "return_beams" not in options
        assert options["beam_size"] | {"help": ""} == {
            "name": "beam_size", "type": "integer", "default": 4, "least": 1, "most": 16, "help": "",
        }  # fmt: skip
        assert options["decode_length"]["default"] is None and options["constrain"]["type"] == "boolean"
        assert answer["limits"]["inputs"] == 64

    serving(fake, scenario)


def test_health_tells_when_it_is_ready(fake, serving):
    async def scenario(client, service):
        async def health():
            async with client.get("/health") as response:
                return response.status, (await response.json())["status"]

        assert await health() == (503, "loading")
        for path in ("/api/predict/shout", "/api/attention/shout"):
            async with client.post(path, json={"inputs": ["a"]}) as response:
                assert response.status == 503 and response.headers["Retry-After"] == "5"
                assert await response.json() == {"error": "the model is being loaded"}
        async with client.get("/api/problems") as response:
            assert response.status == 503
        fake.gate.clear()
        starting = asyncio.create_task(service.start())
        while service.state != "warming":
            await asyncio.sleep(0.01)
        assert await health() == (503, "warming")
        fake.gate.set()
        await starting
        assert await health() == (200, "ready")
        assert [problem for problem, *_ in fake.calls] == ["shout", "caption", "spoken", "classify"]

    serving(fake, scenario, ready=False)


def test_a_problem_that_fails_when_warmed_leaves_the_others(fake, serving, capsys):
    def fails(problem, inputs, **options):
        if problem == "shout":
            raise ZeroDivisionError("in one of them")
        return [fake._one(problem, value) for value in inputs]

    async def scenario(client, service):
        fake.predict = fails
        await service.start()
        assert service.state == "ready" and "in one of them" in capsys.readouterr().err

    serving(fake, scenario, ready=False)


def test_security_headers_are_on_everything(fake, serving):
    async def scenario(client, service):
        for path in ("/", "/app.js", "/style.css", "/health", "/nothing", "/api/problems"):
            async with client.get(path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy and "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"

    serving(fake, scenario)


def test_the_page_is_served_with_its_parts(fake, serving):
    async def scenario(client, service):
        async with client.get("/") as response:
            text = await response.text()
            assert response.status == 200 and response.content_type == "text/html"
            assert "http://" not in text and "https://" not in text  # nothing comes from elsewhere
        for name, kind in (
            ("app.js", "javascript"),
            ("style.css", "text/css"),
            ("icon.svg", "image/svg+xml"),
        ):
            async with client.get(f"/{name}") as response:
                assert response.status == 200 and kind in response.content_type

    serving(fake, scenario)


def test_other_sites_and_other_names(fake, serving):
    async def scenario(client, service):
        here = f"127.0.0.1:{client.port}"
        for headers, expected in (
            ({"Host": here, "Origin": f"http://{here}"}, 200),
            ({"Host": here, "Origin": "http://evil.example"}, 403),
            ({"Host": here, "Origin": "null"}, 403),
            ({"Host": "evil.example"}, 403),
            ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
            ({"Host": here, "Origin": "http://127.0.0.1:1"}, 403),
        ):
            status, answer = await post(client, "/api/predict/shout", json={"inputs": ["a"]}, headers=headers)
            assert status == expected, headers
            assert expected == 200 or "server" in answer["error"]
        assert len(fake.calls) == 1
        for path in ("/", "/api/metrics"):
            async with client.get(path, headers={"Host": "evil.example"}) as response:
                assert response.status == 403

    serving(fake, scenario)


def test_figures(fake, serving):
    async def scenario(client, service):
        await post(client, "/api/predict/shout", json={"inputs": ["a", "b"]})
        await post(client, "/api/predict/shout", json={"inputs": []})
        await post(client, "/api/predict/shout", json={"inputs": ["worse"]})
        async with client.get("/api/metrics") as response:
            answer = await response.json()
        counts = {name: answer[name] for name in ("requests", "answered", "refused", "failed", "inside")}
        assert counts == {"requests": 3, "answered": 1, "refused": 1, "failed": 1, "inside": 0}
        assert answer["calls"] == 2 and answer["inputs"] == 3 and answer["state"] == "ready"

    serving(fake, scenario)


def test_attention_is_shown_for_one_input(fake, serving):
    async def scenario(client, service):
        status, answer = await post(client, "/api/attention/shout", json={"inputs": ["a", "b"]})
        assert status == 400 and "for one input; received 2" in answer["error"]

    serving(fake, scenario)


def test_the_application_needs_no_running_model():
    async def scenario():
        service = Service(lambda: None, Limits())
        assert App(service, Hosts("127.0.0.1")).web is not None
        assert await service.stop(0)

    asyncio.run(scenario())
