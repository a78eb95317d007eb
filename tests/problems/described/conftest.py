"""A person's folder with tables and their description."""

import io
import json

import PIL.Image
import pytest

from t2tlite import registry


def png(colour, side=20):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def described(tmp_path, registered_here_only):
    """A function of a description in TOML and files by name: the folder, imported."""

    def write(toml, **files):
        for name, content in {"problems.toml": toml, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        registry.import_usr_dir(str(tmp_path))
        return tmp_path

    with registered_here_only():
        yield write


@pytest.fixture
def examples():
    """A function of a problem's name, a split and a source."""

    def of(name, split="train", source="files", *source_dir):
        return list(registry.get_problem(name).examples(split, source, *source_dir))

    return of


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)
