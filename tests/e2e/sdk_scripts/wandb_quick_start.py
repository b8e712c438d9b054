"""A script as W&B's quick start has it: a loop, an image, a histogram, a table, a file; and the same run resumed."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import wandb

PROJECT = "wandb quick start"

with wandb.init(
    project=PROJECT,
    name="first",
    group="some",
    job_type="train",
    tags=["a", "b"],
    notes="a note",
    config={"lr": 0.01, "model": {"depth": 3}},
) as run:
    for step in range(100):
        run.log({"train/loss": 1 / (step + 1), "accuracy": step / 100})
    run.log({"undefined": math.nan, "note": "half way", "nested": {"a": 1.5}})
    run.log({"picture": wandb.Image(np.zeros((8, 8, 3), np.uint8), caption="black")})
    run.log({"table": wandb.Table(columns=["name", "n"], data=[["a", 1], ["b", 2]])})
    run.log({"weights": wandb.Histogram([1.0, 2.0, 2.0, 3.0])})
    print("to the console")
    print("to the other", file=sys.stderr)
    run.summary["best"] = 0.5
    run.alert(title="Loss is high", text="0.9", level=wandb.AlertLevel.WARN)
    run.config.update({"late": 7})
    Path("notes.txt").write_text("kept")
    run.save("notes.txt", policy="end")

with wandb.init(project=PROJECT, id=run.id, resume="allow") as again:
    again.log({"accuracy": 1.0})
    resumed = {"run": run.id, "again": again.id, "step": again.step, "lr": again.config["lr"]}
print("RESULT " + json.dumps(resumed))
