// Parse trees: reading "(S (NP (DT the) (NN dog)) ...)", laying it out, drawing it.

import { draw } from "./dom.js";

const LEVEL = 44; // pixels between two levels
const GAP = 14; // between two words
const LETTER = 8.2; // about the width of a letter

/**
 * The tree of a text, {label, children}, a word being a node without children; null where it is no tree.
 * @param {string} text one tree in brackets
 */
export function parse(text) {
  const tokens = text.match(/[()]|[^()\s]+/g) ?? [];
  if (tokens[0] !== "(") return null;
  const root = { label: "", children: [] };
  const open = [root];
  for (let i = 0; i < tokens.length; i++) {
    const here = open[open.length - 1];
    if (tokens[i] === "(") {
      if (here === root && root.children.length) return null; // more than one tree
      const labelled = i + 1 < tokens.length && !"()".includes(tokens[i + 1]);
      const node = { label: labelled ? tokens[++i] : "", children: [] };
      here.children.push(node);
      open.push(node);
    } else if (tokens[i] === ")") {
      open.pop();
      if (!open.length || here === root || !here.children.length) return null; // closes nothing, or holds nothing
    } else {
      if (here === root) return null;
      here.children.push({ label: tokens[i], children: [] });
    }
  }
  return open.length === 1 ? root.children[0] : null;
}

const labelWidth = (label) => label.length * LETTER;

/** How wide a node is with all that is below it, noted for each node. */
function measured(node, widths) {
  const below = node.children.reduce((sum, child) => sum + measured(child, widths) + GAP, -GAP);
  const width = Math.max(labelWidth(node.label), below);
  widths.set(node, { width, below });
  return width;
}

/**
 * Where the nodes stand: {nodes: [{label, x, y, word}], edges: [[x, y, x, y]], width, height}. Each node has a
 * column of its own for all that is below it, so nothing overlaps; words are on the lowest level.
 */
export function layout(tree) {
  const widths = new Map(), nodes = [], edges = [];
  const width = measured(tree, widths) + 2 * GAP;
  let deepest = 0;
  const place = (node, left, depth) => {
    deepest = Math.max(deepest, depth);
    const size = widths.get(node);
    const placed = { label: node.label, word: !node.children.length, depth, x: left + size.width / 2 };
    nodes.push(placed);
    let at = left + (size.width - Math.max(0, size.below)) / 2;
    for (const child of node.children) {
      edges.push([placed, place(child, at, depth + 1)]);
      at += widths.get(child).width + GAP;
    }
    return placed;
  };
  place(tree, GAP, 0);
  for (const node of nodes) node.y = 20 + LEVEL * (node.word ? deepest : node.depth);
  return {
    nodes,
    edges: edges.map(([from, to]) => [from.x, from.y + 6, to.x, to.y - 16]),
    width,
    height: 20 + LEVEL * deepest + 14,
  };
}

/** The tree as an SVG element. */
export function picture(tree, description) {
  const { nodes, edges, width, height } = layout(tree);
  const lines = edges.map(([a, b, c, d]) => draw("path", { d: `M${a} ${b}L${c} ${d}` }));
  const labels = nodes.map(({ label, x, y, word }) => draw("text", { x, y, class: word ? "word" : "label" }, label));
  return draw(
    "svg",
    { class: "tree", role: "img", width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": description },
    ...lines,
    ...labels,
  );
}
