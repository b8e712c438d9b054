"""``eventide user``: roles, keys and users are taken back, and the processes that run hear of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.harness.access import REVOKED_SECONDS, bearer, status_of
from tests.harness.api import Api
from tests.harness.deployment import attempt_eventide, embedded

READ = "users.get_current_user"


def test_users_are_looked_after_by_commands(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment, Api(deployment.origins, deployment.add_user("c", "ann", "root")) as ann:
        listed = [json.loads(line) for line in deployment.command("user", "list").splitlines()]
        assert [user["name"] for user in listed if user["company_name"] == "c"] == ["ann"]
        told = deployment.command("user", "role", "--company", "c", "--name", "ann", "--role", "user")
        assert json.loads(told)["role"] == "user"
        time.sleep(REVOKED_SECONDS)
        assert ann.call(READ)["user"]["role"] == "user"
        deployment.command("user", "revoke", "--company", "c", "--name", "ann")
        time.sleep(REVOKED_SECONDS)
        assert status_of(ann.raw(READ, {}, headers=bearer(ann.token))) == 401
        deployment.command("user", "delete", "--company", "c", "--name", "ann")
        assert "ann" not in deployment.command("user", "list")
        for arguments in (["role", "--name", "admin", "--role", "user"], ["delete", "--name", "admin"]):
            assert attempt_eventide(["user", *arguments], deployment.environment).returncode == 1  # the last root
        for arguments in (["delete", "--name", "nobody"], ["delete"], ["add"], ["role", "--name", "admin"]):
            assert attempt_eventide(["user", *arguments], deployment.environment).returncode == 2
