"""Faults against separate processes, a three-node Kafka and ClickHouse over HTTP: nothing lost, nothing twice.

`make faults` runs all of it (`SEED=7 ONLY=worker,kafka make faults` repeats a part), `test_short.py` a short form.

| file | what |
|---|---|
| system.py, unit.py | the processes: started, killed, paused, healed |
| truth.py | the ledger of what was sent, acknowledged and deleted, and the checker |
| clients.py, scenario.py | clients that keep the ledger, and traffic around a fault |
| worker.py … topics.py | a family of faults each: functions of (system, seed, scale) -> Outcome |
| run.py | the runs and the table |
"""
