"""What another company stores while the API is fuzzed: nobody reads it, nobody changes it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

from tests.harness.api import Api, Data, until
from tests.harness.events import image, log, model_events, plot, scalar, vector

LISTS = {
    "tasks.get_all_ex": "tasks",
    "models.get_all_ex": "models",
    "projects.get_all_ex": "projects",
    "reports.get_all_ex": "tasks",
    "users.get_all_ex": "users",
}
PUBLIC = {"id": ""}  # the company of what others have made public
VOLATILE = frozenset(("last_used", "last_used_from"))  # of its own key, which the look itself uses
SETTLED_SECONDS = 2.0


class Canary:
    """Documents and events of a company, every text of which contains ``mark``. ``ids``: by kind, known to fuzzers."""

    def __init__(self, api: Api) -> None:
        self.mark = f"canary-{secrets.token_hex(12)}"
        self._api = api
        named: Data = {"comment": self.mark, "tags": [self.mark]}
        project = api.call("projects.create", name=f"{self.mark}/inner", description=self.mark)["id"]
        model = api.create_model(self.mark, uri=f"file:///{self.mark}", project=project, **named)
        parameters = {"s": {self.mark: {"section": "s", "name": self.mark, "value": self.mark}}}
        task = api.create_task(self.mark, project=project, hyperparams=parameters, **named)
        names = {"metric": self.mark, "variant": self.mark}
        plots = [plot(task, 0, json.dumps({"t": self.mark}), **names), image(task, 0, f"http://h/{self.mark}", **names)]
        api.add(scalar(task, 0, 0.5, **names), vector(task, 0, (1, 2), **names), log(task, self.mark), *plots)
        api.add(*model_events([scalar(model, 0, 0.5, **names)]))
        report = api.call("reports.create", name=self.mark, project=project, report=self.mark)["id"]
        user = api.call("users.get_current_user")["user"]["id"]
        self.ids = {"project": [project], "model": [model], "task": [task, report], "user": [user]}
        self._before = until(self._settled, seconds=20)

    def check(self) -> None:
        """Raise AssertionError if anything of it is not as it was."""
        changed = list(_differences(self._before, self._seen(), ""))
        assert not changed, f"another company's data changed: {changed}"

    def _settled(self) -> dict[str, Any] | None:
        """Return what is stored, once the times of last updates, which come later, have come."""
        seen = self._seen()
        time.sleep(SETTLED_SECONDS)
        return seen if self._seen() == seen else None

    def _seen(self) -> dict[str, Any]:
        found: Data = {}
        for name, kind in LISTS.items():
            listed = self._api.call(name, search_hidden=True, page_size=500, page=0)[kind]
            found[name] = [document for document in listed if document.get("company") != PUBLIC]
        for task in (*self.ids["task"], *self.ids["model"]):
            is_model = task in self.ids["model"]
            found[task] = self._api.events(task, model_events=is_model)
        found["keys"] = [
            {name: value for name, value in key.items() if name not in VOLATILE}
            for key in self._api.call("auth.get_credentials")["credentials"]
        ]
        return found


def _differences(before: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the places in two values where they differ, with both."""
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        for name in before:
            yield from _differences(before[name], now[name], f"{path}/{name}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, pair in enumerate(zip(before, now, strict=True)):
            yield from _differences(*pair, f"{path}/{place}")
    elif before != now:
        yield path, before, now
