"""``ingest/kafka/broker_clock.py``: what receipts tell of the difference of two clocks."""

from __future__ import annotations

import logging
import time

import pytest

from ingest.kafka.broker_clock import BrokerClock


class Brokers:
    """A broker whose clock is ahead by ``skew`` seconds, and what a gateway hears of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
        self.skew, self.now, self.clock = skew, 1e9, BrokerClock()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time_ns", lambda: round(self.now * 1e9))

    def acknowledge(self, there: float, back: float) -> None:
        """A record reaches the broker after ``there`` seconds, and its receipt this process after ``back``."""
        self.now += there
        appended_ms = round((self.now + self.skew) * 1000)
        self.now += back
        self.clock.observe(appended_ms, there + back)


@pytest.mark.parametrize("skew", [-3600.0, -20.0, -2.0, 2.0, 20.0])
def test_the_difference_is_known_to_within_the_quickest_round_trip(
    monkeypatch: pytest.MonkeyPatch, skew: float
) -> None:
    brokers = Brokers(monkeypatch, skew)
    brokers.acknowledge(0.9, 0.9)
    assert brokers.clock.skew_seconds == pytest.approx(skew, abs=0.91)
    brokers.acknowledge(0.01, 0.01)
    for _ in range(100):
        brokers.acknowledge(3.0, 1.0)  # says less, and takes nothing back
    assert brokers.clock.skew_seconds == pytest.approx(skew, abs=0.15)
    assert brokers.clock.now_ms() / 1000 == pytest.approx(brokers.now + skew, abs=0.15)


@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
def test_clocks_that_may_agree_are_left_alone(monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
    brokers = Brokers(monkeypatch, skew)
    brokers.acknowledge(0.4, 0.4)
    assert brokers.clock.skew_seconds == 0
    assert brokers.clock.detail() == "within 1 s of Kafka's"


def test_a_clock_that_is_set_is_noticed_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    brokers = Brokers(monkeypatch, 0.0)
    assert brokers.clock.detail() == "not measured before the first write"
    with caplog.at_level(logging.WARNING, "eventide.clock"):
        for brokers.skew in (0.0, 30.0, 30.0, 30.0, 0.0):
            brokers.acknowledge(0.01, 0.01)
    told = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert told == [
        "the clock of this process is 30.0 s behind Kafka's",
        "the clock of this process is within 1 s of Kafka's",
    ]
