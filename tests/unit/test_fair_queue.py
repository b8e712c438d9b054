"""The order in which jobs of several companies start."""

from __future__ import annotations

from collections.abc import Sequence

from schema.fairness.fair_queue import FairQueue
from schema.fairness.shares import Share

A, B, C = (Share(name) for name in "abc")
HEAVY = Share("heavy", 4.0)


def queue_of(limit: int, jobs: Sequence[tuple[Share, str]]) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(lambda _: limit)
    for share, job in jobs:
        queue.push(share, job)
    return queue


def run_one_by_one(queue: FairQueue[str], shares: dict[str, Share], seconds: dict[str, float]) -> list[str]:
    """Run all jobs, one at a time; a job's company is its first letter. Returns their order."""
    order = []
    while job := queue.pop():
        order.append(job)
        queue.finish(shares[job[0]], seconds[job[0]])
    return order


def test_a_flood_waits_behind_itself() -> None:
    flood = [(A, f"a{number}") for number in range(1000)]
    queue = queue_of(2, [*flood, (B, "b")])
    assert [queue.pop(), queue.pop()] == ["a0", "b"]


def test_a_company_has_no_more_than_its_limit() -> None:
    queue = queue_of(2, [(A, f"a{number}") for number in range(3)])
    assert [queue.pop(), queue.pop(), queue.pop()] == ["a0", "a1", None]
    queue.finish(A, 1.0)
    assert queue.pop() == "a2"


def test_who_used_less_time_comes_first() -> None:
    jobs = [(share, f"{share.company}{number}") for number in range(4) for share in (A, B)]
    order = run_one_by_one(queue_of(1, jobs), {"a": A, "b": B}, {"a": 3.0, "b": 1.0})
    assert order == ["a0", "b0", "b1", "b2", "a1", "b3", "a2", "a3"]


def test_a_heavier_company_has_more_time() -> None:
    jobs = [(HEAVY, f"h{number}") for number in range(8)] + [(A, f"a{number}") for number in range(8)]
    order = run_one_by_one(queue_of(1, jobs), {"h": HEAVY, "a": A}, {"h": 1.0, "a": 1.0})
    assert order[:10].count("h0") == 1
    assert sum(job.startswith("h") for job in order[:10]) == 8


def test_a_heavier_company_may_run_more_at_once() -> None:
    jobs = [(share, share.company) for share in (A, HEAVY) for _ in range(10)]
    queue = queue_of(10, jobs)
    assert [queue.pop() for _ in range(5)].count("heavy") == 4


def test_nobody_saves_up_time_by_not_calling() -> None:
    """B comes after A has used 100 seconds: it goes first once, not a hundred times."""
    queue = queue_of(1, [(A, f"a{number}") for number in range(104)])
    for _ in range(100):
        queue.pop()
        queue.finish(A, 1.0)
    for number in range(4):
        queue.push(B, f"b{number}")
    order = run_one_by_one(queue, {"a": A, "b": B}, {"a": 1.0, "b": 1.0})
    assert [job[0] for job in order] == ["b", "a", "b", "a", "b", "a", "b", "a"]


def test_a_company_pays_for_what_it_used_even_if_it_comes_anew() -> None:
    queue = queue_of(1, [(A, "a0"), (B, "b0"), (B, "b1"), (B, "b2")])
    assert queue.pop() == "a0"
    queue.finish(A, 10.0)
    assert queue.pop() == "b0"
    queue.push(A, "a1")
    queue.finish(B, 1.0)
    assert [queue.pop()] == ["b1"]


def test_a_job_may_start_at_once_only_if_no_other_of_its_company_waits() -> None:
    queue = queue_of(1, [])
    assert queue.start(A)
    assert not queue.start(A)
    queue.push(A, "a")
    queue.finish(A, 0.0)
    assert not queue.start(A)
    assert queue.start(B)


def test_what_is_discarded_does_not_start() -> None:
    queue = queue_of(1, [(A, "a0"), (A, "a1"), (B, "b0")])
    queue.discard(A, "a0")
    queue.discard(A, "never there")
    queue.discard(C, "never there")
    assert (queue.waiting(A), queue.waiting_count) == (1, 2)
    assert [queue.pop(), queue.pop()] == ["a1", "b0"]


def test_an_idle_queue_remembers_nothing() -> None:
    queue = queue_of(1, [(A, "a0")])
    queue.pop()
    queue.finish(A, 100.0)
    queue.push(A, "a1")
    queue.push(B, "b0")
    assert queue.pop() == "a1"
