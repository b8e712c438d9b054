"""SQL conditions by which tombstones hide rows.

A tombstone hides the rows of its entity at or below its ``seq``, whether they are not erased yet, come again with a
replay, or are written late by a worker that lost its partitions. Every statement on an event table says FINAL,
OF_ENTITY_SQL and NOT_DELETED_SQL (or those for several entities); ``company`` is the one under which the entity's
events are stored.
"""

from __future__ import annotations

from schema.events.blocks import ALL, LOGS

# Conditions on a tombstone: what it deletes.
DELETES_EVENTS = f"scope != '{LOGS}'"
DELETES_LINES = f"scope = '{LOGS}'"
DELETES_ALL = f"scope = '{ALL}'"

OF_ENTITY_SQL = "company = {company:String} AND task = {task:String}"
OF_COMPANIES_SQL = "company IN {companies:Array(String)}"
OF_ENTITIES_SQL = f"{OF_COMPANIES_SQL} AND task IN {{tasks:Array(String)}}"

# `seq` without the index on it, which is for what came last: to ask it about all that came after a deletion took a
# third of a small read.
SEQ_SQL = "identity(seq)"

# The entity's newest deletion of events; 0 if there is none.
DELETED_SEQ_SQL = f"(SELECT max(seq) FROM tombstones WHERE {OF_ENTITY_SQL} AND {DELETES_EVENTS})"
NOT_DELETED_SQL = f"{SEQ_SQL} > {DELETED_SEQ_SQL}"

# Of several entities the newest deletion of everything, and of events, as a statement of its own.
DELETIONS_SQL = f"""
SELECT task, maxIf(seq, {DELETES_ALL}) AS reset, maxIf(seq, {DELETES_EVENTS}) AS deleted
FROM tombstones WHERE {OF_ENTITIES_SQL} GROUP BY task
"""

# Log lines are also deleted by age and metric.
CLEARED_LINE_SQL = "seq <= t.1 AND timestamp <= t.2 AND (empty(t.3) OR has(t.3, metric)) AND NOT has(t.4, metric)"
LINE_NOT_DELETED_SQL = f"""{NOT_DELETED_SQL} AND NOT arrayExists(t -> {CLEARED_LINE_SQL},
    (SELECT groupArray((seq, through, include, exclude)) FROM tombstones WHERE {OF_ENTITY_SQL} AND {DELETES_LINES}))"""


def _since_by_task(condition: str, of: str = OF_ENTITIES_SQL) -> str:
    return (
        f"(SELECT mapFromArrays(groupArray(task), groupArray(newest)) FROM ("
        f"SELECT task, max(seq) AS newest FROM tombstones WHERE {of} AND {condition} GROUP BY task))"
    )


DELETED_SEQS_SQL = _since_by_task(DELETES_EVENTS)
RESET_SEQS_SQL = _since_by_task(DELETES_ALL)
RESET_SEQS_OF_COMPANIES_SQL = _since_by_task(DELETES_ALL, OF_COMPANIES_SQL)
NOT_DELETED_MANY_SQL = f"seq > {DELETED_SEQS_SQL}[task]"
LINE_NOT_DELETED_MANY_SQL = f"""{NOT_DELETED_MANY_SQL} AND NOT arrayExists(t -> task = t.5 AND {CLEARED_LINE_SQL},
    (SELECT groupArray((seq, through, include, exclude, task)) FROM tombstones
     WHERE {OF_ENTITIES_SQL} AND {DELETES_LINES}))"""
