// Showing what the model said: the best output, a tree, the other hypotheses, bars of classes.

import { make } from "./dom.js";
import { parse, picture } from "./tree.js";

const percent = (p) => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`;
const number = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1"));

function bar(share) {
  const element = make("span", { class: "bar" });
  element.style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`;
  return element;
}

function rows(head, body) {
  const cell = (tag) => ([content, kind]) =>
    make(tag, { class: kind, ...(tag === "th" ? { scope: "col" } : {}) }, content);
  return make(
    "div",
    { class: "scroll" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...head.map(cell("th")))),
      make("tbody", {}, ...body.map((row) => make("tr", {}, ...row.map(cell("td"))))),
    ),
  );
}

function classes(probabilities) {
  return rows(
    [["class"], ["prob.", "number"], [""]],
    probabilities.map((one) => [[one.class, "text"], [percent(one.probability), "number"], [bar(one.probability), "bars"]]),
  );
}

/** A table of hypotheses: text, probability of the whole, log-probability and score. */
function hypotheses(beams) {
  const body = beams.map((beam, i) => [
    [String(i + 1), "number"],
    [beam.text, "text"],
    [beam.log_probability === null ? "–" : percent(Math.exp(beam.log_probability)), "number"],
    [number(beam.log_probability), "number"],
    [number(beam.score, 3), "number"],
  ]);
  const head = [["", "number"], ["output"], ["prob.", "number"], ["log-prob.", "number"], ["score", "number"]];
  return [make("h2", {}, "Hypotheses"), rows(head, body)];
}

function copying(text) {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
  });
  return button;
}

/** The elements that show one prediction. */
export function shown(prediction, seconds) {
  if (prediction.error) return [problem(prediction.error)];
  const best = prediction.text;
  const tree = parse(best);
  const elements = [make("p", { class: "best", id: "best" }, best || "(an empty output)")];
  const facts = [`${(1000 * seconds).toFixed(0)} ms`];
  if (!prediction.probabilities.length && prediction.log_probability !== null) {
    facts.push(`log-probability ${number(prediction.log_probability)}`);
  }
  elements.push(make("p", { class: "hint", id: "time" }, facts.join(" · ")));
  if (navigator.clipboard && best) elements.push(copying(best));
  if (tree) elements.push(make("h2", {}, "Tree"), make("div", { class: "scroll", tabindex: "0" }, picture(tree, `the tree ${best}`)));
  if (prediction.probabilities.length) elements.push(classes(prediction.probabilities));
  if (prediction.beams.length > 1) elements.push(...hypotheses(prediction.beams));
  return elements;
}

/** What to show of something that went wrong. */
export function problem(message) {
  return make("p", { class: "error", role: "alert" }, message);
}
