"""Apache Kafka without Docker: its real broker, on Java 17 or newer, with the jars of `kafka_jars`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Literal, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.servers.kafka_classes import shared_classes
from tests.servers.kafka_jars import kafka_jars
from tests.servers.process import Process, Unavailable, free_port, listens

OLDEST_JAVA = 17
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
JVM = [
    "-server",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:ActiveProcessorCount=2",
    "-XX:MaxDirectMemorySize=128m",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
]
LOGGING = """status=error
rootLogger.level=warn
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
logger.server.name=kafka.server
logger.server.level=info
"""

BROKER_SETTINGS = {
    # Topics are made as in production, never by accident.
    "auto.create.topics.enable": "false",
    "num.partitions": "6",
    "unclean.leader.election.enable": "false",
    "compression.type": "producer",
    "message.max.bytes": "4194304",
    "replica.fetch.max.bytes": "4194304",
    "socket.request.max.bytes": "104857600",
    "log.segment.bytes": "67108864",
    "log.retention.hours": "24",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # Rebalances and failovers in seconds instead of minutes.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.max.session.timeout.ms": "300000",
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "replica.lag.time.max.ms": "10000",
    "controller.socket.timeout.ms": "3000",
    # For a small heap: the log cleaner alone would take 128 MB.
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.io.buffer.size": "262144",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.replica.fetchers": "1",
    "num.recovery.threads.per.data.dir": "1",
    "queued.max.requests": "100",
}
LISTENER_SETTINGS = {
    "process.roles": "broker,controller",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
}


def replication_settings(nodes: int) -> dict[str, str]:
    """Every topic on every node; with three, one of them may be down."""
    replicas, in_sync = str(nodes), str(nodes // 2 + 1)
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


class KafkaCluster:
    """One or three nodes on 127.0.0.1, numbered from 1, each a broker and a controller.

    As a context manager it is up inside (all brokers registered, a controller elected) and killed at the end;
    configuration, data and logs stay in `directory`, which belongs to this cluster alone. Three nodes need two for a
    majority, and topics are replicated three times with `min.insync.replicas=2`. A dead or paused broker loses its
    partitions after 6 s.

    Entering raises Unavailable without Java or jars, and StartFailed, with the end of the broker's log, if it does not
    come up. `settings` are added to the brokers' configuration. For measurements set `fast_start=False`: the JVM then
    compiles for throughput, which costs a node another second at the start.
    """

    def __init__(
        self,
        nodes: Literal[1, 3],
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        heap_mb: int = 256,
        fast_start: bool = True,
    ) -> None:
        self.nodes = range(1, nodes + 1)
        self.directory = directory
        self._settings = BROKER_SETTINGS | LISTENER_SETTINGS | replication_settings(nodes) | dict(settings or {})
        self._jvm = [*JVM, f"-Xmx{heap_mb}m", *(["-XX:TieredStopAtLevel=1"] if fast_start else [])]
        self._ports = {node: free_port() for node in self.nodes}
        self._controller_ports = {node: free_port() for node in self.nodes}
        self._brokers: dict[int, Process] = {}

    @property
    def bootstrap(self) -> str:
        """All nodes, as host:port,…; the same while the cluster lives, whoever is up."""
        return ",".join(self.address(node) for node in self.nodes)

    def address(self, node: int) -> str:
        """host:port of one node."""
        return f"127.0.0.1:{self._ports[node]}"

    def log(self, node: int) -> Path:
        """What the node has written, over all its runs."""
        return self._home(node) / "broker.log"

    def __enter__(self) -> Self:
        program, jars = find_java(), kafka_jars()
        options = [*self._jvm, *self._class_options(program, jars)]
        java = [program, *options, "-cp", os.pathsep.join(map(str, jars))]
        try:
            self._format(java)
            self._start_all(java)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, node: int) -> None:
        """Start a dead node again; returns when it is back in the cluster and in sync with every leader that is up.

        That is no earlier than 6 s after its last heartbeat, even if it ended in order: until then the controller
        takes it for a second broker of that id.
        """
        self._brokers[node].start()
        self._wait(node, {node})

    def kill(self, node: int) -> None:
        """SIGKILL; the others notice when its session ends."""
        self._brokers[node].kill()

    def terminate(self, node: int) -> None:
        """An orderly shutdown, which hands leaderships over first; killed if it takes more than 15 s."""
        self._brokers[node].terminate()

    def pause(self, node: int) -> None:
        """SIGSTOP: its connections stay open and answer nothing."""
        self._brokers[node].pause()

    def resume(self, node: int) -> None:
        """Undo `pause`."""
        self._brokers[node].resume()

    def heal(self) -> None:
        """Resume and start whatever is paused or dead; returns when all is well. Ends a test that harms the cluster."""
        for broker in self._brokers.values():
            broker.resume()
            if not broker.alive:
                broker.start()
        for node in self.nodes:
            self._wait(node, self.nodes)

    def stop(self) -> None:
        """Kill every node that lives. Their data is with the operating system, so nothing acknowledged is lost."""
        for broker in self._brokers.values():
            broker.kill()

    def _class_options(self, java: str, jars: list[Path]) -> list[str]:
        return shared_classes(java, jars, _record)

    def _home(self, node: int) -> Path:
        return self.directory / f"node{node}"

    def _format(self, java: list[str]) -> None:
        formats = [self._prepare(node, java) for node in self.nodes]
        try:
            for process in formats:
                process.start()
            for process in formats:
                process.wait()
        finally:
            for process in formats:
                process.kill()

    def _prepare(self, node: int, java: list[str]) -> Process:
        home = self._home(node)
        home.mkdir(parents=True)
        (home / "log4j2.properties").write_text(LOGGING)
        properties = home / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._node_settings(node).items()))
        command = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(properties)]
        command += self._format_options()
        return Process(command, home / "format.log")

    def _format_options(self) -> list[str]:
        """Further ones of the tool that formats a node's directory."""
        return []

    def _node_settings(self, node: int) -> Mapping[str, str]:
        voters = (f"{voter}@127.0.0.1:{port}" for voter, port in self._controller_ports.items())
        return self._settings | {
            "node.id": str(node),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"PLAINTEXT://{self.address(node)},CONTROLLER://127.0.0.1:{self._controller_ports[node]}",
            "advertised.listeners": f"PLAINTEXT://{self.address(node)}",
            "log.dirs": str(self._home(node) / "data"),
        }

    def _start_all(self, java: list[str]) -> None:
        for node in self.nodes:
            home = self._home(node)
            options = [f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"]
            command = [*java, *options, "kafka.Kafka", str(home / "server.properties")]
            self._brokers[node] = Process(command, self.log(node))
            self._brokers[node].start()
        for node in self.nodes:
            self._wait(node, self.nodes)

    def _wait(self, node: int, expected: Iterable[int]) -> None:
        """Until the node knows these brokers, and no partition waits for it to catch up."""
        wanted, port = set(expected), self._ports[node]

        def joined() -> bool:
            if not listens(port):
                return False
            view = cluster_view(self.address(node))
            return wanted <= view.brokers and node not in view.behind

        self._brokers[node].wait_until(joined)


class _Recorder(KafkaCluster):
    """One node whose JVM writes down the classes that it has used when it ends."""

    def __init__(self, directory: Path, options: list[str]) -> None:
        super().__init__(1, directory)
        self._options = options

    def _class_options(self, java: str, jars: list[Path]) -> list[str]:
        return self._options


def _record(options: list[str]) -> None:
    with TemporaryDirectory() as directory, _Recorder(Path(directory) / "kafka", options) as cluster:
        cluster.terminate(1)


@dataclass(frozen=True)
class View:
    """The brokers that one of them knows, and those that are behind: replicas out of sync with a leader."""

    brokers: frozenset[int] = frozenset()
    behind: frozenset[int] = frozenset()


def cluster_view(address: str) -> View:
    """What the broker at this address knows; nothing while it does not answer. Also within a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_ask(address))).result()


async def _ask(address: str) -> View:
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await client.start()
        brokers = (await client.describe_cluster())["brokers"]
        partitions = [one for topic in await client.describe_topics() for one in topic["partitions"]]
    except KafkaError:
        return View()
    finally:
        await client.close()
    behind = (set(one["replicas"]) - set(one["isr"]) for one in partitions if one["leader"] >= 0)
    return View(frozenset(broker["node_id"] for broker in brokers), frozenset[int]().union(*behind))


def find_java() -> str:
    """The Java of JAVA_HOME, else of PATH. Raises Unavailable if there is none, or an old one."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise Unavailable("no Java")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    version = re.search(r'version "(\d+)', answer)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise Unavailable(f"Java is older than {OLDEST_JAVA}: {answer.strip()}")
    return java
