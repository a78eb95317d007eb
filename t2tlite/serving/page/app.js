// The page: chooses a problem, takes an input, asks the server, shows what it said.

import { ask, health, problems } from "./api.js";
import { map } from "./attention.js";
import { byId, make } from "./dom.js";
import { isFile, isNamed, namedFields } from "./named.js";
import { fields } from "./options.js";
import { possible, record } from "./recorder.js";
import { problem as wrong, shown } from "./results.js";
import { fromBuffer } from "./wav.js";

const READABLE = /^audio\/(x-)?(wav|wave|flac|ogg|mpeg|mp3|aiff)$/; // other sounds are converted here
const WORDS = { text: "text", image: "picture", audio: "sound", label: "class" };
const POLL = 1000; // milliseconds between two looks at a model that is not ready

const page = { problems: new Map(), limits: null, options: null, file: null, named: null, recording: null, running: null };

const words = (inputs) => (isNamed(inputs) ? Object.values(inputs) : [inputs]).map((kind) => WORDS[kind] ?? kind).join(" and ");

/** What is asked for: the problem, or its inputs with the outputs of another, "a>b". */
function current() {
  const reads = page.problems.get(byId("problem").value);
  const writes = page.problems.get(byId("writes").value) ?? reads;
  return reads && { name: reads === writes ? reads.name : `${reads.name}>${writes.name}`, inputs: reads.inputs, targets: writes.targets };
}

const show = (...elements) => byId("result").replaceChildren(...elements);

