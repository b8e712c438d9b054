"""Adds to wheels what pyproject.toml cannot say: the revision that they are built from (``schema/build.py``)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithRevision(build_py):
    """Copies the modules, and writes ``schema/revision.txt`` beside them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # a checkout says its revision itself
            Path(self.build_lib, "schema", "revision.txt").write_text(revision())


def revision() -> str:
    """``EVENTIDE_REVISION`` of the environment (an image is built without .git), else git's; empty if neither is."""
    if given := os.environ.get("EVENTIDE_REVISION"):
        return given
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


setup(cmdclass={"build_py": BuildWithRevision})
