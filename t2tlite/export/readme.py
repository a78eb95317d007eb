"""The README.md of an export: how it is used, what it takes and gives. Needs no TensorFlow."""

import textwrap
from typing import Any

from t2tlite import registry

FILE = "README.md"


def text(description: dict[str, Any]) -> str:
    """The text.

    Args:
      description: as `description.description` gives it.
    """
    problems = ", ".join(f"`{name}`" for name in description["problems"])
    return "\n".join(
        [
            "# A trained model, exported",
            "",
            _fill(
                f"A TensorFlow SavedModel, written by t2t-export of t2tlite {description['t2tlite']} from the"
                f" checkpoint {description['checkpoint']}, for {problems}. It needs"
                f" {' and '.join(description['needs'])}"
                f" {description['tensorflow'].rpartition('.')[0]}, and not t2tlite."
            ),
            "",
            *_example(description),
            "",
            "## Signatures",
            "",
            *(line for name, one in description["signatures"].items() for line in _signature(name, one)),
            _fill(
                "`assets/t2tlite.json` says the same for programs, with classes, hyperparameters and how"
                " outputs are searched for. A batch may have any size; an empty text gives an empty output."
            ),
            *_conversions(description),
            "",
        ]
    )


def _example(description: dict[str, Any]) -> list[str]:
    problem = next(iter(description["problems"]))
    kinds = description["problems"][problem]["inputs"]
    kinds = {"inputs": kinds} if isinstance(kinds, str) else kinds
    features = {name: registry.get("feature", kind) for name, kind in kinds.items()}
    suffix = next(filter(None, (feature.graph_suffix for feature in features.values())), "")
    name = f"{problem}{suffix}"
    arguments = ", ".join(f"{name}={feature.graph_input}" for name, feature in features.items())
    shown = "text" if "text" in description["signatures"][name]["outputs"] else "label"
    lines = ["```python", "import tensorflow as tf"]
    if "tensorflow-text" in description["needs"]:
        lines.append("import tensorflow_text  # registers the operations of the tokenizer")
    return [
        *lines,
        "",
        'model = tf.saved_model.load("EXPORT_DIR")',
        f'outputs = model.signatures["{name}"]({arguments})',
        f'print(outputs["{shown}"].numpy())',
        "```",
    ]


def _signature(name: str, one: dict[str, Any]) -> list[str]:
    lines = [f"`{name}`", ""]
    for verb, tensors in (("takes", one["inputs"]), ("gives", one["outputs"])):
        for key, tensor in tensors.items():
            shape = ", ".join("batch" if i == 0 else str(n or "any") for i, n in enumerate(tensor["shape"]))
            lines.append(f"* {verb} `{key}`, {tensor['dtype']} `[{shape}]`: {tensor['what']}")
    return [*lines, ""]


def _conversions(description: dict[str, Any]) -> list[str]:
    lines = []
    for name, one in description["problems"].items():
        get = f'registry.get_problem("{name}")'
        if one["to_text"]:
            lines.append(
                f'* `{name}` reads what `{get}.to_text({{"inputs": x}})["inputs"]` makes of an input x.'
            )
        if one["from_text"] and one["from_text_file"]:
            lines.append(
                f"* `{name}` writes what the model wrote; `from_text(inputs, output)` in"
                f" [{one['from_text_file']}]({one['from_text_file']}) makes of it what t2t-decode shows."
            )
        elif one["from_text"]:
            lines.append(
                f"* `{name}` writes what the model wrote; `{get}.from_text(inputs, output)` makes of it what"
                " t2t-decode shows."
            )
    if not lines:
        return []
    note = "Some conversions are done in Python, not in the graph."
    if any("registry" in line for line in lines):
        note += " `from t2tlite import registry` needs no TensorFlow."
    return ["", "## Before and after", "", note, "", *lines]


def _fill(line: str) -> str:
    return textwrap.fill(line, 110, break_long_words=False, break_on_hyphens=False)
