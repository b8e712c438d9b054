"""Roll-ups of long curves: whatever was written, deleted, replayed and rolled up, answers are those of the events."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from ingest.rollups.builder import ENOUGH_ROWS, Bounds, Rollups
from ingest.rollups.scheduler import RollupScheduler
from query.curves import downsampling, rollup_source
from query.curves.row_source import RowSource
from schema.errors import Unavailable
from schema.events.blocks import Place
from schema.events.tables import SINGLE_VALUE_ITER
from schema.store import Store
from tests.harness.api import until
from tests.harness.rolled_up import BOUNDS, COMPANY, Curve, Rolled, Row

TASKS = ("one", "two")
METRICS = ("loss", "accuracy")
STEPS = 50  # of one generated history
TASK = "t"


@pytest.fixture
def rolled(store: Store) -> Rolled:
    """An empty store."""
    for table in ("scalars", "metric_index", "tombstones", "rollups", "rollup_marks"):
        store.execute(f"TRUNCATE TABLE {table}")
    return Rolled(store)


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[RowSource]:
    """What is read from all rows in place of roll-ups."""
    scans: list[RowSource] = []
    original = RowSource.buckets

    async def buckets(scan: RowSource) -> list[tuple[downsampling.Curve, dict[str, Any]]]:
        scans.append(scan)
        return await original(scan)

    monkeypatch.setattr(RowSource, "buckets", buckets)
    return scans


def steps(first: int, last: int, value: Callable[[int], float | None] = float, task: str = TASK) -> list[Row]:
    return [Row(task, "loss", n, value(n)) for n in range(first, last)]


def check(rolled: Rolled, samples: int, *tasks: str, **fields: int) -> dict[Curve, dict[str, list[object]]]:
    wanted = tasks or (TASK,)
    found, expected = rolled.read(wanted, samples, **fields), rolled.expected(wanted, samples, **fields)
    assert list(found) == list(expected)
    for curve, points in expected.items():
        assert found[curve].keys() == points.keys()
        for name, values in points.items():
            assert found[curve][name] == pytest.approx(values), (curve, name)
    return found


# --- one thing at a time ----------------------------------------------------------------------------------------------


def test_wide_buckets_come_from_roll_ups_alone(rolled: Rolled, scanned: list[RowSource]) -> None:
    rolled.write(steps(0, 5000))
    assert rolled.roll(TASK)
    rolled.store.execute("TRUNCATE TABLE scalars")
    assert check(rolled, 10)[TASK, "loss", "v"]["x"] == list(range(0, 5000, 500))
    assert not scanned


def test_what_is_newer_than_the_mark_comes_from_rows(rolled: Rolled, scanned: list[RowSource]) -> None:
    rolled.write(steps(-3000, 3000))
    rolled.roll(TASK)
    rolled.write(steps(2950, 3500))
    rolled.write([Row(TASK, "loss", 17, 1e6), Row(TASK, "loss", -2999, -1e6), Row(TASK, "loss", 9000, None)])
    check(rolled, 7)
    rolled.roll(TASK)
    check(rolled, 7)
    assert not scanned


def test_curves_that_are_not_rolled_up_make_nothing_stale(rolled: Rolled, scanned: list[RowSource]) -> None:
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.write([Row(TASK, "short", n, 1.0) for n in range(100, 900)])
    check(rolled, 5)
    assert [curve.metric for scan in scanned for curve in scan._curves.values()] == ["short"]


def test_narrow_buckets_and_other_aggregations_come_from_rows(rolled: Rolled, scanned: list[RowSource]) -> None:
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    assert set(check(rolled, 12)[TASK, "loss", "v"]["x"]) == set(range(0, 3000, 250))
    assert len(scanned) == 1


def test_answers_are_the_same_without_roll_ups(rolled: Rolled) -> None:
    rolled.write(steps(0, 3333))
    before = check(rolled, 8)
    rolled.roll(TASK)
    assert rolled.read([TASK], 8) == before


@pytest.mark.parametrize(("x_min", "x_max"), [(0, 2999), (1, 2998), (99, 2100), (100, 2599), (-50, 5000), (2950, 2960)])
def test_a_range_may_cut_roll_ups(rolled: Rolled, x_min: int, x_max: int) -> None:
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.store.execute("ALTER TABLE scalars DELETE WHERE iter BETWEEN 500 AND 1999 SETTINGS mutations_sync = 1")
    check(rolled, 4, x_min=x_min, x_max=x_max)


def test_values_that_are_missing_and_points_that_are_on_no_curve(rolled: Rolled) -> None:
    rows = steps(0, 2000, lambda n: None if n % 3 or n < 600 else n / 7)
    rows += [Row(TASK, "loss", SINGLE_VALUE_ITER, 1e9), Row(TASK, "loss", 0, 1e9, "a", has_iter=False)]
    rolled.write([*rows, Row(TASK, "loss", 605, 3.0, 'k"x"')])
    rolled.roll(TASK)
    rolled.store.execute("TRUNCATE TABLE scalars")
    assert None in check(rolled, 4)[TASK, "loss", "v"]["y"]


def test_a_deletion_hides_roll_ups_and_erases_them(rolled: Rolled) -> None:
    rolled.write(steps(0, 3000, lambda _: 5.0))
    rolled.roll(TASK)
    rolled.delete(TASK)
    assert check(rolled, 5) == {}
    rolled.write(steps(1000, 3000))
    check(rolled, 5)
    rolled.roll(TASK)
    check(rolled, 5)
    until(lambda: distinct(rolled, "rollups") == distinct(rolled, "rollup_marks") == {rolled.deleted[TASK]})


def test_what_was_made_of_deleted_events_is_erased(rolled: Rolled) -> None:
    """The deletion came between the roll-ups and their mark."""
    rolled.write(steps(0, 3000))
    interrupted = Interrupted(rolled.store, lambda: rolled.delete(TASK))
    Rollups(interrupted, bounds=BOUNDS).roll((COMPANY, TASK))  # type: ignore[arg-type]
    assert interrupted.was_interrupted
    until(lambda: not distinct(rolled, "rollups") | distinct(rolled, "rollup_marks"))


def test_a_record_that_was_parked_comes_late(rolled: Rolled, scanned: list[RowSource]) -> None:
    parked = rolled.place()
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.write([Row(TASK, "loss", 3500, 1e6), Row(TASK, "loss", 7, 1e9)], parked)  # the latter was written later
    check(rolled, 5)
    assert scanned
    rolled.roll(TASK)
    scanned.clear()
    check(rolled, 5)
    assert not scanned


def test_a_roller_that_did_not_see_a_late_record_is_not_believed(rolled: Rolled) -> None:
    """It read the rows before the record was written, and writes its roll-ups and its mark after that."""
    parked = rolled.place()
    rolled.write(steps(0, 3000))
    late = Interrupted(rolled.store, lambda: rolled.write([Row(TASK, "loss", 3500, 1e6)], parked))
    Rollups(late, bounds=BOUNDS).roll((COMPANY, TASK))  # type: ignore[arg-type]
    assert late.was_interrupted
    check(rolled, 5)
    rolled.roll(TASK)
    check(rolled, 5)


def test_roll_ups_of_an_earlier_era_never_win(rolled: Rolled) -> None:
    """A roller that did not see the late record writes last."""
    parked = rolled.place()
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.store.execute("CREATE OR REPLACE TABLE slow ENGINE = Memory AS SELECT * FROM rollups")
    rolled.write([Row(TASK, "loss", 7, 1e6, 'k"late"')], parked)
    rolled.roll(TASK)
    rolled.store.execute("INSERT INTO rollups SELECT * FROM slow")
    check(rolled, 5)


def test_a_roller_that_stops_half_way_leaves_the_old_mark(rolled: Rolled) -> None:
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.write(steps(0, 3000, lambda n: -float(n)))
    asked = iter([False, True])
    stopped = Rollups(rolled.store, lambda: next(asked), BOUNDS)
    assert not stopped.roll((COMPANY, TASK))
    check(rolled, 5)
    rolled.roll(TASK)
    check(rolled, 5)


def test_too_much_that_is_new_is_read_with_all_the_rest(
    rolled: Rolled, scanned: list[RowSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup_source, "MOST_STALE", 10)
    rolled.write(steps(0, 3000))
    rolled.roll(TASK)
    rolled.write(steps(0, 1100))
    check(rolled, 5)
    assert len(scanned) == 1


def test_new_points_far_apart_wait_until_it_is_quiet(rolled: Rolled) -> None:
    rollups = Rollups(rolled.store, bounds=Bounds(long=1000, enough_rows=20))
    rolled.write(steps(0, 3000))
    assert rollups.roll((COMPANY, TASK), is_quiet=False)
    rolled.write([Row(TASK, "loss", n, 1e3) for n in range(0, 3000, 100)])
    assert not rollups.roll((COMPANY, TASK), is_quiet=False)
    assert rollups.roll((COMPANY, TASK), is_quiet=True)
    check(rolled, 5)


def test_a_part_of_a_roll_up_with_more_rows_than_a_slice(rolled: Rolled) -> None:
    rolled.write([Row(TASK, "loss", n % 2 + 1200, float(n), f'k"{n}"') for n in range(1500)] + steps(0, 3000))
    rolled.roll(TASK)
    check(rolled, 5)


# --- when it is done --------------------------------------------------------------------------------------------------


def test_the_roller_looks_at_what_got_enough(rolled: Rolled) -> None:
    rollup_scheduler = RollupScheduler(rolled.store)
    rollup_scheduler.wrote(
        [rolled.write(rows) for rows in (steps(0, 60_000), steps(60_000, 100_001), steps(0, 3, task="short"))]
    )
    rollup_scheduler.turn()
    assert [row["task"] for row in rolled.store.select("SELECT task FROM rollup_marks")] == [TASK]
    rollup_scheduler.wrote([rolled.write(steps(0, ENOUGH_ROWS - 1, lambda _: 0.0))])
    rollup_scheduler.turn()
    check(rolled, 200)


def test_the_roller_finds_what_nobody_rolled_up(rolled: Rolled) -> None:
    for rows in (steps(0, 3), steps(99_000, 100_001), steps(0, 20_000, task="short")):
        rolled.write(rows)
    rolled.write(steps(10_000, 30_000))
    rollup_scheduler = RollupScheduler(rolled.store)
    rollup_scheduler.look_for_missing()
    rollup_scheduler.turn()
    assert rolled.store.select("SELECT toUInt32(count()) AS n FROM rollups") == [{"n": 1 + 200 + 11}]
    assert Rollups(rolled.store).never_rolled() == []


def test_the_roller_tries_again_when_the_store_was_away(rolled: Rolled, monkeypatch: pytest.MonkeyPatch) -> None:
    rollup_scheduler = RollupScheduler(rolled.store)
    rollup_scheduler.wrote([rolled.write([*steps(0, 30_000), *steps(100_000, 100_001)])])
    with monkeypatch.context() as away:
        away.setattr(rolled.store, "insert", unavailable)
        with pytest.raises(Unavailable):
            rollup_scheduler.turn()
    check(rolled, 200)
    rollup_scheduler.turn()
    assert distinct(rolled, "rollup_marks") == {0}


# --- everything at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_any_history(rolled: Rolled, seed: int) -> None:
    history = History(rolled, random.Random(seed))
    for _ in range(STEPS):
        history.step()
        samples, fields = history.question()
        check(rolled, samples, *TASKS, **fields)


class History:
    """Whatever may happen to the curves of TASKS, chosen by ``chance``."""

    def __init__(self, rolled: Rolled, chance: random.Random) -> None:
        self._rolled = rolled
        self._chance = chance
        self._parked: list[tuple[Place, list[Row]]] = []
        self._end = 0

    def step(self) -> None:
        """One of them, more likely a common one."""
        happenings = (
            self._go_on,
            self._overwrite,
            self._roll,
            self._replay,
            self._park,
            self._come_again,
            self._delete,
        )
        (happening,) = self._chance.choices(happenings, (6, 3, 6, 2, 2, 2, 1))
        happening()

    def question(self) -> tuple[int, dict[str, int]]:
        """Samples, and maybe a range."""
        samples = self._chance.choice((1, 3, 7, 15, 40))
        ends = sorted(self._chance.randrange(-2000, self._end + 500) for _ in range(2))
        return samples, dict(zip(("x_min", "x_max"), ends, strict=True)) if self._chance.random() < 0.4 else {}

    def _go_on(self) -> None:
        first, self._end = self._end, self._end + self._chance.randrange(1, 1500)
        metrics, step = self._chance.sample(METRICS, self._chance.randint(1, 2)), self._chance.randint(1, 9)
        self._rolled.write([self._row(metric, n) for n in range(first, self._end, step) for metric in metrics])

    def _overwrite(self) -> None:
        self._rolled.write(self._some())

    def _roll(self) -> None:
        self._rolled.roll(self._chance.choice(TASKS))

    def _replay(self) -> None:
        if self._rolled.written:
            self._rolled.apply(*self._chance.sample(self._rolled.written, min(3, len(self._rolled.written))))

    def _park(self) -> None:
        self._parked.append((self._rolled.place(), self._some()))

    def _come_again(self) -> None:
        if self._parked:
            place, rows = self._parked.pop(self._chance.randrange(len(self._parked)))
            self._rolled.write(rows, place)

    def _delete(self) -> None:
        self._rolled.delete(self._chance.choice(TASKS))

    def _some(self) -> list[Row]:
        count, low = self._chance.randrange(1, 60), self._chance.randrange(-1500, self._end + 1)
        places = range(low, low + count) if self._chance.random() < 0.5 else range(-1500, self._end + 100)
        chosen = self._chance.sample(places, min(count, len(places)))
        return [self._row(self._chance.choice(METRICS), n) for n in chosen]

    def _row(self, metric: str, iteration: int) -> Row:
        value = None if self._chance.random() < 0.05 else self._chance.randrange(-1000, 1000) / 8
        return Row(self._chance.choice(TASKS), metric, iteration, value)


class Interrupted:
    """A store that lets something happen after roll-ups are made, before they are written: not before the mark is."""

    def __init__(self, store: Store, interrupt: Callable[[], object]) -> None:
        self._store = store
        self._interrupt = interrupt
        self.was_interrupted = False
        self.select = store.select

    def execute(self, sql: str, parameters: dict[str, object]) -> None:
        self._store.execute(sql, parameters)

    def insert(self, table: str, data: pa.Table) -> None:
        self._interrupt()
        self.was_interrupted = True
        self._store.insert(table, data)


def distinct(rolled: Rolled, table: str) -> set[int]:
    """Under which deletions there is something."""
    return {row["since"] for row in rolled.store.select(f"SELECT DISTINCT since FROM {table}")}


def unavailable(*_: object) -> None:
    raise Unavailable("away")
