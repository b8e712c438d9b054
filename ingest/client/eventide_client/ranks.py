"""Which processes are one run: those that a launcher started together.

The id of their task follows from what they have in common, so that they need not talk to each other. The first
variable that is set decides: ``EVENTIDE_RUN_ID`` (anything, also to go on with a run), Slurm's job and step, torchrun's
run id if one was given to it, and else, of one machine, the launcher's process.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = uuid.UUID("8b1f0a3e-5f0c-4d0b-9d55-0a8d5b2f6c11")
NO_ID = "none"  # torchrun's own, if it was given none
RANKS = ("RANK", "SLURM_PROCID")
LOCAL_RANKS = ("LOCAL_RANK", "SLURM_LOCALID")


@dataclass(frozen=True)
class Place:
    """This process among those of its run. ``is_first_here``: of this machine, which reports for it."""

    run_id: str
    rank: int
    is_first_here: bool

    @property
    def worker(self) -> str:
        """The name under which this process reports."""
        return f"{socket.gethostname()}:{self.rank}"


def find_place(project: str, name: str, environment: Mapping[str, str] = os.environ) -> Place:
    """Return this process's place in the run of this project and name."""
    rank, local_rank = _number(environment, RANKS), _number(environment, LOCAL_RANKS)
    shared = _shared(environment)
    run_id = uuid.uuid5(NAMESPACE, f"{project}\n{name}\n{shared}") if shared else uuid.uuid4()
    return Place(run_id.hex, rank, local_rank == 0)


def _shared(environment: Mapping[str, str]) -> str:
    """Return what the run's processes have in common; empty for one by itself."""
    if own := environment.get("EVENTIDE_RUN_ID"):
        return own
    if job := environment.get("SLURM_JOB_ID"):
        return f"slurm {job}.{environment.get('SLURM_STEP_ID', '')}"
    if "LOCAL_RANK" not in environment:
        return ""
    if (launched := environment.get("TORCHELASTIC_RUN_ID", NO_ID)) != NO_ID:
        return f"torchrun {launched}"
    return f"{socket.gethostname()} {os.getppid()} {_started(os.getppid())}"


def _started(process: int) -> str:
    """Return when a process started, in ticks since the machine did, as numbers of processes come again; Linux only."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _number(environment: Mapping[str, str], names: tuple[str, ...]) -> int:
    found = next((environment[name] for name in names if environment.get(name, "").isdigit()), "0")
    return int(found)
