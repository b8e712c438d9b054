"""SQL: which rows of an entity may be read.

A tombstone hides the rows at or below its ``seq``, whether they are not erased yet, come again with a replay, or are
written late by a worker that lost its partitions. Every statement on an event table says FINAL, ENTITY and LIVING (or
their plurals); ``company`` is the one under which the entity's events are stored.
"""

from __future__ import annotations

ENTITY = "company = {company:String} AND task = {task:String}"
COMPANIES = "company IN {companies:Array(String)}"
ENTITIES = f"{COMPANIES} AND task IN {{tasks:Array(String)}}"

# `seq` without the index on it, which is for what came last: to ask it about all that came after a deletion took a
# third of a small read.
WRITTEN = "identity(seq)"

# The entity's newest deletion of events; 0 if there is none.
SINCE = f"(SELECT max(seq) FROM tombstones WHERE {ENTITY} AND scope != 'logs')"
LIVING = f"{WRITTEN} > {SINCE}"

# Of several entities the newest deletion of everything, and of events, as a statement of its own.
DELETIONS_SQL = f"""
SELECT task, maxIf(seq, scope = 'all') AS reset, maxIf(seq, scope != 'logs') AS deleted
FROM tombstones WHERE {ENTITIES} GROUP BY task
"""

# Log lines are also deleted by age and metric.
CLEARED = "seq <= t.1 AND timestamp <= t.2 AND (empty(t.3) OR has(t.3, metric)) AND NOT has(t.4, metric)"
LIVING_LOGS = f"""{LIVING} AND NOT arrayExists(t -> {CLEARED},
    (SELECT groupArray((seq, through, include, exclude)) FROM tombstones WHERE {ENTITY} AND scope = 'logs'))"""


def _since_by_task(condition: str, of: str = ENTITIES) -> str:
    return (
        f"(SELECT mapFromArrays(groupArray(task), groupArray(newest)) FROM ("
        f"SELECT task, max(seq) AS newest FROM tombstones WHERE {of} AND {condition} GROUP BY task))"
    )


SINCES = _since_by_task("scope != 'logs'")
SINCES_RESET = _since_by_task("scope = 'all'")
SINCES_RESET_EVERYWHERE = _since_by_task("scope = 'all'", COMPANIES)
LIVING_MANY = f"seq > {SINCES}[task]"
LIVING_LOGS_MANY = f"""{LIVING_MANY} AND NOT arrayExists(t -> task = t.5 AND {CLEARED},
    (SELECT groupArray((seq, through, include, exclude, task)) FROM tombstones WHERE {ENTITIES} AND scope = 'logs'))"""
