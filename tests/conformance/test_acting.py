"""Nobody gets a higher role than their own: by acting as others, by what they make while acting, by administering."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from schema.api.wire import Access
from tests.harness.access import ENDPOINTS, KNOWN_ONLY, basic, bearer, id_of, new_user, status_of, statuses
from tests.harness.api import Api, data_of, failure_of, until
from tests.harness.deployment import Deployment

READ = "users.get_current_user"
HEADERS = ["X-Clearml-Impersonate-As", "X-Clearml-Act-As", "X-Trains-Impersonate-As", "X-Trains-Act-As"]
ADMINISTRATION = ("users.set_role", "auth.edit_user", "users.revoke_access", "users.delete", "users.update")
ONESELF_ONLY = sorted(name for name, found in ENDPOINTS.items() if found.access is Access.ONESELF)
RANKS = {"user": 0, "admin": 1, "root": 2}


@dataclass
class Company:
    """Somebody of each role, and an administrator and a root of other companies."""

    user: Api
    admin: Api
    root: Api
    other_user: Api
    other_admin: Api

    def of(self, role: str) -> Api:
        """The one of a role."""
        found: Api = getattr(self, role)
        return found


@pytest.fixture(scope="module", params=["the first company", "another company"])
def company(request: pytest.FixtureRequest, eventide: Deployment) -> Iterator[Company]:
    """In the company of the first user for one, whose root must make no other administrator a root."""
    first = request.param == "the first company"
    name = "eventide" if first else f"company {secrets.token_hex(4)}"
    people = [new_user(eventide, role, name) for role in RANKS]
    others = [new_user(eventide, role) for role in ("user", "admin")]
    yield Company(*people, *others)
    for client in (*people, *others):
        client._client.close()


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("role", RANKS)
@pytest.mark.parametrize("target", RANKS)
def test_nobody_acts_as_a_higher_role(company: Company, role: str, target: str, header: str) -> None:
    allowed = RANKS[role] >= 1 and RANKS[role] >= RANKS[target]
    answer = company.of(role).raw(READ, {}, headers={header: id_of(company.of(target))})
    if allowed:
        assert data_of(answer)["user"]["role"] == target
    else:
        assert failure_of(answer) == (400, 6)


@pytest.mark.parametrize("header", HEADERS)
def test_only_roots_act_in_other_companies(company: Company, header: str) -> None:
    for target in (company.other_user, company.other_admin):
        assert failure_of(company.admin.raw(READ, {}, headers={header: id_of(target)})) == (400, 6)
        assert data_of(company.root.raw(READ, {}, headers={header: id_of(target)}))["user"]["id"] == id_of(target)


def test_no_endpoint_lets_an_administrator_act_as_a_root(company: Company, api: Api) -> None:
    """Through Basic credentials and through tokens."""
    assert company.admin.credentials
    for root in (company.root, api):
        for headers in (basic(company.admin.credentials), bearer(company.admin.token)):
            acting = headers | {"X-Clearml-Impersonate-As": id_of(root)}
            answers = statuses(company.admin, acting, KNOWN_ONLY)
            assert {name: code for name, code in answers.items() if code != 400} == {}
    for endpoint in ("login.supported_modes", "login.logout"):
        acting = bearer(company.admin.token) | {"X-Clearml-Act-As": id_of(company.root)}
        assert failure_of(company.admin.raw(endpoint, {}, headers=acting)) == (400, 6)


@pytest.mark.parametrize("role", ["admin", "root"])
def test_while_acting_nobody_makes_tokens_or_keys(company: Company, role: str) -> None:
    for header in HEADERS:
        acting = {header: id_of(company.user)}
        client = company.of(role)
        assert failure_of(client.raw("auth.login", {}, headers=acting)) == (403, 20)
        refused = statuses(client, bearer(client.token) | acting, ONESELF_ONLY)
        assert refused == dict.fromkeys(ONESELF_ONLY, 403)
    assert len(company.user.call("auth.get_credentials")["credentials"]) == 1


def test_what_only_people_themselves_may_do_is_all_that_makes_or_takes_keys() -> None:
    """Whoever adds such an endpoint says so in its table."""
    told = [name for name in ENDPOINTS if name.startswith(("audit.", "auth.", "quotas.", "users."))]
    told += ["projects.set_member", "projects.remove_member"]
    open_to_acting = {"auth.login", "auth.create_user", "auth.get_credentials", "auth.get_sessions"}
    open_to_acting |= {name for name in told if name.startswith("users.get_")}
    open_to_acting |= {"users.set_preferences", "users.update"}
    assert set(told) - open_to_acting == set(ONESELF_ONLY)


@pytest.mark.parametrize("role", RANKS)
@pytest.mark.parametrize("target", RANKS)
def test_nobody_administers_a_higher_role(company: Company, eventide: Deployment, role: str, target: str) -> None:
    name = company.user.call(READ)["user"]["company"]["name"]
    allowed = RANKS[role] >= 1 and RANKS[role] >= RANKS[target]
    with new_user(eventide, target, name) as victim:
        client, user = company.of(role), id_of(victim)
        if not allowed:
            for action in ADMINISTRATION:
                assert client.fail(action, user=user, role="user", name="x") == (403, 20)
            assert victim.call(READ)["user"]["role"] == target
        else:
            assert client.call("users.update", user=user, name="x")["updated"] == 1
            assert client.call("users.set_role", user=user, role="user")["updated"] == 1
            assert client.call("auth.edit_user", user=user, role=role) == {"updated": 1, "fields": {"role": role}}
            assert until(lambda: victim.call(READ)["user"]["role"] == role)
            assert client.call("users.set_role", user=user, role="user")["updated"] == 1
            assert client.call("users.delete", user=user)["deleted"] == 1
            assert client.fail("users.delete", user=user) == (400, 301)


@pytest.mark.parametrize(("role", "given"), [("admin", "root"), ("user", "admin"), ("user", "user")])
def test_nobody_gives_a_role_above_their_own(company: Company, eventide: Deployment, role: str, given: str) -> None:
    name = company.user.call(READ)["user"]["company"]["name"]
    with new_user(eventide, "user", name) as victim:
        for action in ("users.set_role", "auth.edit_user"):
            assert company.of(role).fail(action, user=id_of(victim), role=given) == (403, 20)
            assert company.of(role).fail(action, user=id_of(company.of(role)), role=given) == (403, 20)
        assert victim.call(READ)["user"]["role"] == "user"


def test_another_companys_users_do_not_exist_for_administrators(company: Company) -> None:
    for user in (id_of(company.other_user), "0" * 32):
        for action in ADMINISTRATION:
            assert company.admin.fail(action, user=user, role="user", name="x") == (400, 301)
    assert status_of(company.other_user.raw(READ, {})) == 200


def test_an_administrator_who_was_made_in_the_first_company_is_no_root(eventide: Deployment, stranger: Api) -> None:
    with new_user(eventide, "admin", "eventide") as admin:
        assert admin.call(READ)["user"]["role"] == "admin"
        task = stranger.create_task()
        assert admin.fail("tasks.get_by_id", task=task) == (400, 101)
        key = admin.call("auth.create_credentials")["credentials"]
        with Api(admin.origins, type(eventide.credentials)(key["access_key"], key["secret_key"])) as again:
            assert again.call(READ)["user"]["role"] == "admin"
            acting = {"X-Clearml-Act-As": id_of(stranger)}
            assert failure_of(again.raw(READ, {}, headers=acting)) == (400, 6)
