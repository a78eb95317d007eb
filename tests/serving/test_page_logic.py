"""The page's modules that need no page, run by Node.js: trees, WAV files, joined columns."""

import io
import json
import pathlib
import random
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

import t2tlite.serving

PAGE = pathlib.Path(t2tlite.serving.__file__).parent / "page"
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js here")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A function of a program in JavaScript and a value, `given` there: what it assigns to `told`."""
    folder = tmp_path_factory.mktemp("page")
    for path in PAGE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(program, value):
        source = (
            'import { readFileSync } from "node:fs";\n'
            'const given = JSON.parse(readFileSync(0, "utf-8"));\nlet told;\n'
            f"{program}\nconsole.log(JSON.stringify(told));"
        )
        (folder / "program.js").write_text(source)
        completed = subprocess.run(
            ["node", "program.js"], cwd=folder, input=json.dumps(value), capture_output=True, text=True
        )
        assert completed.returncode == 0, completed.stderr
        return json.loads(completed.stdout)

    return run


def drawn_tree(draw, depth=0):
    """A random tree, as (label, children), and as it is written."""
    label = "".join(draw.choices("ABCDEFG", k=draw.randint(1, 12)))
    if depth == 5 or (depth and draw.random() < 0.4):
        word = draw.choice(["dog", "größer", "?", "extraordinarily", "<b>", "I"])
        return (label, [(word, [])]), f"({label} {word})"
    parts = [drawn_tree(draw, depth + 1) for _ in range(draw.randint(1, 4))]
    return (label, [tree for tree, _ in parts]), f"({label} {' '.join(text for _, text in parts)})"


def as_pairs(node):
    return node["label"], [as_pairs(child) for child in node["children"]]


def test_trees_are_read_and_laid_out(node):
    draw = random.Random(0)
    trees, texts = zip(*(drawn_tree(draw) for _ in range(60)), strict=True)
    program = """
      import { parse, layout } from "./tree.js";
      told = given.map((text) => { const tree = parse(text); return { tree, plan: layout(tree) }; });
    """
    for tree, text, output in zip(trees, texts, node(program, texts), strict=True):
        assert as_pairs(output["tree"]) == tree
        plan = output["plan"]
        words = [one for one in plan["nodes"] if one["word"]]
        assert [one["label"] for one in words] == [
            part.rstrip(")") for part in text.split() if part[0] != "("
        ]
        assert len({one["y"] for one in words}) == 1
        levels = {}
        for one in plan["nodes"]:
            levels.setdefault(one["y"], []).append(one)
        for level in levels.values():  # neighbours don't touch, and nothing is outside of the picture
            ends = [(n["x"] - 4 * len(n["label"]), n["x"] + 4 * len(n["label"])) for n in level]
            assert all(a[1] < b[0] for a, b in zip(ends, ends[1:], strict=False))
            assert ends[0][0] >= 0 and ends[-1][1] <= plan["width"]
        assert max(levels) < plan["height"]
        assert len(plan["edges"]) == len(plan["nodes"]) - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a sentence .",
        "(",
        "()",
        "(S",
        "(S a))",
        "(S a) (S b)",
        ") (S a)",
        "(S a) b",
        "a (S b)",
        "(S ())",
        "(S)",
    ],
)
def test_what_is_no_tree(node, text):
    assert node('import { parse } from "./tree.js"; told = parse(given);', text) is None


def test_wav_files(node):
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 500).astype(np.float32)
    program = """
      import { encode, joined } from "./wav.js";
      const chunks = [given.slice(0, 100), given.slice(100)].map((part) => new Float32Array(part));
      told = [...new Uint8Array(encode(joined(chunks)))];
    """
    content = bytes(node(program, samples.tolist()))
    with soundfile.SoundFile(io.BytesIO(content)) as sound:
        assert (sound.samplerate, sound.channels, sound.subtype) == (16000, 1, "PCM_16")
        read = sound.read(dtype="int16")
    np.testing.assert_array_equal(read, np.floor(32767 * samples.astype(float).clip(-1, 1) + 0.5))


def test_many_columns_are_joined(node):
    weights = np.random.default_rng(0).random((3, 500))
    program = 'import { joinedColumns } from "./attention.js"; told = joinedColumns(given, 160);'
    output = node(program, weights.tolist())
    assert output["step"] == 4
    np.testing.assert_allclose(output["rows"], weights.reshape(3, 125, 4).sum(axis=2))
    assert node(program, [[1, 2]]) == {"rows": [[1, 2]], "step": 1}


FIELDS = """
  class Element {
    constructor(tag) { Object.assign(this, { tag, attributes: {}, children: [], listeners: {}, value: "" }); }
    get id() { return this.attributes.id; }
    setAttribute(name, value) { this.attributes[name] = value; }
    addEventListener(name, listener) { this.listeners[name] = listener; }
    append(...children) { this.children.push(...children); }
    replaceChildren(...children) { this.children = children; }
  }
  globalThis.document = { createElement: (tag) => new Element(tag) };
  globalThis.URL.createObjectURL = () => "blob:x";
  globalThis.URL.revokeObjectURL = () => {};
  globalThis.FileReader = class {
    addEventListener(name, listener) { this[name] = listener; }
    readAsDataURL(blob) { this.result = `data:${blob.type};base64,${blob.content}`; this.load(); }
  };
  const { isNamed, namedFields } = await import("./named.js");
  const readable = async (blob, name, kind) => {
    if (!blob.type.startsWith(kind)) throw new Error(`${name} is no ${kind}`);
    return blob;
  };
  const fields = namedFields({ picture: "image", question: "text", sound: "audio" }, readable);
  const find = (id) => fields.elements.find((one) => one.id === `input-${id}`);
  const after = (id) => fields.elements[fields.elements.indexOf(find(id)) + 1];
  const choose = async (id, file) => {
    find(id).files = file ? [file] : [];
    await find(id).listeners.change();
  };
"""


def test_fields_of_named_inputs(node):
    """What is typed and chosen is what is sent; a file that is none of its kind, or none, is left out."""
    program = """
      find("question").value = "why";
      const sent = [fields.values()];
      await choose("picture", { type: "image/png", content: "AAAA", name: "a.png" });
      sent.push(fields.values());
      await choose("picture", { type: "text/plain", content: "BBBB", name: "b.txt" });
      sent.push(fields.values());
      const said = after("picture").children[0].children[0];
      await choose("picture", null);
      told = { sent, said, hidden: after("picture").hidden, named: [isNamed("text"), isNamed({ a: "text" })],
        labels: fields.elements.filter((one) => one.tag === "label").map((one) => one.children[0]) };
    """
    output = node(FIELDS + program, None)
    picture = {"picture": "data:image/png;base64,AAAA"}
    assert output["sent"] == [{"question": "why"}, picture | {"question": "why"}, {"question": "why"}]
    assert output["said"] == "b.txt is no image" and output["hidden"]
    assert output["named"] == [False, True] and output["labels"] == ["picture", "question", "sound"]
