"""``eventide member``: users are given roles in projects while nobody has to be logged in."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.harness.access import REVOKED_SECONDS
from tests.harness.api import Api
from tests.harness.deployment import attempt_eventide, embedded


def test_members_are_looked_after_by_commands(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment:
        ann, bob = (Api(deployment.origins, deployment.add_user("c", name)) for name in ("ann", "bob"))
        project = ann.call("projects.create", name="team/secret")["id"]
        where = ("--company", "c", "--project", "team/secret")
        made = json.loads(deployment.command("member", "set", *where, "--name", "ann", "--role", "writer"))
        assert (made["name"], made["role"], made["project"]) == ("ann", "writer", project)
        time.sleep(REVOKED_SECONDS)
        assert ann.call("projects.get_by_id", project=project)
        assert bob.fail("projects.get_by_id", project=project) == (400, 401)
        deployment.command("member", "set", *where, "--name", "bob", "--role", "viewer")
        listed = deployment.command("member", "list", "--company", "c").splitlines()
        assert [json.loads(line)["name"] for line in listed] == ["ann", "bob"]
        time.sleep(REVOKED_SECONDS)
        assert bob.fail("projects.create", name="team/secret/below") == (403, 21)
        assert "bob" not in deployment.command("member", "remove", *where, "--name", "bob")
        wrong = (["set", *where, "--name", "ann"], ["set", "--company", "c", "--name", "ann", "--role", "viewer"])
        nobody = ["set", *where, "--name", "nobody", "--role", "viewer"]
        for arguments in (*wrong, nobody, ["list", "--company", "c", "--project", "x"]):
            assert attempt_eventide(["member", *arguments], deployment.environment).returncode == 2
        ann.__exit__(None, None, None)
        bob.__exit__(None, None, None)
