"""``ingest/client/eventide_client/ranks.py``: processes that were started together have one id, others have not."""

from __future__ import annotations

import pytest

from eventide_client.ranks import find_place

TORCHRUN = {"RANK": "5", "LOCAL_RANK": "1", "TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"EVENTIDE_RUN_ID": "x"}, id="given"),
        pytest.param({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}, id="Slurm"),
        pytest.param(TORCHRUN, id="torchrun on one machine"),
        pytest.param(TORCHRUN | {"TORCHELASTIC_RUN_ID": "job"}, id="torchrun with an id"),
    ],
)
def test_processes_of_a_launcher_are_one_run(environment: dict[str, str]) -> None:
    first, second = (find_place("p", "n", environment | {"RANK": rank}) for rank in "01")
    assert first.run_id == second.run_id != find_place("p", "another", environment).run_id
    assert (first.rank, second.rank) == (0, 1)


def test_a_process_by_itself_is_a_run_of_its_own() -> None:
    assert find_place("p", "n", {}).run_id != find_place("p", "n", {}).run_id
    assert find_place("p", "n", {}).is_first_here


def test_one_process_of_a_machine_reports_for_it() -> None:
    assert not find_place("p", "n", TORCHRUN).is_first_here
    assert find_place("p", "n", TORCHRUN | {"LOCAL_RANK": "0"}).is_first_here
    assert find_place("p", "n", TORCHRUN).worker.endswith(":5")
