"""``pyproject.toml``: what is installed is all there is, as a container has nothing else."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("schema", "ingest", "query", "deploy")


def test_every_module_is_in_a_package_that_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {file.parent for name in CODE for file in (ROOT / name).rglob("*.py")}
    assert len(packages) > len(CODE)
    for package in packages:
        name = ".".join(package.relative_to(ROOT).parts)
        assert any(fnmatch(name, pattern) for pattern in setuptools["packages"]["find"]["include"]), name
        assert (package / "__init__.py").is_file(), name


def test_the_license_is_told_and_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert all(list(ROOT.glob(pattern)) for pattern in project["license-files"])
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
