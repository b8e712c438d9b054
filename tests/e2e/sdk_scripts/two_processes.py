"""Two processes that report to one task at the same time."""

import subprocess
import sys
import time

from clearml import Task
from say import say

LINES = 300

if len(sys.argv) > 1:
    task = Task.get_task(sys.argv[1])
    for i in range(LINES):
        task.get_logger().report_scalar("both", "child", value=i, iteration=i)
    task.flush(wait_for_uploads=True)
else:
    task = Task.init("e2e/two", "two processes", auto_resource_monitoring=False)
    child = subprocess.Popen([sys.executable, __file__, task.id])
    for i in range(LINES):
        task.get_logger().report_scalar("both", "parent", value=i, iteration=i)
        time.sleep(0.005)
    assert child.wait(60) == 0
    task_id = task.id
    task.close()
    curves = Task.get_task(task_id).get_all_reported_scalars()["both"]
    say({"task": task_id, "curves": {name: curve["x"] for name, curve in curves.items()}})
