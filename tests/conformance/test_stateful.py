"""Random writes, overwrites, repeated requests, deletes and reads of one task, compared with an oracle in memory."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.harness.api import Api, Data
from tests.harness.events import (
    ABSENT,
    IMAGE,
    LOG,
    PLOT,
    SCALAR,
    TYPES,
    VECTOR,
    Event,
    image,
    log,
    plot,
    scalar,
    vector,
)
from tests.harness.oracle import Oracle
from tests.harness.reference import histogram

SETTINGS = settings(max_examples=10, stateful_step_count=14, suppress_health_check=list(HealthCheck))
FUTURE = 4_000_000_000_000
NAMES = st.fixed_dictionaries({"metric": st.sampled_from(["a", "b", ""]), "variant": st.sampled_from(["v", "w"])})
ITERATIONS = st.sampled_from([-2, -1, 0, 0, 1, 2, 3, 70, ABSENT, None])
TIMES = st.sampled_from([10, 20, 30, 40, FUTURE])
KEYS = st.sampled_from([ABSENT, ABSENT, "k", None])
NUMBERS = st.integers(-50, 50).map(float)
FILTERS = st.lists(st.sampled_from(["a", "b", "", "none"]), max_size=2, unique=True)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event of a task that is filled in later."""
    event_type = draw(st.sampled_from([*TYPES, SCALAR, SCALAR, LOG]))
    common = draw(NAMES) | {"timestamp": draw(TIMES)}
    if event_type == LOG:
        return log("", str(draw(NUMBERS)), **common)
    common |= {"iter": draw(ITERATIONS), "key": draw(KEYS)}
    if event_type == SCALAR:
        return scalar("", value=draw(NUMBERS), **common)
    if event_type == PLOT:
        return plot("", plot_str=str(draw(NUMBERS)), **common)
    if event_type == IMAGE:
        return image("", url=str(draw(NUMBERS)), **common)
    return vector("", values=ABSENT, value=[draw(NUMBERS)], **common)


class Task(RuleBasedStateMachine):
    """One task and what it should hold."""

    api: Api

    def __init__(self) -> None:
        super().__init__()
        self.task = self.api.create_task()
        self.oracle = Oracle()
        self.last_batch: list[Event] = []

    # --- writes -------------------------------------------------------------------------------------------------------

    @rule(drawn=st.lists(events(), min_size=1, max_size=10))
    def add(self, drawn: list[Event]) -> None:
        self._add([event | {"task": self.task} for event in drawn])

    @precondition(lambda self: self.last_batch)
    @rule()
    def repeat_the_last_request(self) -> None:
        self._add(self.last_batch)

    def _add(self, batch: list[Event]) -> None:
        self.api.add(*batch)
        self.oracle.add(batch)
        self.last_batch = batch

    @rule()
    def delete_all(self) -> None:
        assert self.api.call("events.delete_for_task", task=self.task) == {"deleted": self.oracle.delete()}

    @rule(include=FILTERS, exclude=FILTERS, age=st.sampled_from([0, 10]))
    def clear_the_log(self, include: list[str], exclude: list[str], age: int) -> None:
        fields = {"include_metrics": include, "exclude_metrics": exclude, "threshold_sec": age}
        answer = self.api.call("events.clear_task_log", fields, task=self.task)

        def invalidated(line: Event) -> bool:
            is_old = not age or line["timestamp"] != FUTURE
            return is_old and (not include or line["metric"] in include) and line["metric"] not in exclude

        assert answer == {"deleted": self.oracle.clear_log(invalidated)}

    @rule()
    def reset(self) -> None:
        self.api.call("tasks.reset", task=self.task, force=True)
        self.oracle.reset()

    # --- reads --------------------------------------------------------------------------------------------------------

    @rule(event_type=st.sampled_from(["*", *TYPES]), order=st.sampled_from(["asc", "desc"]), size=st.integers(2, 30))
    def read_all_events(self, event_type: str, order: str, size: int) -> None:
        request = {"task": self.task, "event_type": event_type, "order": order, "batch_size": size}
        answer = self.api.call("events.get_task_events", request)
        found = answer["events"]
        while answer["events"]:
            answer = self.api.call("events.get_task_events", request, scroll_id=answer["scroll_id"])
            found += answer["events"]
        types = TYPES if event_type == "*" else [event_type]
        assert without_times(found) == self.oracle.by_iteration(types, descending=order == "desc")
        assert answer["total"] == len(found)

    @rule(size=st.integers(1, 5), start=st.sampled_from([0, 15, 20, 30]), earlier=st.booleans())
    def read_a_page_of_the_log(self, size: int, start: int, earlier: bool) -> None:
        fields = {"batch_size": size, "from_timestamp": start, "navigate_earlier": earlier}
        answer = self.api.call("events.get_task_log", fields, task=self.task)
        assert without_times(answer["events"]) == self.oracle.log_page(size, start, earlier=earlier)
        assert answer["total"] == len(self.oracle.of(LOG))

    @rule(samples=st.sampled_from([1, 2, 3, 5, 50, 2000]), key=st.sampled_from(["iter", "timestamp"]))
    def read_curves(self, samples: int, key: Any) -> None:
        found = self.api.call("events.scalar_metrics_iter_histogram", task=self.task, samples=samples, key=key)
        assert found == histogram(self.oracle.curves(), samples, key)

    @rule()
    def read_names(self) -> None:
        for event_type, kind in ((SCALAR, "scalar"), (VECTOR, "vector")):
            found = self.api.call(f"events.get_{kind}_metrics_and_variants", task=self.task)["metrics"]
            assert found == self.oracle.names(event_type)

    @rule(count=st.integers(1, 3))
    def read_plots(self, count: int) -> None:
        found = self.api.call("events.get_task_plots", task=self.task, iters=count)["plots"]
        assert without_times(found) == self.oracle.last_plots(count)

    @rule()
    def read_statistics(self) -> None:
        document = self.api.task(self.task)
        assert document["last_iteration"] == self.oracle.last_iteration
        assert statistics_of(document) == {
            (md5(metric), md5(variant)): (summary.value, *summary.first, *summary.low, *summary.high)
            for (metric, variant), summary in self.oracle.summaries.items()
        }


FIELDS = ("value", *(f"{name}_value{what}" for name in ("first", "min", "max") for what in ("", "_iteration")))


def statistics_of(document: Data) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The summaries of a task's document, as tuples."""
    return {
        (metric, variant): tuple(summary[name] for name in FIELDS)
        for metric, variants in document["last_metrics"].items()
        for variant, summary in variants.items()
    }


def md5(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def without_times(found: list[Event]) -> list[Event]:
    """Events without the server's own time."""
    return [{name: value for name, value in event.items() if name != "@timestamp"} for event in found]


def test_any_sequence_of_calls_leaves_what_the_oracle_says(api: Api) -> None:
    class ApiTask(Task):
        pass

    ApiTask.api = api
    run_state_machine_as_test(ApiTask, settings=SETTINGS)
