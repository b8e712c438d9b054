"""API contract 6.9: events as columns, in files of three formats."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from query.columns.events import PAGE_ROWS
from schema.events.tables import SCALAR
from tests.harness.api import Api, failure_of
from tests.harness.events import ABSENT, IMAGE, PLOT, SINGLE_VALUE, VECTOR, image, log, plot, scalar, vector

RAW, EVENTS, LOG = "events.scalar_metrics_iter_raw", "events.get_task_events", "events.download_task_log"
MEDIA = "application/vnd.apache.arrow.stream"


def columns(api: Api, action: str, file_format: str = "arrow", **fields: Any) -> pa.Table:
    """The file that a call answers with."""
    answer = api.raw(action, {"format": file_format, **fields})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].endswith(f".{file_format}")
    if file_format == "arrow":
        return pa.ipc.open_stream(answer.content).read_all()
    if file_format == "parquet":
        return pq.read_table(io.BytesIO(answer.content))
    text = pa_csv.ConvertOptions(strings_can_be_null=False)
    return pa_csv.read_csv(io.BytesIO(answer.content), convert_options=text)


def put(api: Api, table: pa.Table) -> None:
    body = pa.BufferOutputStream()
    with pa.ipc.new_stream(body, table.schema) as file:
        file.write_table(table)
    answer = api.raw("events.add_batch", content=body.getvalue().to_pybytes(), headers={"Content-Type": MEDIA})
    assert answer.json()["data"]["added"] == table.num_rows


@pytest.mark.parametrize("file_format", ["arrow", "parquet", "csv"])
def test_scalars_are_the_same_to_the_last_bit(api: Api, task: str, file_format: str) -> None:
    values = [0.1, -1e-300, 3e38, 5.0, 2**-149]
    api.add(*(scalar(task, step, value, "m", "a/ü", timestamp=7) for step, value in enumerate(values)))
    api.add(scalar(task, ABSENT, 0.2, "n"), scalar(task, SINGLE_VALUE, 0.3, "Summary"), scalar(task, 1, 0.4, "n"))
    found = columns(api, RAW, file_format, task=task, metric={"metric": "m", "variants": ["a/ü"]}).to_pydict()
    assert found["iter"] == [0, 1, 2, 3, 4]
    assert [value.hex() for value in map(float, found["value"])] == [value.hex() for value in values]
    assert set(found["task"]) == {task}
    assert (set(found["variant"]), set(found["timestamp"])) == ({"a/ü"}, {7})
    every = columns(api, RAW, file_format, task=task)
    assert every.num_rows == 8
    assert sorted(every["iter"].to_pylist()[-2:], key=str) == [1, None]
    assert every["value"].to_pylist()[0] == 0.3


def test_many_pages_have_each_point_once(api: Api, task: str) -> None:
    points = PAGE_ROWS[SCALAR] + 1000
    per_curve = points // 3
    steps = pa.array([step for _ in range(3) for step in range(per_curve)])
    names = pa.array([f"v{curve}" for curve in range(3) for _ in range(per_curve)])
    table = pa.table(
        {
            "type": pa.array([SCALAR] * len(steps)),
            "task": pa.array([task] * len(steps)),
            "metric": pa.array(["m"] * len(steps)),
            "variant": names,
            "iter": steps,
            "value": steps.cast(pa.float64()),
        }
    )
    put(api, table)
    found = columns(api, RAW, task=task)
    assert found.num_rows > PAGE_ROWS[SCALAR]
    assert found["variant"].to_pylist() == names.to_pylist()
    assert found["iter"].to_pylist() == found["value"].to_pylist() == steps.to_pylist()


def test_positions_between_pages_are_of_every_kind(api: Api, task: str) -> None:
    """A page has few plots, so that it ends within a metric, a variant, an iteration, and among events without one."""
    iterations = [*range(-3, PAGE_ROWS[PLOT]), ABSENT, None]
    sent = [
        plot(task, step, json.dumps([metric, variant, str(step)]), metric, variant)
        for metric in ("a", "b")
        for variant in ("", "x")
        for step in iterations
    ]
    sent += [plot(task, 5, str(key), "c", "keyed", key=key) for key in range(2 * PAGE_ROWS[PLOT])]
    api.add(*sent)
    found = columns(api, EVENTS, task=task, event_type=PLOT)
    assert sorted(found["plot_str"].to_pylist()) == sorted(event["plot_str"] for event in sent)
    some = columns(api, EVENTS, task=task, event_type=PLOT, metrics=[{"metric": "a", "variants": ["x"]}])
    assert some.num_rows == len(iterations)


def test_other_events(api: Api, task: str) -> None:
    api.add(vector(task, 1, (1, 2.5)), image(task, 2, "http://f/1.png", key="k", own={"a": 1}))
    (found,) = columns(api, EVENTS, task=task, event_type=VECTOR).to_pylist()
    assert json.loads(found["value"]) == [1, 2.5]
    (found,) = columns(api, EVENTS, task=task, event_type=IMAGE).to_pylist()
    assert (found["url"], found["discriminator"], json.loads(found["extras"])) == (
        "http://f/1.png",
        'k"k"',
        {"own": {"a": 1}},
    )


@pytest.mark.parametrize("file_format", ["arrow", "parquet", "csv"])
def test_the_console_in_its_order(api: Api, task: str, file_format: str) -> None:
    lines = ["third", 'with "quotes",\nand a line', "first"]
    api.add(*(log(task, line, timestamp=9 - number // 2) for number, line in enumerate(lines)))
    api.add(log(task, "newest", timestamp=20))
    found = columns(api, LOG, file_format, task=task)
    assert found["msg"].to_pylist() == ["first", "third", lines[1], "newest"]
    assert found["timestamp"].to_pylist() == [8, 9, 9, 20]


def test_what_was_deleted_or_replaced_is_not_there(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 0.1), log(task, "old"))
    api.call("events.delete_for_task", task=task)
    assert columns(api, RAW, task=task).num_rows == columns(api, LOG, task=task).num_rows == 0
    api.add(scalar(task, 1, 0.2))
    api.add(scalar(task, 1, 0.3))
    assert columns(api, RAW, task=task)["value"].to_pylist() == [0.3]
    assert columns(api, RAW, "parquet", task=api.create_task()).num_rows == 0


def test_they_can_be_asked_for_by_an_address(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 0.5, "loss"))
    answer = api.raw(RAW, method="GET", params={"task": task, "format": "csv", "metric.metric": "loss"})
    head, row = answer.text.splitlines()
    assert head.startswith('"task","metric","variant","iter","timestamp","worker","value"')
    assert row.startswith(f'"{task}","loss","v",1,')


def test_who_may_not_see_the_task_gets_nothing(api: Api, stranger: Api, nobody: Api, task: str) -> None:
    for action, event_type in ((RAW, ""), (LOG, ""), (EVENTS, PLOT)):
        fields = {"task": task, "format": "arrow"} | ({"event_type": event_type} if event_type else {})
        assert stranger.fail(action, fields) == (400, 101)
        answer = nobody.raw(action, fields)
        assert failure_of(answer) == (401, 20)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        (RAW, {"format": "xml"}),
        (RAW, {}),
        (EVENTS, {"format": "arrow"}),
        (EVENTS, {"format": "arrow", "event_type": "log"}),
        (LOG, {"format": "feather"}),
    ],
)
def test_what_cannot_be_a_file_is_refused(api: Api, task: str, action: str, fields: dict[str, Any]) -> None:
    assert api.fail(action, task=task, **fields) == (400, 12)
