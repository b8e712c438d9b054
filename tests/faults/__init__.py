"""Faults against separate processes, a three-node Kafka and ClickHouse over HTTP: nothing lost, nothing twice.

`make faults` runs all of it (`SEED=7 FAULTS=worker,kafka make faults` repeats a part), the `test_*.py` a short form.

| file | what |
|---|---|
| system.py | the processes: started, killed, paused, healed |
| truth.py | clients that remember what was acknowledged, and the checker |
| worker.py … topics.py | a family of faults each: functions of (system, seed, scale) -> Outcome |
| run.py | the runs, the table, the JSON |
"""
