"""The chart on two real nodes, under load: installed, scaled, upgraded, rolled back, drained, with exact counts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.chart.render import Values
from tests.compose.load import METRICS, Load, batches_in, check_counts, under_load
from tests.harness.api import Api, until
from tests.kube.cluster import two_nodes
from tests.kube.images import NEW, OLD, archives
from tests.kube.kubectl import Cluster
from tests.kube.release import NEWER, TIERS, VALUES, Release, provide_volume, start_services
from tests.servers.choice import give_up
from tests.servers.process import Unavailable

WHAT_IS_RETRIED = {"200", "503", "ConnectError", "ConnectTimeout", "ReadError", "RemoteProtocolError", "WriteError"}
HAND_OVER: Values = {**NEWER, "gateway": {**VALUES["gateway"], "image": {"tag": OLD}}}
OWN = ("gateway", "worker", "query", "files")  # of Eventide's image


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("kube")
    try:
        with archives(directory) as images, two_nodes(directory, images) as made:
            start_services(made)
            provide_volume(made, "files", directory / "volume")
            yield made
    except Unavailable as error:
        give_up(error)


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Release:
    """The chart, installed: helm waits for the Job, then for every pod."""
    made = Release(cluster)
    made.upgrade()
    return made


@pytest.fixture
def api(release: Release) -> Iterator[Api]:
    with release.api() as client:
        yield client


def check_answers_and_counts(api: Api, load: Load) -> None:
    """Every acknowledged event becomes readable, once; clients saw nothing that SDKs do not retry."""
    assert set(load.answers) <= WHAT_IS_RETRIED, load.answers
    check_counts(api, load)
    print(f"{load.events} events acknowledged and read, answers: {dict(load.answers)}")


def batches_of(release: Release, pod: str) -> float:
    """How many batches a gateway's pod has answered 200."""
    return batches_in(release.cluster.kubectl("exec", pod, "--", "python", "-c", METRICS))


def test_what_is_written_is_read(api: Api) -> None:
    with under_load(api) as load:
        time.sleep(3)
    assert set(load.answers) == {"200"}
    check_answers_and_counts(api, load)


def test_the_chart_tests_itself(release: Release) -> None:
    assert "Phase:          Succeeded" in release.cluster.helm("test", "prod", "--timeout", "2m")


def test_pods_are_nobody_special_and_cannot_write(release: Release) -> None:
    for tier in OWN:
        (pod, *_) = release.pods(tier)
        name = pod["metadata"]["name"]
        assert release.cluster.kubectl("exec", name, "--", "id", "-u").strip() == "10001"
        done = release.cluster.kubectl("exec", name, "--", "sh", "-c", "touch /opt/eventide/x 2>&1 || true")
        assert "Read-only file system" in done


def test_files_are_kept_on_the_volume(api: Api, release: Release) -> None:
    files = f"{api.origins.query}/files/run/file.txt"
    headers = {"Authorization": f"Bearer {api.token}"}
    assert (
        httpx.post(f"{api.origins.query}/files/", files={"run/file.txt": b"kept"}, headers=headers).status_code == 200
    )
    (pod,) = release.pods("files")
    release.cluster.kubectl("delete", "pod", pod["metadata"]["name"])
    release.cluster.until(lambda: release.are_ready("files", 1), "the files server back")
    until(lambda: httpx.get(files, headers=headers).status_code == 200)
    assert httpx.get(files, headers=headers).content == b"kept"


def test_clients_keep_their_addresses(api: Api, release: Release) -> None:
    """nginx's pods are trusted by the name of their service, so that nobody's limits are those of nginx."""
    assert httpx.get(f"{api.origins.query}/auth.login", auth=("nobody", "wrong")).status_code == 401
    own = {pod["status"]["podIP"] for pod in release.pods("nginx")}

    def told() -> list[str]:
        events = api.call("audit.get_all", events=["auth.failure"])["events"]
        return [event["address"] for event in events if event["details"]["access_key"] == "nobody"]

    assert not set(until(told)) & {*own, ""}


def test_every_pod_of_a_scaled_tier_is_used(api: Api, release: Release) -> None:
    with under_load(api) as load:
        more = {tier: {**VALUES[tier], "replicas": 3} for tier in ("gateway", "worker", "query")}
        release.upgrade(more)
        gateways = [pod["metadata"]["name"] for pod in release.pods("gateway")]
        assert len(gateways) == 3
        release.cluster.until(lambda: all(batches_of(release, pod) > 0 for pod in gateways), "all gateways used")
        release.upgrade()
        release.cluster.until(lambda: all(release.are_ready(tier, 2) for tier in more), "two of each again")
    check_answers_and_counts(api, load)


def test_an_upgrade_in_two_steps_loses_nothing_nor_does_a_roll_back(api: Api, release: Release) -> None:
    key, before = release.secret_key(), release.revision()
    with under_load(api) as load:
        release.upgrade(HAND_OVER)
        assert (release.images("worker"), release.images("gateway")) == ({NEW}, {OLD})
        release.upgrade(NEWER)
        assert [release.images(tier) for tier in OWN] == [{NEW}] * len(OWN)
        release.roll_back(before + 1)
        assert (release.images("worker"), release.images("gateway")) == ({NEW}, {OLD})
        release.roll_back(before)
        assert [release.images(tier) for tier in OWN] == [{OLD}] * len(OWN)
    check_answers_and_counts(api, load)
    assert release.secret_key() == key


def test_a_node_is_drained_under_load(api: Api, release: Release) -> None:
    drain = ("drain", "node2", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=300s")
    with under_load(api) as load:
        release.cluster.kubectl(*drain)
        wanted = {"nginx": 2, "gateway": 2, "worker": 2, "query": 2, "files": 1}
        release.cluster.until(lambda: all(release.are_ready(*pair) for pair in wanted.items()), "all pods on one node")
        assert {pod["spec"]["nodeName"] for tier in TIERS for pod in release.pods(tier)} == {"node1"}
        written = load.batches
        release.cluster.until(lambda: load.batches > written + 3, "written to again")
    release.cluster.kubectl("uncordon", "node2")
    check_answers_and_counts(api, load)


def test_embedded_keeps_its_data_when_its_pod_goes(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    provide_volume(cluster, "data-one-eventide-embedded-0", tmp_path_factory.mktemp("embedded") / "volume")
    image = {"repository": "docker.io/library/eventide", "tag": "latest", "pullPolicy": "Never"}
    small = {"resources": VALUES["gateway"]["resources"]}
    cluster.install(
        "--wait", "--timeout", "5m", values={"mode": "embedded", "image": image, "embedded": small}, release="one"
    )
    command = ("exec", "one-eventide-embedded-0", "--", "eventide", "env")
    before = cluster.kubectl(*command)
    cluster.kubectl("delete", "pod", "one-eventide-embedded-0")
    cluster.until(
        lambda: "Running" in cluster.kubectl("get", "pod", "--ignore-not-found", "one-eventide-embedded-0"), "back"
    )
    cluster.kubectl("wait", "--for=condition=Ready", "pod/one-eventide-embedded-0", "--timeout=120s")
    assert cluster.kubectl(*command) == before
    cluster.helm("uninstall", "one")
