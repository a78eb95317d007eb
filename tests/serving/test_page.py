"""The page in a real browser: text, pictures, sounds, a recording, what is shown, and what goes wrong."""

import asyncio
import contextlib
import io

import numpy as np
import pytest
import soundfile
from aiohttp import test_utils

from t2tlite.decoding.inspection.results import Attention, Positions
from t2tlite.decoding.prediction import Prediction
from t2tlite.errors import UserError
from t2tlite.serving.app import App
from t2tlite.serving.hosts import Hosts
from t2tlite.serving.service import Limits, Service

from . import browser
from .conftest import FakePredictor

pytestmark = pytest.mark.skipif(not browser.find(), reason="there is no Chromium here")
MARKUP = "<img src=x onerror=\"document.title='taken over'\"> & <b>bold</b>"
TREE = "(TOP (S (NP (DT the) (NN dog)) (VP (VBZ <b>))))"


class Echo(FakePredictor):
    """Writes what it reads, and attends to everything equally."""

    def _one(self, problem, value):
        prediction = super()._one(problem, value)
        if isinstance(value, str) and problem == "shout" and not prediction.error:
            return Prediction(value, -0.5, beams=prediction.beams)
        return prediction

    def attention(self, problem, value, output=None):
        if problem == "spoken":
            raise UserError("no attention for sounds")
        outputs = ("▁a", "</s>")
        if problem == "shout":
            inputs = Positions(3, units=("▁x", "<i>", "</s>"))
        else:
            inputs = Positions(4, grid=(2, 2), content=np.full((8, 8, 3), 0.5, np.float32))
        weights = np.full((2, 2, inputs.count), 1 / inputs.count, np.float32)
        return Attention(problem, output, outputs, inputs, {"mixer": weights, "decoder": weights}, {})


class Driven:
    """The page, its server and what the server heard; `run` drives a scenario."""

    def __init__(self, runner, tab, predictor):
        self._runner, self.tab, self.predictor = runner, tab, predictor

    def run(self, scenario):
        async def whole():
            self.predictor.calls.clear()
            await self.tab.call("Page.navigate", url=f"{self.tab.address}?{id(scenario)}")
            await self.tab.until("document.querySelector('#state')?.textContent == 'ready'")
            await scenario(self.tab)
            assert self.tab.problems == []

        self._runner.run(asyncio.wait_for(whole(), 100))


@pytest.fixture(scope="module")
def page():
    predictor = Echo()
    with asyncio.Runner() as runner:
        opened = contextlib.AsyncExitStack()

        async def start():
            service = Service(lambda: predictor, Limits())
            web = App(service, Hosts("127.0.0.1"), "a run").web
            server = await opened.enter_async_context(test_utils.TestServer(web))
            await service.start()
            opened.push_async_callback(service.stop, 1)
            tab = await opened.enter_async_context(browser.tab(str(server.make_url("/"))))
            tab.address = str(server.make_url("/"))
            return tab

        driven = Driven(runner, runner.run(start()), predictor)
        yield driven
        runner.run(opened.aclose())


async def result(tab):
    """Waits for an answer; what is shown of it."""
    await tab.until("document.querySelector('#result').ariaBusy == 'false'")
    return await tab.run("document.querySelector('#result').innerText")


async def say(tab, text):
    await tab.type("#text", text)
    await tab.run("document.querySelector('#result').replaceChildren()")
    await tab.click("#go")
    await tab.until("document.querySelector('#result').firstChild")
    return await result(tab)


def test_a_typed_text_and_its_hypotheses(page):
    async def scenario(tab):
        assert "größer 🎉" in await say(tab, "größer 🎉")
        assert await tab.run("document.querySelector('#best').textContent") == "größer 🎉"
        assert await tab.run("document.querySelectorAll('#result tbody tr').length") == 2
        assert "ms" in await tab.run("document.querySelector('#time').textContent")
        assert await tab.run("document.querySelector('#run').textContent") == "a run"
        [(problem, inputs, options)] = page.predictor.calls
        assert (problem, inputs, options.beam_size) == ("shout", ["größer 🎉"], 4)

    page.run(scenario)


