"""Secrets of the chart: each tier has those that it needs, in files, whoever made them."""

from __future__ import annotations

import re

import pytest

from schema.settings import PREFIX
from tests.chart.render import Document, Helm, Refused, Rendered
from tests.chart.value_sets import EMBEDDED, OWN, SECURED, VALUE_SETS
from tests.unit.test_deploy_files import NEEDED

TIERS = ("migrate", "gateway", "worker", "query", "files")
PLAIN = {"KAFKA_BOOTSTRAP"}  # an address, without a password
OPTIONAL = {"WEB_SECRET_KEY"}


def kept(rendered: Rendered, tier: str) -> set[str]:
    """The settings in a tier's own Secret."""
    secret: Document = rendered.of_kind("Secret").get(tier, {"stringData": {}})
    return {name.removeprefix(PREFIX) for name in secret["stringData"]}


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_has_the_secrets_that_it_needs(helm: Helm, tier: str) -> None:
    rendered = helm.render()
    needed = NEEDED[tier] - PLAIN - OPTIONAL
    assert kept(rendered, tier) == needed
    path = "/run/secrets/eventide/"
    files = {name: value for name, value in rendered.environment(tier).items() if name.endswith("_FILE")}
    assert files == {f"{PREFIX}{name}_FILE": f"{path}{PREFIX}{name}" for name in needed}
    (mount,) = (one for one in rendered.container(tier)["volumeMounts"] if one["name"] == "secrets")
    assert (f"{mount['mountPath']}/", mount["readOnly"]) == (path, True)


@pytest.mark.parametrize("tier", TIERS)
def test_existing_secrets_are_used_and_not_copied(helm: Helm, tier: str) -> None:
    rendered = helm.render(SECURED)
    assert tier not in rendered.of_kind("Secret")
    found = rendered.secret_files(tier)
    assert {name.removeprefix(PREFIX) for name in found} >= NEEDED[tier] - PLAIN
    assert all(value.startswith("my-") for name, value in found.items() if name.startswith(PREFIX))
    files = {v.rpartition("/")[2] for n, v in rendered.environment(tier).items() if v.startswith("/run/secrets/")}
    assert files == found.keys()


def test_no_secret_is_in_a_variable(helm: Helm) -> None:
    for values in VALUE_SETS.values():
        for document in helm.render(values).documents:
            if document["kind"] != "Secret":
                assert "word@" not in str(document)


def test_what_is_not_given_is_made_once_and_differs_from_another_release(helm: Helm) -> None:
    secrets = helm.render().of_kind("Secret")
    tokens = {secrets[tier]["stringData"]["EVENTIDE_TOKEN_SECRET"] for tier in ("gateway", "query", "files")}
    assert [len(token) for token in tokens] == [48]
    made = secrets["migrate"]["stringData"]["EVENTIDE_SECRET_KEY"]
    assert len(made) == 48
    assert made not in tokens
    other = helm.render({"commonLabels": {"another": "rendering"}}).of_kind("Secret")
    assert other["gateway"]["stringData"]["EVENTIDE_TOKEN_SECRET"] not in tokens


def test_a_tier_may_have_a_user_of_its_own(helm: Helm) -> None:
    for document in helm.render(OWN).documents:
        if document["kind"] in ("Deployment", "StatefulSet"):
            is_worker = document["metadata"]["name"] == "events-worker"
            assert ("worker-kafka" in str(document)) == is_worker


def test_the_embedded_pod_makes_its_own(helm: Helm) -> None:
    rendered = helm.render(EMBEDDED, services=False)
    assert not rendered.of_kind("Secret")
    assert [one["name"] for one in rendered.pods()["embedded"]["spec"]["volumes"]] == ["tmp"]


def test_a_changed_secret_starts_its_tiers_anew_and_no_others(helm: Helm) -> None:
    def checksums(url: str) -> dict[str, str]:
        pods = helm.render({"secrets": {"tokenSecret": {"value": "t" * 40}, "clickhouseUrl": {"value": url}}}).pods()
        return {tier: pod["metadata"]["annotations"]["checksum/configuration"] for tier, pod in pods.items()}

    before, after = checksums("http://a@clickhouse:8123/e"), checksums("http://b@clickhouse:8123/e")
    assert {tier for tier in before if before[tier] != after[tier]} == {"worker", "query"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"secrets": {"tokenSecret": {"value": "short"}}}, "tokenSecret"),
        ({"secrets": {"clickhouseUrl": {"value": "clickhouse:8123"}}}, "clickhouseUrl"),
        ({"secrets": {"registryUrl": {"value": ""}}}, "secrets.registryUrl: set `value`, or `existingSecret`"),
        ({"secrets": {"tokenSecret": {"existingSecret": "mine"}}}, "secrets.tokenSecret.key: set the key in mine"),
        (
            {"worker": {"secrets": {"kafkaSaslPassword": {"existingSecret": "w"}}}},
            "worker.secrets.kafkaSaslPassword.key: set",
        ),
        ({"secrets": {"password": {"value": "x"}}}, "password"),
    ],
)
def test_secrets_that_are_none_are_refused(helm: Helm, values: Document, reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        helm.render(values)
