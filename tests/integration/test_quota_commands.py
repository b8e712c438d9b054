"""``eventide quota``: limits are set where nobody is logged in, and what is used outlives the process."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from tests.harness.api import Api, Data, until
from tests.harness.deployment import Deployment, attempt_eventide, embedded
from tests.harness.events import log

IN_FORCE_SECONDS = 4.0
BYTES = "bytes_per_day"


def told(deployment: Deployment, *arguments: str) -> list[Data]:
    return [json.loads(line) for line in deployment.command("quota", *arguments).splitlines()]


def test_limits_are_set_by_commands_and_usage_outlives_the_process(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment:
        keys = deployment.add_user("c", "ann")
        with Api(deployment.origins, keys) as ann:
            task = ann.create_task()
            assert told(deployment, "list") == []
            (line,) = told(deployment, "set", "--company", "c", "--kind", BYTES, "--limit", "3000")
            assert (line["name"], line["scope"], line["limit"]) == ("c", "company", 3000)
            time.sleep(IN_FORCE_SECONDS)
            ann.add(log(task, "x" * 2000))
            assert ann.fail_batch([log(task, "x" * 1000)]) == (403, 30)
            (line,) = until(lambda: [one for one in told(deployment, "usage") if one["used"]])
            assert 2000 < line["used"] < 3000
            assert line["used_ratio"] == round(line["used"] / 3000, 4)
            metrics = httpx.get(f"{deployment.origins.gateway}/metrics").text
            assert f'eventide_quota_used_ratio{{id="{line["id"]}",kind="{BYTES}",scope="company"}} 0.' in metrics
            assert f'eventide_quota_refusals_total{{kind="{BYTES}",scope="company"}} 1.0' in metrics
    with embedded(tmp_path) as deployment, Api(deployment.origins, keys) as ann:
        assert ann.fail_batch([log(task, "x" * 1000)]) == (403, 30)
        assert told(deployment, "unset", "--company", "c", "--kind", BYTES) == []
        time.sleep(IN_FORCE_SECONDS)
        ann.add(log(task, "x" * 1000))


def test_projects_and_users_are_named_by_id_or_name(tmp_path: Path) -> None:
    with embedded(tmp_path, {"QUOTA_BYTES_PER_DAY": "1000000"}) as deployment:
        with Api(deployment.origins, deployment.add_user("c", "ann")) as ann:
            project = ann.call("projects.create", name="a/b", description="")["id"]
        for flags in (["--project", "a/b"], ["--project", project], ["--user", "ann"]):
            (line,) = told(deployment, "set", "--company", "c", *flags, "--kind", BYTES, "--limit", "7")
            assert (line["name"], line["limit"]) == (flags[1] if flags[1] != project else "a/b", 7)
        listed = told(deployment, "list")
        assert [(line["scope"], line["is_default"]) for line in listed if line["name"] != "eventide"] == [
            ("project", False),
            ("user", False),
            ("company", True),
        ]
        for wrong in (
            ["set", "--kind", BYTES],
            ["set", "--kind", BYTES, "--limit", "-1"],
            ["set", "--limit", "1"],
            ["set", "--kind", BYTES, "--limit", "1", "--company", "nobody"],
            ["set", "--kind", BYTES, "--limit", "1", "--company", "c", "--user", "nobody"],
            ["unset", "--kind", BYTES, "--company", "c", "--user", "ann", "--project", project],
        ):
            assert attempt_eventide(["quota", *wrong], deployment.environment).returncode == 2, wrong