def test_control_and_enter_run_as_well(page):
    async def scenario(tab):
        await tab.type("#text", "quick")
        for kind in ("keyDown", "keyUp"):
            await tab.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", modifiers=2)
        await tab.until("document.querySelector('#best')")
        assert [inputs for _, inputs, _ in page.predictor.calls] == [["quick"]]

    page.run(scenario)


def test_markup_stays_text_everywhere(page):
    async def scenario(tab):
        assert MARKUP in await say(tab, MARKUP)
        await tab.click("#seeing summary")
        await tab.until("document.querySelector('#attention')")
        assert "<i>" in await tab.run("document.querySelector('#attention').innerText")
        assert MARKUP not in await say(tab, "bad")
        assert await tab.run("document.querySelectorAll('#result img, #result b, #result i').length") == 0
        assert await tab.run("document.title") == "t2tlite"

    page.run(scenario)


def test_a_tree_is_drawn(page):
    async def scenario(tab):
        await say(tab, TREE)
        labels = await tab.run("[...document.querySelectorAll('svg.tree text')].map((e) => e.textContent)")
        assert sorted(labels) == sorted(["TOP", "S", "NP", "DT", "the", "NN", "dog", "VP", "VBZ", "<b>"])
        assert await tab.run("document.querySelectorAll('svg.tree path').length") == 9
        await say(tab, "(no tree")
        assert await tab.run("document.querySelector('svg.tree')") is None

    page.run(scenario)


def test_a_dropped_and_a_chosen_picture(page, picture, tmp_path):
    path = tmp_path / "a picture.png"
    path.write_bytes(picture)

    async def scenario(tab):
        await tab.choose("#problem", "caption")
        await tab.drop("#drop", path)
        await tab.until("document.querySelector('#seeing')")
        assert f"{len(picture)} BYTES" in await result(tab)
        assert await tab.run("document.querySelector('#preview img').naturalWidth") == 30
        assert [call[:2] for call in page.predictor.calls] == [("caption", [picture])]
        await tab.click("#seeing summary")
        await tab.until("document.querySelector('canvas')")
        await tab.click(".units button:nth-child(2)")
        assert await tab.run(
            "[...document.querySelectorAll('.units [aria-pressed=true]')].map((e) => e.innerText)"
        ) == ["</s>"]
        middle = "[...document.querySelector('canvas').getContext('2d').getImageData(100, 100, 1, 1).data]"
        assert await tab.run(middle) == [128, 128, 128, 255]  # all is lit equally

        await tab.choose("#problem", "classify")
        await tab.files("#file", path)
        await tab.until("document.querySelector('.bar')")
        assert [text.strip() for text in (await result(tab)).split("\n") if "%" in text] == [
            "cat\t90%",
            "dog\t10%",
        ]
        widths = await tab.run("[...document.querySelectorAll('.bar')].map((e) => e.style.width)")
        assert widths == ["90%", "10%"]

    page.run(scenario)


def test_a_pasted_picture(page, picture, base64_of):
    script = f"""(() => {{
      const bytes = Uint8Array.from(atob('{base64_of(picture)}'), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'pasted.png', {{ type: 'image/png' }}));
      document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data }}));
    }})()"""

    async def scenario(tab):
        await tab.choose("#problem", "caption")
        await tab.run(script)
        await tab.until("document.querySelector('#best')")
        assert [call[:2] for call in page.predictor.calls] == [("caption", [picture])]

    page.run(scenario)


