"""A headless Chromium, driven by its DevTools protocol over a WebSocket."""

import asyncio
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # in containers there is none, and only our own page is shown
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",  # and may be used
)
_PATIENCE = 60  # seconds; only what hangs takes so long


def find() -> str | None:
    """The program of a Chromium, or None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """The browser, or with a `session` a tab of it. `problems` are the errors that its page met."""

    def __init__(self, socket, session):
        self._socket, self.session = socket, session
        self._answers: dict[int, asyncio.Future] = {}
        self._last = 0
        self.problems: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def call(self, method, **params):
        self._last += 1
        self._answers[self._last] = answer = asyncio.get_running_loop().create_future()
        message = {"id": self._last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        await self._socket.send_str(json.dumps(message))
        return await asyncio.wait_for(answer, _PATIENCE)

    async def run(self, script):
        """The value of a JavaScript expression; a promise is waited for."""
        arguments = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = await self.call("Runtime.evaluate", **arguments)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", {}).get("description", answer))
        return answer["result"].get("value")

    async def until(self, script):
        """Waits until an expression is true."""
        async with asyncio.timeout(_PATIENCE):
            while not await self.run(f"Boolean({script})"):  # an element itself would come as {}
                await asyncio.sleep(0.03)

    async def click(self, selector):
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def type(self, selector, text):
        """Types into a field that is emptied first."""
        await self.run(
            f"(e => {{ e.focus(); e.value = ''; }})(document.querySelector({json.dumps(selector)}))"
        )
        await self.call("Input.insertText", text=text)

    async def choose(self, selector, value):
        """Chooses an entry of a list, as a person's click does."""
        await self.run(
            f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('change')); }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )

    async def files(self, selector, *paths):
        """Chooses files in a file field."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    async def drop(self, selector, path):
        """Drags a file from outside onto an element and drops it there."""
        box = await self.run(
            f"(b => [b.x + b.width / 2, b.y + b.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await self.call("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)

    async def screenshot(self, path):
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(answer["data"]))

    async def size(self, width, height, phone=False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)

    async def scheme(self, name):
        """Light or dark, as the system's setting would say."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def _read(self):
        async for message in self._socket:
            content = json.loads(message.data)
            if "id" in content:
                answer = self._answers.pop(content["id"], None)
                if answer and not answer.done():
                    if "error" in content:
                        answer.set_exception(AssertionError(content["error"]["message"]))
                    else:
                        answer.set_result(content["result"])
            elif content.get("method") == "Runtime.exceptionThrown":
                self.problems.append(str(content["params"]["exceptionDetails"]))
            elif content.get("method") == "Log.entryAdded" and content["params"]["entry"]["level"] == "error":
                self.problems.append(content["params"]["entry"]["text"])


@contextlib.asynccontextmanager
async def tab(address: str):
    """A tab that shows the page at an address, in a browser of its own."""
    async with contextlib.AsyncExitStack() as opened:
        profile = opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        session = await opened.enter_async_context(aiohttp.ClientSession())
        command = [find(), *_SWITCHES, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, start_new_session=True, **quiet)
        opened.callback(_end, process)
        place = pathlib.Path(profile) / "DevToolsActivePort"
        async with asyncio.timeout(_PATIENCE):
            while not place.exists() or len(place.read_text().splitlines()) < 2:
                assert process.poll() is None, "the browser has ended"
                await asyncio.sleep(0.05)
        port, path = place.read_text().splitlines()
        socket = await session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0)
        yield await _opened(socket, address)


def _end(process):
    os.killpg(process.pid, signal.SIGKILL)  # its helpers, too
    process.wait()


async def _opened(socket, address) -> Tab:
    browser = Tab(socket, None)
    target = await browser.call("Target.createTarget", url="about:blank")
    answer = await browser.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    browser.session = answer["sessionId"]
    for domain in ("Runtime", "Log", "Page", "DOM"):
        await browser.call(f"{domain}.enable")
    await browser.call("Page.navigate", url=address)
    return browser
