"""A session without a server, imported later: ``offline.py make`` and ``offline.py import FOLDER``."""

import sys

from clearml import Task
from say import say

if sys.argv[1] == "make":
    Task.set_offline(True)
    task = Task.init("e2e/offline", "made offline", auto_resource_monitoring=False)
    task.connect({"a": 1})
    for i in range(20):
        task.get_logger().report_scalar("curve", "c", value=i * 2, iteration=i)
    task.get_logger().report_text("said offline")
    task.upload_artifact("object", {"a": 1}, wait_on_upload=True)
    task.close()
    say({"folder": str(task.get_offline_mode_folder()) + ".zip"})
else:
    task = Task.get_task(Task.import_offline_session(sys.argv[2]))
    say(
        {
            "task": task.id,
            "status": task.get_status(),
            "parameters": task.get_parameters(),
            "curve": task.get_reported_scalars()["curve"]["c"],
            "console": task.get_reported_console_output(10),
        }
    )
