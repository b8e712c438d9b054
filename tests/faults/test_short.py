"""Each fault in short: nothing acknowledged is lost, nothing is there twice, nothing deleted is back.

Faults that leave an installation whole follow each other under the same traffic, which is checked at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import kafka, topics, worker
from tests.faults.fault import PAUSE_SECONDS, Fault
from tests.faults.outcome import Skipped
from tests.faults.run import FAMILIES
from tests.faults.scenario import Scale, Scenario
from tests.faults.system import Servers
from tests.servers.kafka import KafkaCluster, View, cluster_view

SEED = 20_261_124
SHORT = Scale(is_short=True)
ONLY_IN_FULL = {
    worker.storm.name: "workers are killed, stopped and paused one after the other",
    worker.fresh_group.name: "replay from offset 0 is a fresh group of three with a backlog",
    worker.outdated.name: "a record of a newer schema is among the unreadable ones",
    topics.migrated_twice.name: "partitions are added by two migrations at once",
    kafka.broker_paused.name: "two, and all three, are paused",
}
pytestmark = pytest.mark.xdist_group("faults")  # they share servers, and some each other's traffic
FAULTS = [fault for family in FAMILIES.values() for fault in family if fault.name not in ONLY_IN_FULL]
SHARING = [*(fault for fault in FAULTS if fault.own is None), topics.partitions_added]  # which leaves it whole too
ALONE = [fault for fault in FAULTS if fault not in SHARING]


def test_every_node_knows_every_node(kafka_cluster: KafkaCluster) -> None:
    views = {cluster_view(kafka_cluster.address(node)) for node in kafka_cluster.nodes}
    assert views == {View(frozenset({1, 2, 3}))}


def test_a_paused_node_answers_nothing(kafka_cluster: KafkaCluster) -> None:
    kafka_cluster.pause(3)
    try:
        assert cluster_view(kafka_cluster.address(3)) == View()
    finally:
        kafka_cluster.heal()
    assert 3 in cluster_view(kafka_cluster.address(3)).brokers


@pytest.fixture(scope="module")
def traffic(servers: Servers) -> Iterator[Scenario]:
    """Clients that write, read, delete and remember."""
    assert topics.partitions_added.own  # the installation that suits it suits all of them
    with (
        topics.partitions_added.own(servers, SHORT) as system,
        Scenario("in short", system, SEED, deleters=2, pause_seconds=PAUSE_SECONDS) as run,
    ):
        yield run


@pytest.mark.parametrize("fault", SHARING, ids=lambda fault: fault.name)
def test_under_traffic(fault: Fault, traffic: Scenario) -> None:
    before = traffic.problems
    try:
        fault(traffic, SHORT)
    finally:
        traffic.settle()
    assert [problem for problem in traffic.problems if problem not in before] == []


def test_after_all_of_these_what_was_acknowledged_is_there_once(traffic: Scenario) -> None:
    verdict = traffic.conclude().verdict
    traffic.system.stop()  # what follows has installations of its own
    assert (verdict.lost, verdict.twice, verdict.wrong) == (0, 0, [])
    assert verdict.acked == verdict.sent > 0


@pytest.mark.parametrize("fault", ALONE, ids=lambda fault: fault.name)
def test_alone(fault: Fault, servers: Servers) -> None:
    try:
        verdict = fault.run(servers, SEED, SHORT).verdict
    except Skipped as reason:
        pytest.skip(str(reason))
    assert (verdict.lost, verdict.twice, verdict.wrong) == (0, 0, [])
    assert verdict.acked == verdict.sent > 0
