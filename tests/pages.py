"""The pages of the documentation, the code blocks in them, and the commands that they name."""

import importlib
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        ROOT / "benchmarks/README.md",
        ROOT / "problems/sample_world/README.md",
    )
}
GUIDES = "\n".join(TEXTS.values())
COMMANDS = {
    name: importlib.import_module(f"t2tlite.bin.{name.replace('-', '_')}").COMMAND
    for name in (path.stem for path in sorted((ROOT / "docs" / "commands").glob("*.md")))
}


def blocks(language, text=GUIDES):
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines():
    """The command lines of shell blocks as lists of words, without comments and redirections."""
    for block in blocks("sh"):
        text = re.sub(r"(^|\s)# .*$", "", block.replace("\\\n", " "), flags=re.MULTILINE)
        text = text.replace("$usr", "examples/machine_targets")
        lexer = shlex.shlex(text, posix=True, punctuation_chars="\n|;<>")
        lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", " \t", True
        words = []
        for word in [*lexer, "\n"]:
            if not set(word) <= set("\n|;"):
                words.append(word)
            elif words:
                redirected = [at for at, one in enumerate(words) if one in ("<", ">")]
                yield words[: redirected[0]] if redirected else words
                words = []


LINES = list(shell_lines())


def lines_of(program):
    """The command lines of a program in the documentation, without its name."""
    return [words[1:] for words in LINES if words[0].removeprefix(".venv/bin/") == program]
