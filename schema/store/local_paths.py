"""Files below a directory that are files: no links out of it, no folders, no devices, no pipes that never end."""

from __future__ import annotations

import stat
from pathlib import Path

from schema.errors import BadPath, FileMissing


def check_file(root: Path, key: str) -> None:
    """Raise FileMissing unless ``key`` below ``root`` names a file that is reached without links."""
    if not stat.S_ISREG(_mode_of(root, key)):
        raise FileMissing(f"No file {_path_of(key)}")


def check_place(root: Path, key: str) -> None:
    """Raise BadPath unless a file may be stored as ``key``.

    There must be nothing, or a file, at it, and only folders above it.
    """
    try:
        mode = _mode_of(root, key)
    except FileMissing:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        raise BadPath(f"No file can be at {_path_of(key)}")


def is_folder(root: Path, key: str) -> bool:
    """Tell whether there is a folder at ``key``, with only folders above it. Raises BadPath."""
    try:
        return stat.S_ISDIR(_mode_of(root, key))
    except FileMissing:
        return False


def _mode_of(root: Path, key: str) -> int:
    """Return the mode of a path, or of the first path above it that is no folder.

    Raises FileMissing if there is nothing.
    """
    path, mode = root, stat.S_IFDIR
    for name in key.split("/"):
        if not stat.S_ISDIR(mode):
            return stat.S_IFLNK  # a file or link where a folder is expected
        path /= name
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError as error:
            raise FileMissing(f"No file {_path_of(key)}") from error
        except OSError as error:
            raise BadPath(f"No file can be at {_path_of(key)}") from error
    return mode


def _path_of(key: str) -> str:
    """Return the path as its company asks for it."""
    return key.partition("/")[2]
