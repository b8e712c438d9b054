"""``eventide member set|list|remove``: who works in private projects."""

from __future__ import annotations

import json

from deploy import components
from deploy.users import one_user
from schema.errors import ConfigError
from schema.registry import PROJECTS, Document, OneOf, Registry, View, company_id_of
from schema.settings import Settings


async def member(
    settings: Settings, action: str, project: str | None, name: str | None, user_id: str | None, role: str | None
) -> None:
    """Do one thing, and print the members as JSON, one a line. It takes effect within 5 s in running processes.

    Raises ConfigError for a project or user that cannot be told.
    """
    async with components.migrated_registry(settings) as registry:
        company = company_id_of(settings.company)
        found = await _project(registry, company, project) if project else None
        if action != "list":
            await _change(registry, settings, found, name, user_id, role if action == "set" else "")
        for one in await registry.members_of_company(company):
            if found is None or one.project == found["id"]:
                print(json.dumps(vars(one)))


async def _change(
    registry: Registry,
    settings: Settings,
    project: Document | None,
    name: str | None,
    user_id: str | None,
    role: str | None,
) -> None:
    """Give a user a role in a project; an empty one: none."""
    if project is None or role is None:
        raise ConfigError(
            "member set|remove: --project is missing" if project is None else "member set: --role is missing"
        )
    user = await one_user(registry, settings, name, user_id)
    if user.company != project["company"]:
        raise ConfigError("The user is of another company than the project")
    if role:
        await registry.set_members(user.company, project["id"], {user.id: role})
    else:
        await registry.remove_member(project["id"], user.id)


async def _project(registry: Registry, company: str, name: str) -> Document:
    found = await registry.find(PROJECTS, View(company), OneOf("name", (name.strip("/"),)))
    own = [project for project in found if project["company"] == company]
    if not own:
        raise ConfigError(f"There is no project {name} in this company (--company)")
    return own[0]
