"""One task over several processes: ``again.py start|reuse|continue|look``."""

import sys

from clearml import Task
from say import say

step = sys.argv[1]
names = {"project_name": "e2e/again", "task_name": "again and again"}
if step == "look":
    task = Task.get_task(**names)
    scalars = task.get_reported_scalars()
    say({"task": task.id, "status": task.get_status(), "scalars": scalars, "last": task.get_last_iteration()})
else:
    how = {"continue_last_task": True} if step == "continue" else {"reuse_last_task_id": True}
    task = Task.init(**names, **how, auto_resource_monitoring=False)
    for i in range(10):
        task.get_logger().report_scalar("curve", step, value=i, iteration=i)
    task_id = task.id
    task.close()
    say({"task": task_id})
