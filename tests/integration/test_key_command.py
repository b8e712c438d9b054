"""``eventide key``: keys are made, listed and revoked while nobody has to be logged in."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.harness.access import REVOKED_SECONDS, basic, status_of
from tests.harness.api import Api, Credentials
from tests.harness.deployment import attempt_eventide, embedded


def test_keys_are_looked_after_by_commands(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment, Api(deployment.origins, None) as nobody:
        deployment.add_user("c", "ann")
        ann = ("--company", "c", "--name", "ann")
        made = json.loads(
            deployment.command("key", "create", *ann, "--scope", "read", "--expires-in", "90d", "--label", "board")
        )
        key = Credentials(made.pop("access_key"), made.pop("secret_key"))
        assert (made["scope"], made["label"], made["name"]) == ("read", "board", "ann")
        assert status_of(nobody.raw("projects.get_all", {}, headers=basic(key))) == 200
        assert status_of(nobody.raw("tasks.create", {}, headers=basic(key))) == 403
        listed = [json.loads(line) for line in deployment.command("key", "list", *ann).splitlines()]
        assert {one["access_key"]: (one["scope"], one["expires"]) for one in listed}[key.access_key] == (
            "read",
            made["expires"],
        )
        assert len(listed) == 2
        assert key.secret_key not in deployment.command("key", "list")
        assert key.access_key in deployment.command("key", "revoke", "--key", key.access_key)
        time.sleep(REVOKED_SECONDS)
        assert status_of(nobody.raw("projects.get_all", {}, headers=basic(key))) == 401
        assert key.access_key not in deployment.command("key", "list")
        wrong = (["revoke"], ["revoke", "--key", "x"], ["create"], ["create", *ann, "--expires-in", "0d"])
        for arguments in wrong:
            assert attempt_eventide(["key", *arguments], deployment.environment).returncode == 2
