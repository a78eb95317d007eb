import io

import PIL.Image

from t2tlite.problem import Broken
from t2tlite.problems.formats import images

_BUFFER = io.BytesIO()
PIL.Image.new("RGB", (30, 20)).save(_BUFFER, "PNG")
PNG = _BUFFER.getvalue()


def test_an_example_is_the_image_as_it_is_in_the_file_or_what_is_wrong_with_it(tmp_path):
    path = tmp_path / "a.JPEG"
    path.write_bytes(PNG)
    assert images.example_of(str(path), "cat") == {"inputs": PNG, "targets": "cat"}
    path.write_bytes(PNG[:-20])
    assert images.example_of(str(path), "cat") == Broken("image: truncated", str(path))
    gone = str(tmp_path / "gone.JPEG")
    assert images.example_of(gone, "cat", "here") == Broken("image: No such file or directory", "here")