async function start() {
  let isSetUp = false;
  for (;;) {
    const state = await health();
    if (!isSetUp && ["warming", "ready"].includes(state)) {
      try {
        setUp(await problems());
        isSetUp = true;
      } catch (error) {
        show(wrong(error.message));
      }
    }
    byId("state").textContent = state === "ready" ? "ready" : `${state} …`;
    if (isSetUp && state === "ready") return;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

function setUp(served) {
  byId("run").textContent = served.run;
  page.limits = served.limits;
  page.problems = new Map(served.problems.map((one) => [one.name, one]));
  const choice = byId("problem");
  choice.replaceChildren(
    ...served.problems.map((one) =>
      make("option", { value: one.name }, `${one.name} — ${words(one.inputs)} to ${WORDS[one.targets] ?? one.targets}`),
    ),
  );
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (page.problems.has(wanted)) choice.value = wanted;
  page.options = fields(served.options);
  byId("options").replaceChildren(...page.options.elements);
  byId("writes").replaceChildren(...served.problems.map((one) => make("option", { value: one.name }, one.name)));
  choice.disabled = byId("go").disabled = false;
  choose();
}

/** Shows the fields for what the chosen problem reads. */
function choose() {
  byId("writes").value = byId("problem").value;
  const { name, inputs } = current();
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  const named = isNamed(inputs);
  byId("for-named").hidden = !named;
  byId("for-text").hidden = named || isFile(inputs);
  byId("for-file").hidden = !isFile(inputs);
  page.named = named ? namedFields(inputs, readable) : null;
  byId("for-named").replaceChildren(...(page.named?.elements ?? []));
  chooseWrites();
  byId("record").hidden = inputs !== "audio" || !possible();
  byId("file").accept = inputs === "image" ? "image/*" : "audio/*";
  byId("drop-hint").textContent =
    inputs === "image" ? "Drop a picture here, paste one, or" : "Drop a sound here, or";
  if (page.file && page.file.kind !== inputs) takeNothing();
}

function chooseWrites() {
  byId("options").hidden = byId("reset").hidden = current().targets !== "text"; // classes are not searched for
}

function takeNothing() {
  if (page.file) URL.revokeObjectURL(page.file.url);
  page.file = null;
  byId("preview").hidden = true;
  byId("preview").replaceChildren();
}

/** Takes a picture or a sound; a sound of a kind that the server can't read is made a WAV. */
async function take(blob, name) {
  const kind = current()?.inputs;
  if (!blob || !isFile(kind)) return;
  try {
    blob = await readable(blob, name, kind);
  } catch (error) {
    show(wrong(error.message));
    return;
  }
  takeNothing();
  const url = URL.createObjectURL(blob);
  page.file = { blob, kind, url };
  const seen = kind === "image" ? make("img", { src: url, alt: `the picture ${name}` }) : make("audio", { src: url, controls: true });
  byId("preview").replaceChildren(seen, make("figcaption", {}, name));
  byId("preview").hidden = false;
  await run();
}

/** The file as the server can read it. */
async function readable(blob, name, kind) {
  if (!blob.type.startsWith(`${kind}/`) && blob.type) throw new Error(`${name} is no ${WORDS[kind]}`);
  if (kind === "audio" && !READABLE.test(blob.type)) blob = await converted(blob, name);
  const most = page.limits.request_bytes;
  if (blob.size > most) throw new Error(`${name} is larger than ${(most / 2 ** 20).toFixed(0)} MB`);
  return blob;
}

async function converted(blob, name) {
  const context = new AudioContext();
  try {
    return await fromBuffer(await context.decodeAudioData(await blob.arrayBuffer()));
  } catch {
    throw new Error(`${name} is no sound that this browser can read`);
  } finally {
    await context.close();
  }
}

async function run() {
  const { name, inputs, targets } = current();
  const named = isNamed(inputs);
  const input = named ? page.named.values() : isFile(inputs) ? page.file?.blob : byId("text").value;
  if (!input || (inputs === "text" && !input.trim())) {
    show(wrong(inputs === "text" ? "Type a text first." : `Choose a ${WORDS[inputs]} first.`));
    return;
  }
  page.running?.abort();
  const mine = (page.running = new AbortController());
  const options = targets === "text" ? page.options.changed() : {};
  byId("result").setAttribute("aria-busy", "true");
  try {
    const answer = await ask("predict", name, input, options, mine.signal);
    const [prediction] = answer.predictions;
    show(...shown(prediction, answer.seconds));
    if (targets === "text" && !prediction.error && prediction.text) {
      byId("result").append(seeing(name, input, prediction.text, mine.signal));
    }
  } catch (error) {
    if (error.name !== "AbortError") show(wrong(error.message));
  } finally {
    if (page.running === mine) byId("result").setAttribute("aria-busy", "false");
  }
}

/** A part that asks for the attention once it is opened. */
function seeing(name, input, output, signal) {
  const part = make("details", { id: "seeing" }, make("summary", {}, "Attention"));
  part.addEventListener("toggle", async () => {
    if (!part.open || part.childElementCount > 1) return;
    const place = make("div", {}, make("p", { class: "hint" }, "looking …"));
    part.append(place);
    try {
      place.replaceChildren(await map(await ask("attention", name, input, {}, signal, output)));
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren(wrong(error.message));
    }
  });
  return part;
}

async function toggleRecording() {
  const button = byId("record");
  if (page.recording) {
    page.recording.stop();
    return;
  }
  try {
    button.disabled = true;
    const status = byId("recording");
    page.recording = await record(page.limits.sound_seconds, (seconds) => {
      status.textContent = `recording, ${seconds.toFixed(1)} s`;
    });
    button.textContent = "Stop";
    button.classList.add("on");
    button.disabled = false;
    const sound = await page.recording.done;
    status.textContent = "";
    await take(sound, "recording");
  } catch (error) {
    show(wrong(error.name === "NotAllowedError" ? "The browser may not use the microphone." : error.message));
  } finally {
    page.recording = null;
    button.textContent = "Record";
    button.classList.remove("on");
    button.disabled = false;
    byId("recording").textContent = "";
  }
}

function listen() {
  byId("problem").addEventListener("change", choose);
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  byId("writes").addEventListener("change", chooseWrites);
  byId("reset").addEventListener("click", () => page.options?.reset());
  byId("record").addEventListener("click", toggleRecording);
  byId("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    take(file, file?.name);
    target.value = ""; // so that the same file can be chosen again
  });
  const drop = byId("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    take(file, file?.name);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    take(file, file?.name ?? "pasted");
  });
}

listen();
start();