def test_a_chosen_sound_goes_as_it_is(page, sound, tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(sound(0.3, format="FLAC"))

    async def scenario(tab):
        await tab.choose("#problem", "spoken")
        await tab.files("#file", path)
        await tab.until("document.querySelector('#best')")
        assert [call[:2] for call in page.predictor.calls] == [("spoken", [path.read_bytes()])]
        await tab.click("#seeing summary")
        await tab.until("document.querySelector('#seeing .error')")
        assert "no attention for sounds" in await result(tab)
        tab.problems.clear()  # the browser tells of an answer with status 400

    page.run(scenario)


def received_samples(page):
    [(problem, [content], _)] = page.predictor.calls
    assert problem == "spoken"
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        assert (file.samplerate, file.channels, file.subtype) == (16000, 1, "PCM_16")
        return file.read()


def test_a_sound_of_another_kind_is_made_a_wav(page, sound, base64_of):
    content = base64_of(sound(0.5, rate=44100, channels=2))
    script = f"""(() => {{
      const bytes = Uint8Array.from(atob('{content}'), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'a.odd', {{ type: 'audio/odd' }}));
      document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: data }}));
    }})()"""

    async def scenario(tab):
        await tab.choose("#problem", "spoken")
        await tab.run(script)
        await tab.until("document.querySelector('#best')")
        samples = received_samples(page)
        assert abs(len(samples) - 8000) <= 1
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        assert abs(spectrum.argmax() * 16000 / len(samples) - 440) < 4  # Hz
        assert 0.08 < np.abs(samples).max() < 0.12

    page.run(scenario)


def test_a_recording(page):
    async def scenario(tab):
        await tab.choose("#problem", "spoken")
        await tab.click("#record")
        await tab.until("parseFloat(document.querySelector('#recording').textContent.slice(10)) >= 1.2")
        await tab.click("#record")
        await tab.until("document.querySelector('#best')")
        samples = received_samples(page)
        assert 1.2 <= len(samples) / 16000 < 10
        assert np.abs(samples).max() > 0.05  # the beep of the browser's microphone
        assert await tab.run("document.querySelector('#record').textContent") == "Record"

    page.run(scenario)


def test_mistakes_and_faults_are_told_in_a_line(page, tmp_path, capfd):
    path = tmp_path / "notes.png"
    path.write_bytes(b"no picture at all")

    async def scenario(tab):
        alert = "document.querySelector('#result [role=alert]')?.textContent"
        assert await say(tab, "   ") == "Type a text first."
        assert await say(tab, "bad") == "can't read it"
        assert "internal error: ZeroDivisionError" in await say(tab, "worse")
        await tab.choose("#problem", "caption")
        await tab.click("#go")
        await tab.until(f"{alert} == 'Choose a picture first.'")
        await tab.files("#file", path)
        await tab.until(f"{alert}.startsWith('the body: not a picture that can be read here')")
        await tab.choose("#problem", "shout")
        await tab.run("document.querySelector('#option-beam_size').value = 99")
        assert await say(tab, "a") == "beam_size must be between 1 and 16; received 99"
        tab.problems.clear()  # the browser tells of answers with status 400 and 500

    page.run(scenario)
    capfd.readouterr()


def test_options_and_zero_shot(page):
    async def scenario(tab):
        for name, value in (("beam_size", 2), ("alpha", 0.75)):
            await tab.run(f"document.querySelector('#option-{name}').value = {value}")
        await tab.click("#option-constrain")
        await say(tab, "a")
        await tab.click("#reset")
        await say(tab, "a")
        await tab.choose("#writes", "classify")
        assert await tab.run("document.querySelector('#options').hidden")
        await say(tab, "a")
        (_, _, first), (_, _, second), (crossed, _, _) = page.predictor.calls
        assert (first.beam_size, first.alpha, first.constrain) == (2, 0.75, False)
        assert second == page.predictor.options.replace(return_beams=True)
        assert crossed == "shout>classify"

    page.run(scenario)


def test_it_fits_a_phone_in_light_and_dark(page):
    async def scenario(tab):
        await tab.size(360, 740, phone=True)
        try:
            await tab.click("#more summary")
            await say(tab, f"(S {TREE} {TREE} {TREE} {TREE})")
            assert await tab.run("document.documentElement.scrollWidth") <= 360
            colours = set()
            for scheme in ("light", "dark"):
                await tab.scheme(scheme)
                colours.add(await tab.run("getComputedStyle(document.body).backgroundColor"))
            assert len(colours) == 2
        finally:
            await tab.size(1200, 900)

    page.run(scenario)


def test_every_control_has_a_name(page):
    async def scenario(tab):
        nameless = """[...document.querySelectorAll('input, select, textarea, button')].filter((e) =>
          !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map((e) => e.outerHTML)"""
        await say(tab, "a")
        assert await tab.run(nameless) == []
        assert await tab.run("document.documentElement.lang") == "en"

    page.run(scenario)
