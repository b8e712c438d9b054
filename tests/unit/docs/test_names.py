"""What the documents name in backticks exists: files, modules, classes, settings, Prometheus metrics."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from eventide_client import configuration, ranks
from schema import metrics
from schema.settings import PREFIX, Settings
from tests.unit.docs.documents import PACKAGES, ROOT, documents, files, name, prose, source

CITED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(rf"(?:{'|'.join(PACKAGES)}|tests|docs)(?:/[\w.*-]+)*/?")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.[a-z_]+)+")
CLASS = re.compile(r"(?:[A-Z][a-z0-9]+){2,}")
SETTING = re.compile(rf"{PREFIX}[A-Z_]+")
PROMETHEUS = re.compile(r"eventide_[a-z_]+")
ENDINGS = {"counter": ("_total",), "info": ("_info",)}  # of a sample's name, by the metric's type
COMPOSE = (ROOT / "docker-compose.yml").read_text()  # which has settings of its own


def cited(document: Path, kind: re.Pattern[str]) -> set[str]:
    """The names of a kind in a document's backticks: alone, or before ``=`` or ``{`` and what follows."""
    words = (re.split(r"[={:, ]", text, maxsplit=1)[0] for text in CITED.findall(prose(document)))
    return {word for word in words if kind.fullmatch(word)}


@pytest.fixture(params=documents(), ids=name)
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_files_exist(document: Path) -> None:
    assert [path for path in cited(document, FILE) if path.rstrip("/") not in files() and not ROOT.glob(path)] == []


def test_modules_exist(document: Path) -> None:
    def is_there(module: str) -> bool:
        path = module.replace(".", "/")
        return path in files() or f"{path}.py" in files()

    assert [module for module in cited(document, MODULE) if not is_there(module)] == []


def test_classes_exist(document: Path) -> None:
    assert [cls for cls in cited(document, CLASS) if not re.search(rf"\b{cls}\b", source())] == []


def test_settings_exist(document: Path) -> None:
    known = {PREFIX + setting.upper() for setting in Settings.model_fields} | {f"{PREFIX}TEST_MODE"}
    known |= set(SETTING.findall(COMPOSE)) | set(SETTING.findall(str(ranks.__doc__)))
    known |= {name for names in configuration.VARIABLES.values() for name in names}
    assert {name for name in cited(document, SETTING) if name.removesuffix("_FILE") not in known} == set()


def test_prometheus_metrics_exist(document: Path) -> None:
    assert metrics.REQUESTS  # what is defined there is registered
    known = {metric.name + ending for metric in REGISTRY.collect() for ending in ENDINGS.get(metric.type, ("",))}
    assert cited(document, PROMETHEUS) - known - {"eventide_client"} == set()  # which is a package
