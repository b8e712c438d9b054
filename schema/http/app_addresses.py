"""Addresses of the ClearML web application, which its SDK prints, as addresses of Eventide's page.

The SDK prints ``/projects/<project>/experiments/<task>/output/log`` (``tasks`` in place of ``experiments`` since API
2.31), and the application has a path for each of its views. The page's addresses are behind its ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

START = "#/tasks"
ROOTS = re.compile(
    "applications|dashboard|datasets|enqueue|hyper-datasets|login|model-endpoints|models|pipelines|profile|projects|"
    "queues|reports|search|settings|signup|workers-and-queues"
)
OF_TASK = re.compile(r"/(?:experiments|tasks)/(?P<task>[^/;]+)(?P<view>.*)")
OF_REPORT = re.compile(r"reports/[^/;]+/(?P<task>[^/;]+)(?P<view>)")
OF_SEVERAL = re.compile(r"/compare-(?:experiments|tasks)[^/]*;ids=(?P<tasks>[^/;]+)")
OF_PROJECT = re.compile(r"projects/(?P<project>[^/;*]+)")
NO_TASKS = frozenset(("", "*"))
# The first word of a view's path that is here names the page's tab; the rest of a task (execution, hyper parameters,
# artifacts, configuration) is on `info`.
TABS: Mapping[str, str] = {
    "log": "console",
    "console": "console",
    "scalar": "scalars",
    "scalars": "scalars",
    "plots": "plots",
    "debug-images": "images",
    "debugImages": "images",
}


def page_address(path: str) -> str | None:
    """Return the page's address (``#/…``) of a path of the application's, as in the URL.

    None if it is none.
    """
    path = path.strip("/")
    if not ROOTS.fullmatch(re.split(r"[/;]", path, maxsplit=1)[0]):
        return None
    if several := OF_SEVERAL.search(path):
        return "/".join(["#/compare", *map(_part, filter(None, unquote(several["tasks"]).split(",")))])
    found = OF_TASK.search(path) or OF_REPORT.fullmatch(path)
    if found and unquote(found["task"]) not in NO_TASKS:
        return f"#/task/{_part(unquote(found['task']))}/{_tab(found['view'])}"
    project = OF_PROJECT.match(path)
    return f"{START}?project={_part(unquote(project['project']))}" if project else START


def _tab(view: str) -> str:
    words = re.split(r"[/;]", view)
    return next((TABS[word] for word in words if word in TABS), "info" if any(words) else "scalars")


def _part(text: str) -> str:
    return quote(text, safe="")
