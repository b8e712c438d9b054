"""A script as trackio's quick start has it: a loop, an image, a table, alerts; and the same run once more."""

import json
import math

import numpy as np
import trackio

run = trackio.init(project="trackio quick start", name="first", config={"lr": 0.01, "model": {"depth": 3}})
for step in range(100):
    trackio.log({"train/loss": 1 / (step + 1), "accuracy": step / 100})
trackio.log({"undefined": math.nan, "note": "half way", "nested": {"a": 1.5}}, step=100)
trackio.log({"picture": trackio.Image(np.zeros((8, 8, 3), np.uint8), caption="black")}, step=101)
trackio.log({"table": trackio.Table(columns=["name", "n"], data=[["a", 1], ["b", 2]])}, step=102)
trackio.log({"weights": trackio.Histogram([1.0, 2.0, 2.0, 3.0])}, step=103)
trackio.log_system({"gpu/0/utilization": 0.5, "cpu/utilization": 0.25})
trackio.alert(title="Loss is high", text="0.9", level=trackio.AlertLevel.WARN)
trackio.finish()

again = trackio.init(project="trackio quick start", name="first", resume="must")
trackio.log({"accuracy": 1.0})
trackio.finish()
print("RESULT " + json.dumps({"run": run.id, "again": again.id}))
