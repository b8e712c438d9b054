"""Each fault in short: nothing acknowledged is lost, nothing is there twice, nothing deleted is back."""

from __future__ import annotations

import pytest

from tests.faults.outcome import Skipped
from tests.faults.run import FAMILIES, Fault, name_of
from tests.faults.scenario import Scale
from tests.faults.system import System

FAULTS = [fault for family in FAMILIES.values() for fault in family]
SEED = 20_261_124


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_nothing_is_lost_and_nothing_is_twice(fault: Fault, system: System) -> None:
    try:
        outcome = fault(system, SEED, Scale(is_short=True))
    except Skipped as reason:
        pytest.skip(str(reason))
    assert (outcome.verdict.lost, outcome.verdict.twice, outcome.verdict.wrong) == (0, 0, [])
    assert outcome.verdict.acked > 0
