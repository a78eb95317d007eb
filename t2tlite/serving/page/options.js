// The fields of the options, made from what the server says there is.

import { make } from "./dom.js";

const STEP = { number: "0.1", integer: "1" };

/** The fields, in an element; and a function that reads what differs from the server's defaults. */
export function fields(described) {
  const inputs = new Map();
  const elements = described.map((option) => {
    const id = `option-${option.name}`;
    const boolean = option.type === "boolean";
    const input = make("input", {
      id,
      type: boolean ? "checkbox" : "number",
      ...(boolean ? {} : { min: option.least, max: option.most, step: option.name === "top_p" ? "0.05" : STEP[option.type] }),
      placeholder: option.default === null ? "auto" : null,
      "aria-describedby": `${id}-hint`,
    });
    inputs.set(option, input);
    const hint = make("p", { id: `${id}-hint`, class: "hint" }, option.help);
    return make("div", {}, make("label", { for: id }, option.name.replaceAll("_", " ")), input, hint);
  });
  const reset = () => {
    for (const [option, input] of inputs) {
      if (option.type === "boolean") input.checked = option.default;
      else input.value = option.default ?? "";
    }
  };
  const changed = () => {
    const values = {};
    for (const [option, input] of inputs) {
      if (option.type !== "boolean" && input.value === "") continue;
      const value = option.type === "boolean" ? input.checked : Number(input.value);
      if (value !== option.default) values[option.name] = value;
    }
    return values;
  };
  reset();
  return { elements, reset, changed };
}
