"""``eventide quota list|set|unset|usage``: limits of companies, projects and users, and how much of them is used."""

from __future__ import annotations

import json

from deploy import components
from schema.errors import ConfigError
from schema.quotas.kinds import KINDS, Kind, Scope, Subject
from schema.quotas.report import QuotaLine, quota_lines
from schema.registry import PROJECTS, OneOf, Quota, Registry, View, some
from schema.settings import Settings


async def quota(
    settings: Settings, action: str, kind: str | None, limit: int | None, project: str | None, user: str | None
) -> None:
    """Do one thing, and print quotas as JSON, one line for each: all, or the one that was changed.

    A change is in force within 4 s in running processes. Raises ConfigError for what is missing or unknown.
    """
    if action == "set" and (limit is None or limit < 0):
        raise ConfigError("quota set: --limit is missing, or negative")
    defaults = components.quota_defaults(settings)
    async with components.migrated_registry(settings) as registry:
        if action in ("list", "usage"):
            _print([line for line in await quota_lines(registry, defaults) if kind in (None, line.kind)], action)
        else:
            company, subject = await _subject(registry, settings.company, project, user)
            await _change(registry, company, subject, _checked(kind, subject), limit if action == "set" else None)
            lines = await quota_lines(registry, defaults, company)
            _print([line for line in lines if (line.kind, line.scope, line.id) == (kind, *subject)], action)


async def _change(registry: Registry, company: str, subject: Subject, kind: Kind, limit: int | None) -> None:
    """Set a limit; None: remove it."""
    if limit is None:
        await registry.unset_quota(subject.scope, subject.id, kind)
    else:
        await registry.set_quota(Quota(company, subject.scope, subject.id, kind, limit))


async def _subject(registry: Registry, company: str, project: str | None, user: str | None) -> tuple[str, Subject]:
    """Return the company's id, and what is to be limited. ``project``, ``user``: ids or names."""
    if project and user:
        raise ConfigError("--project and --user: a quota is of one of them")
    company_id = _only([i for i, name in (await registry.company_names()).items() if company in (i, name)], "company")
    if project:
        named = some(OneOf("id", (project,)), OneOf("name", (project,)))
        projects = await registry.find(PROJECTS, View(company_id), named)
        found = [project["id"] for project in projects if project["company"] == company_id]
        return company_id, Subject(Scope.PROJECT, _only(found, "project"))
    if user:
        found = [one.id for one in await registry.users_of(company_id) if user in (one.id, one.name)]
        return company_id, Subject(Scope.USER, _only(found, "user"))
    return company_id, Subject(Scope.COMPANY, company_id)


def _only(ids: list[str], flag: str) -> str:
    if len(ids) != 1:
        raise ConfigError(f"--{flag}: {len(ids)} are called that; give the id of one")
    return ids[0]


def _checked(kind: str | None, subject: Subject) -> Kind:
    """Return the kind. Raises ConfigError if it is missing, or none of the subject's scope."""
    kinds = [known for known, info in KINDS.items() if subject.scope in info.scopes]
    if kind not in kinds:
        raise ConfigError(f"--kind: of a {subject.scope} one of {', '.join(kinds)} is expected")
    return Kind(kind)


def _print(lines: list[QuotaLine], action: str) -> None:
    for line in lines:
        shown = vars(line) | {"used_ratio": round(line.used / line.limit, 4) if line.limit else 1.0}
        hidden = () if action == "usage" else ("used", "used_ratio")
        print(json.dumps({name: value for name, value in shown.items() if name not in hidden}))
