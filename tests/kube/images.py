"""Archives of the images that a node needs, made by a Docker engine as for the tests of compose.

A second image of Eventide, of one more layer, is what an upgrade goes to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose.engine import Docker, docker_engine
from tests.compose.images import BASE, official_images, provide_images
from tests.kube.node import PAUSE

OLD, NEW = "old", "new"  # tags of `eventide:tiers`
PAUSE_FILE = f'FROM {BASE}\nENTRYPOINT ["sleep", "infinity"]\n'
NEWER_FILE = "FROM eventide:tiers\nENV BUILD=newer\n"


@contextmanager
def archives(directory: Path) -> Iterator[list[Path]]:
    """The images of all nodes, and those of services, once the engine that made them has ended.

    Raises Unavailable and StartFailed.
    """
    made = [directory / "eventide.tar", directory / "services.tar"]
    with docker_engine(directory) as docker:
        provide_images(docker, directory)
        _build(docker, directory, PAUSE, PAUSE_FILE)
        docker.run("tag", "eventide:tiers", f"eventide:{OLD}")
        _build(docker, directory, f"eventide:{NEW}", NEWER_FILE)
        services = official_images()
        _save(docker, made[0], f"eventide:{OLD}", f"eventide:{NEW}", services.pop("nginx"), PAUSE)
        _save(docker, made[1], "eventide", *(services[name] for name in ("kafka", "clickhouse", "postgres")))
    yield made


def _build(docker: Docker, directory: Path, tag: str, text: str) -> None:
    context = directory / "small"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(text)
    docker.build(context, context / "Dockerfile", tag)


def _save(docker: Docker, file: Path, *images: str) -> None:
    docker.run("save", "--output", file, *images, seconds=300)
