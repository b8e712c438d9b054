"""Forms that documents had in older versions of the API, which clients of these versions still send and expect."""

from __future__ import annotations

from collections.abc import Iterable

from schema.registry.tables import MODELS, PROJECTS, TASKS, Kind

# The first version that has the form of today.
SYSTEM_TAGS = (2, 3)  # before: system tags stand among the tags
SECTIONS = (2, 9)  # before: hyper parameters are execution.parameters, configuration is execution.model_desc
MODEL_LISTS = (2, 13)  # before: models are execution.model and output.model, the container is execution.docker_cmd

LEGACY = "legacy"  # type of parameters that came in the old form
ARGS, TF_DEFINE = "Args", "TF_DEFINE"  # sections of parameters that came in the old form
KNOWN_SYSTEM_TAGS = {
    TASKS.name: ("active", "archived", "development"),
    MODELS.name: ("active", "archived"),
    PROJECTS.name: ("archived", "public", "default"),
}
ANNOTATION = "annotat"  # how system tags of tasks may begin, in any case


def partition_tags(kind: Kind, tags: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split tags of the old form into tags and system tags; a leading ``-``, as in filters, stays."""
    own: list[str] = []
    system: list[str] = []
    for tag in tags:
        (system if _is_system_tag(kind, tag) else own).append(tag)
    return own, system


def _is_system_tag(kind: Kind, tag: str) -> bool:
    name = tag.removeprefix("-")
    return name in KNOWN_SYSTEM_TAGS[kind.name] or (kind is TASKS and name.lower().startswith(ANNOTATION))
