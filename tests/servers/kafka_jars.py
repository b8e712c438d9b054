"""The jars of an Apache Kafka broker, from Maven Central, checked against `kafka-jars.txt`.

The list pins every jar by path and SHA-256, so Maven only fetches: nothing is resolved. Jars that are in the cache are
not fetched again; a full cache needs neither Maven nor a network.

EVENTIDE_TEST_CACHE   where caches live, default ~/.cache/eventide-tests
EVENTIDE_MAVEN_URL    a mirror to fetch from instead of Maven's own settings
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.servers.process import Unavailable

KAFKA_VERSION = "4.1.1"
LIST = Path(__file__).with_name("kafka-jars.txt")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
DEPENDENCY = """<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"""
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>eventide.tests</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{dependencies}</dependencies></project>"""
MIRROR = """<settings><mirrors><mirror><id>eventide</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors>
</settings>"""


class Jar(NamedTuple):
    """One line of the list; `path` as in a Maven repository."""

    sha256: str
    path: Path

    @property
    def dependency(self) -> str:
        """The jar alone, without what it depends on."""
        *group, artifact, version = self.path.parent.parts
        return DEPENDENCY.format(group=".".join(group), artifact=artifact, version=version)

    def is_in(self, directory: Path) -> bool:
        """Whether the directory has the jar, unharmed."""
        file = directory / self.path.name
        return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


def kafka_jars() -> list[Path]:
    """The listed jars, fetched if need be (46 jars, 43 MB, once per machine).

    Several processes may fetch at once. Raises Unavailable.
    """
    cache = Path(os.environ.get("EVENTIDE_TEST_CACHE") or Path.home() / ".cache" / "eventide-tests")
    directory = cache / f"kafka-{KAFKA_VERSION}"
    directory.mkdir(parents=True, exist_ok=True)
    jars = _listed()
    if missing := [jar for jar in jars if not jar.is_in(directory)]:
        _fetch(missing, directory)
    return [directory / jar.path.name for jar in jars]


def _listed() -> list[Jar]:
    lines = (line.split() for line in LIST.read_text().splitlines())
    return [Jar(sha256, Path(path)) for sha256, path in lines]


def _fetch(jars: list[Jar], directory: Path) -> None:
    with TemporaryDirectory(dir=directory, prefix=".fetch-") as temporary:
        fetched = Path(temporary)
        _run_maven(jars, fetched)
        for jar in jars:
            if not jar.is_in(fetched):
                raise Unavailable(f"{jar.path.name} is not the one that {LIST.name} pins")
            os.replace(fetched / jar.path.name, directory / jar.path.name)


def _run_maven(jars: list[Jar], into: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable(f"no Maven to fetch Apache Kafka with, and {into.parent} lacks {len(jars)} of its jars")
    pom = into / "pom.xml"
    pom.write_text(POM.format(dependencies="".join(jar.dependency for jar in jars)))
    command = [maven, "-B", "-q", "-C", "-f", str(pom), *_mirror(into), COPY, f"-DoutputDirectory={into}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable("Maven did not fetch Apache Kafka within 300 s") from error
    if done.returncode != 0:
        raise Unavailable(f"Maven could not fetch Apache Kafka: {(done.stdout + done.stderr)[-2000:]}")


def _mirror(into: Path) -> list[str]:
    url = os.environ.get("EVENTIDE_MAVEN_URL")
    if not url:
        return []
    settings = into / "settings.xml"
    settings.write_text(MIRROR.format(url=url))
    return ["-s", str(settings)]
