"""``ingest/client/eventide_client/images.py``: images of any kind are files that a decoder of its own reads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eventide_client.images import encoded, ending, path_part

GREY = np.arange(6, dtype="uint8").reshape(2, 3)
COLOUR = np.arange(24, dtype="uint8").reshape(2, 4, 3)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (GREY, GREY),
        (GREY[:, :, None], GREY),
        (COLOUR, COLOUR),
        (np.full((2, 2, 4), 9, "uint8"), np.full((2, 2, 4), 9)),
        (np.array([[0.0, 0.5, 2.0]]), [[0, 128, 255]]),
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[-1, 300]]), [[0, 255]]),
        (Image.fromarray(COLOUR), COLOUR),
    ],
)
def test_pixels_are_the_same(given: Any, shown: Any) -> None:
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encoded(given)))), shown)


def test_files_are_taken_as_they_are(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, "JPEG")
    (tmp_path / "x").write_bytes(file.getvalue())
    assert encoded(tmp_path / "x") == encoded(str(tmp_path / "x")) == encoded(file.getvalue()) == file.getvalue()
    assert ending(file.getvalue()) == ".jpg"
    assert ending(encoded(GREY)) == ending(b"") == ".png"


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (0, 3), (1, 2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        encoded(np.zeros(shape))


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(TypeError, match="an image is expected, not int"):
        encoded(3)


@pytest.mark.parametrize(("name", "part"), [("a/b", "a_b"), ("..", "_"), ("é 1", "é 1"), ("x" * 200, "x" * 100)])
def test_names_are_parts_of_paths(name: str, part: str) -> None:
    assert path_part(name) == part
