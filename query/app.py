"""The read path's endpoint table: every family."""

from __future__ import annotations

from query import histograms, logs, tasks
from schema.wire import Endpoints, Tier

endpoints = Endpoints(Tier.QUERY).merge(histograms.endpoints, logs.endpoints, tasks.endpoints)
