// The attention heat map: a table for text and sound, the picture itself under a light for images.

import { make } from "./dom.js";

const COLUMNS = 160; // of the table; more positions are joined, each column the sum of its positions
const SIDE = 384; // pixels of the picture that is shown

const readable = (unit) => unit.replaceAll("\u2581", " ");

/** Neighboring values summed, so that at most `most` remain: {values: rows, step}. */
export function joinedColumns(rows, most = COLUMNS) {
  const step = Math.ceil((rows[0]?.length ?? 1) / most);
  if (step === 1) return { rows, step };
  const sums = rows.map((row) => {
    const sum = new Array(Math.ceil(row.length / step)).fill(0);
    row.forEach((value, i) => { sum[Math.floor(i / step)] += value; });
    return sum;
  });
  return { rows: sums, step };
}

function heading(inputs, step, columns) {
  if (inputs.units && step === 1) return inputs.units.map(readable);
  if (inputs.seconds) {
    return Array.from({ length: columns }, (_, i) => (i % 8 === 0 ? `${inputs.seconds[i * step].toFixed(2)} s` : ""));
  }
  return Array.from({ length: columns }, (_, i) => (i % 8 === 0 ? String(i * step) : ""));
}

function table(outputs, inputs, weights) {
  const { rows, step } = joinedColumns(weights);
  const columns = rows[0]?.length ?? 0;
  const head = heading(inputs, step, columns).map((text) => make("th", { scope: "col" }, text));
  const body = rows.map((row, i) => {
    const most = Math.max(...row, 1e-9);
    const cells = row.map((value) => {
      const cell = make("td", { title: value.toFixed(3) });
      cell.style.setProperty("--weight", (value / most).toFixed(3));
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row" }, readable(outputs[i])), ...cells);
  });
  return make(
    "div",
    { class: "scroll", tabindex: "0" },
    make("table", { class: "heat" }, make("thead", {}, make("tr", {}, make("td"), ...head)), make("tbody", {}, ...body)),
  );
}

/** Draws the picture, dark where a unit's weights are small. */
function light(canvas, image, [height, width], weights) {
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, SIDE, SIDE);
  const most = Math.max(...weights, 1e-9);
  weights.forEach((weight, i) => {
    const x = i % width, y = Math.floor(i / width);
    context.fillStyle = `rgba(0, 0, 0, ${(0.85 * (1 - weight / most)).toFixed(3)})`;
    context.fillRect((x * SIDE) / width, (y * SIDE) / height, Math.ceil(SIDE / width), Math.ceil(SIDE / height));
  });
}

async function overlay(seen, weights) {
  const image = new Image();
  image.src = seen.picture;
  await image.decode();
  const canvas = make("canvas", { class: "overlay", width: SIDE, height: SIDE, role: "img" });
  const buttons = seen.outputs.map((unit, i) => make("button", { type: "button", onclick: () => show(i) }, readable(unit)));
  const show = (chosen) => {
    light(canvas, image, seen.inputs.grid, weights[chosen]);
    canvas.setAttribute("aria-label", `where the model looked to write ${readable(seen.outputs[chosen])}`);
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
  };
  show(0);
  return make("div", {}, make("div", { class: "units" }, ...buttons), canvas);
}

/** The element that shows an answer of /api/attention. */
export async function map(seen) {
  const names = Object.keys(seen.weights);
  if (!names.length || !seen.outputs.length) return make("p", { class: "hint" }, "no attention was recorded");
  const view = make("div");
  const show = async (name) => {
    const weights = seen.weights[name];
    view.replaceChildren(seen.picture ? await overlay(seen, weights) : table(seen.outputs, seen.inputs, weights));
  };
  const choice = make(
    "select",
    { "aria-label": "attention block", onchange: () => show(choice.value) },
    ...names.map((name) => make("option", { value: name }, name)),
  );
  choice.value = names[names.length - 1];
  await show(choice.value);
  const hint = seen.picture
    ? "The square that the model reads, lit where it looked to write the chosen unit."
    : "A row for each unit that is written, the strongest weight of a row in full color; mean of the heads.";
  return make("div", { id: "attention" }, names.length > 1 ? choice : null, make("p", { class: "hint" }, hint), view);
}
