// The fields of a problem with several named inputs: a text area or a file for each.

import { make } from "./dom.js";

/** Whether inputs of a kind are files; others are typed. */
export const isFile = (kind) => kind === "image" || kind === "audio";

/** Whether a problem's inputs have names: then they are an object of kinds. */
export const isNamed = (inputs) => typeof inputs === "object";

/**
 * Fields for named inputs.
 * @param {object} kinds the kind of each input, by name
 * @param {function} readable gives the file (blob, name, kind) as the server can read it; throws where it can't
 * @returns {{elements: Element[], values: function(): object}} what was typed, and files as data addresses; an
 *   input without a file is left out
 */
export function namedFields(kinds, readable) {
  const files = {};
  const fields = Object.entries(kinds).map(([name, kind]) => (isFile(kind) ? file(name, kind, readable, files) : typed(name)));
  const values = () => Object.fromEntries(fields.map((one) => one.value()).filter(([, value]) => value !== undefined));
  return { elements: fields.flatMap((one) => one.elements), values };
}

function typed(name) {
  const field = make("textarea", { id: `input-${name}`, rows: "2", spellcheck: "false" });
  return { elements: [make("label", { for: field.id }, name), field], value: () => [name, field.value] };
}

function file(name, kind, readable, files) {
  const field = make("input", { id: `input-${name}`, type: "file", accept: `${kind}/*` });
  const preview = make("figure", { class: "of-input" });
  preview.hidden = true;
  let url = null;
  field.addEventListener("change", async () => {
    delete files[name];
    if (url) URL.revokeObjectURL(url);
    url = null;
    preview.hidden = true;
    const [chosen] = field.files;
    if (!chosen) return;
    try {
      const blob = await readable(chosen, chosen.name, kind);
      const address = await dataAddress(blob);
      if (field.files[0] !== chosen) return; // another one was chosen meanwhile
      files[name] = address;
      url = URL.createObjectURL(blob);
      preview.replaceChildren(kind === "image" ? make("img", { src: url, alt: chosen.name }) : make("audio", { src: url, controls: true }));
    } catch (error) {
      preview.replaceChildren(make("p", { class: "error" }, error.message));
    }
    preview.hidden = false;
  });
  return { elements: [make("label", { for: field.id }, name), field, preview], value: () => [name, files[name]] };
}

function dataAddress(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
