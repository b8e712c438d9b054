"""Trainings that tests of the client start: ``python -m tests.e2e.client_scripts NAME``. They know where the server is
from the environment, as users' programs do."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable

import eventide_client
from eventide_client import Run

STEPS = 50
PROJECT = "client/scripts"


def endless() -> None:
    """Logs a step each ms, and prints the last that ``log`` has returned from, until it is killed."""
    run = eventide_client.start(PROJECT, "endless")
    print(run.id, flush=True)
    step = 0
    while True:
        run.log({"loss/train": step}, step)
        sys.stdout.write(f"{step} {time.monotonic_ns()}\n")
        sys.stdout.flush()
        step += 1
        time.sleep(0.001)


def forks() -> None:
    """Two processes that are forked log beside the one that started the run."""
    with eventide_client.start(PROJECT, "forks", monitors=False) as run:
        run.log({"parent/steps": 0}, 0)
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=_child, args=(run, number)) for number in range(2)]
        for child in children:
            child.start()
        for step in range(1, STEPS):
            run.log({"parent/steps": step}, step)
        for child in children:
            child.join()
        if not (pid := os.fork()):
            run.log({"bare/steps": 0}, 0)
            time.sleep(0.2)
            os._exit(0)  # no handler of any kind runs: the parent sends what is left
        os.waitpid(pid, 0)
        print(run.id, flush=True)


def _child(run: Run, number: int) -> None:
    for step in range(STEPS):
        run.log({f"child {number}/steps": step}, step)


def rank() -> None:
    """One of the processes that torchrun starts."""
    with eventide_client.start(PROJECT, "ranks", {"world": 4}, monitors=False) as run:
        for step in range(STEPS):
            run.log({f"rank {os.environ['RANK']}/steps": step}, step)
    print(run.id, flush=True)


def fails() -> None:
    """Ends by an error, without ``finish``."""
    run = eventide_client.start(PROJECT, "fails", monitors=False)
    print(run.id, flush=True)
    run.log({"loss": 1.0}, 0)
    raise RuntimeError("out of luck")


SCRIPTS: dict[str, Callable[[], None]] = {"endless": endless, "forks": forks, "rank": rank, "fails": fails}

if __name__ == "__main__":
    SCRIPTS[sys.argv[1]]()
