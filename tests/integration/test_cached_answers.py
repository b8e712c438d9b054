"""What dashboards ask again and again of metrics, plots, images and single values is as it is stored, whatever came."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.writing import change_collector
from query import metrics, scalars, vectors
from query.curves import latest
from query.media import debug_images, plots, samples
from query.media.window_walk import Navigate, Target
from schema.api.wire import Answer, Caller, Reply
from schema.events.blocks import ALL, EVENTS, LOGS
from schema.registry import Entity
from tests.harness.cached_reads import TASKS, Written, writing
from tests.harness.events import LOG, SINGLE_VALUE, TYPES, Event, image, log, plot, scalar, vector

CALLER = Caller("user", "company 0", "user")
METRICS = ("loss", "f1")
Call = Callable[[Any], Awaitable[Answer | Reply]]


def calls(tasks: Sequence[Entity]) -> list[Call]:
    """What can be asked about them."""
    ids, one = [task.id for task in tasks], tasks[0].id
    targets = [Target(task=task) for task in ids]
    names: dict[str, Any] = {"task": one, "metric": METRICS[0], "variant": "v"}
    asked: list[tuple[Callable[..., Awaitable[Answer | Reply]], Any]] = [
        (scalars.get_task_single_value_metrics, scalars.GetTaskSingleValueMetrics(tasks=ids)),
        (vectors.vector_metrics_iter_histogram, vectors.VectorMetricsIterHistogram(**names)),
        (plots.get_task_plots, plots.GetTaskPlots(task=one, iters=2)),
        (plots.get_multi_task_plots, plots.GetMultiTaskPlots(tasks=ids)),
        (plots.plots, Navigate(metrics=targets)),
        (debug_images.debug_images, Navigate(metrics=targets, iters=2)),
        (samples.get_debug_image_sample, samples.GetDebugImageSample(**names)),
        (samples.get_plot_sample, samples.GetPlotSample(task=one, metric=METRICS[0])),
        *((metrics.get_task_metrics, metrics.GetTaskMetrics(tasks=ids, event_type=name)) for name in (*TYPES, "*")),
        *((metrics.get_multi_task_metrics, metrics.GetMultiTaskMetrics(tasks=ids, event_type=name)) for name in TYPES),
        (metrics.get_multi_task_metrics, metrics.GetMultiTaskMetrics(tasks=ids)),
        (metrics.get_scalar_metrics_and_variants, metrics.GetMetricsAndVariants(task=one)),
        (latest.get_task_latest_scalar_values, latest.GetTaskLatestScalarValues(task=one)),
    ]
    return [bound(*one) for one in asked]


def bound(call: Callable[..., Awaitable[Answer | Reply]], request: Any) -> Call:
    return lambda context: call(context, CALLER, request)


def some_events(chance: random.Random) -> list[Event]:
    makers: list[Callable[..., Event]] = [scalar, vector, image, plot, log]
    made = []
    for _ in range(chance.randrange(1, 6)):
        place = {"metric": chance.choice(METRICS), "variant": chance.choice("vw"), "iter": chance.randrange(9)}
        make = chance.choice(makers)
        made.append(make("", **place))
    if chance.random() < 0.3:
        made.append(scalar("", iter=SINGLE_VALUE, metric="Summary", variant=chance.choice("vw"), value=chance.random()))
    return made


async def ask(written: Written, call: Call) -> int:
    """How often the store is asked for an answer that is the same as for who has no memory."""
    before = written.store.asked
    told = _data(await call(written.remembering))
    count = written.store.asked - before
    expected = _data(await call(written.asking))
    assert {**told, "scroll_id": None} == {**expected, "scroll_id": None}
    return count


def _data(answer: Answer | Reply) -> dict[str, Any]:
    if isinstance(answer, Reply):
        answer = orjson.loads(answer.raw_data) if answer.raw_data else answer.data
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("seed", range(2))
def test_what_is_remembered_is_what_is_stored(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance, spared = random.Random(seed), 0
        async with writing(tmp_path) as written:
            for _ in range(25):
                task = chance.choice(TASKS)
                if chance.random() < 0.15:
                    await written.delete(task, chance.choice([EVENTS, LOGS, ALL]))
                await written.write(task, *some_events(chance))
                for call in chance.sample(calls(chance.sample(TASKS, chance.randrange(1, 3))), 6):
                    spared += await ask(written, call) == 0
            assert spared > 50

    asyncio.run(scenario())


@pytest.mark.parametrize("is_told", [True, False])
def test_plots_and_images_stand_still_while_scalars_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    """Also where so much is written at once that nobody is told of it."""
    monkeypatch.setattr(change_collector, "MAX_CURVES", change_collector.MAX_CURVES if is_told else 0)

    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], plot(""), image(""), vector(""))
            still = calls(TASKS[:1])[1:8]
            for call in still:
                await ask(written, call)
            for number in range(3):
                await written.write(TASKS[0], scalar("", iter=number), log(""))
                assert [await ask(written, call) for call in still] == [0] * len(still)
            await written.write(TASKS[0], plot("", iter=1), image("", iter=1), vector("", iter=1, metric=METRICS[0]))
            assert 0 not in [await ask(written, call) for call in still]

    asyncio.run(scenario())


def test_metrics_go_with_the_events_that_had_them(tmp_path: Path) -> None:
    of_any = metrics.GetMultiTaskMetrics(tasks=[TASKS[0].id], event_type=LOG)
    on_axis = metrics.GetTaskMetrics(tasks=[TASKS[0].id], event_type=LOG)
    of_one = metrics.GetMetricsAndVariants(task=TASKS[0].id)

    async def scenario() -> None:
        async with writing(tmp_path) as written:

            async def expect(names: list[str], names_on_axis: list[str], curves: dict[str, list[str]]) -> None:
                for context in (written.remembering, written.asking):
                    found = _data(await metrics.get_scalar_metrics_and_variants(context, CALLER, of_one))
                    assert found == {"metrics": curves}
                    found = _data(await metrics.get_multi_task_metrics(context, CALLER, of_any))
                    assert found == {"metrics": [{"metric": name, "variants": ["v"]} for name in names]}
                    found = _data(await metrics.get_task_metrics(context, CALLER, on_axis))
                    assert found == {"metrics": [{"task": TASKS[0].id, "metrics": names_on_axis}]}

            await written.write(TASKS[0], log("", metric="old", variant="v", iter=1), scalar("", metric="loss"))
            await expect(["old"], ["old"], {"loss": ["v"]})
            await written.delete(TASKS[0], LOGS)
            await expect([], [], {"loss": ["v"]})
            placeless = log("", metric="placeless", variant="v")
            await written.write(TASKS[0], placeless, log("", metric="new", variant="v", iter=1))
            await expect(["new", "placeless"], ["new"], {"loss": ["v"]})
            await written.delete(TASKS[0], EVENTS)
            await expect([], [], {})

    asyncio.run(scenario())


def test_of_latest_values_only_those_are_read_that_are_not_held(tmp_path: Path) -> None:
    """A single value is not held, nor is a curve that was written twice; the others of a metric are."""

    async def scenario() -> None:
        call = calls(TASKS[:1])[-1]
        async with writing(tmp_path) as written:
            curves = [
                scalar("", iter=step, metric=name, variant=v, value=step)
                for step in range(900)
                for name in METRICS
                for v in "vw"
            ]
            await written.write(TASKS[0], *curves)
            assert await ask(written, call) == 0
            await written.write(TASKS[0], scalar("", iter=SINGLE_VALUE, metric="Summary", value=7.0))
            assert await ask(written, call) == 1
            await written.write(TASKS[0], scalar("", iter=3, metric=METRICS[0], value=5.0))
            assert await ask(written, call) > 0

    asyncio.run(scenario())


def test_what_was_written_while_it_was_read_is_read_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], plot(""))
            call = calls(TASKS[:1])[2]
            reading = asyncio.create_task(ask(written, call))
            await asyncio.sleep(0)
            written.changefeed.apply(1, [TASKS[0].id])  # a write comes to its end
            await reading
            assert await ask(written, call) == 1
            assert await ask(written, call) == 0

    asyncio.run(scenario())


def test_what_is_deleted_beside_a_write_is_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path) as written:
            await written.write(TASKS[0], image(""))
            call = calls(TASKS[:1])[5]
            await ask(written, call)
            await asyncio.gather(written.delete(TASKS[0], EVENTS), written.write(TASKS[0], plot("")))
            assert await ask(written, call) > 0

    asyncio.run(scenario())
