"""A script as MLflow's quick start has it: a loop, and a look at what was logged."""

import json
import math

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric

EPOCHS = 20

mlflow.set_experiment("MLflow Quickstart")
with mlflow.start_run(run_name="by hand", tags={"team": "vision"}) as by_hand:
    mlflow.log_params({"lr": 0.01, "epochs": EPOCHS})
    for epoch in range(EPOCHS):
        mlflow.log_metric("train/loss", 1 / (epoch + 1), step=epoch)
    mlflow.log_metrics({"accuracy": 0.875, "undefined": math.nan})
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.set_tag("stage", "done")
    with mlflow.start_run(run_name="a part of it", nested=True) as nested:
        mlflow.log_metric("accuracy", 0.5)

client = MlflowClient()
run_id = by_hand.info.run_id
client.log_batch(run_id, [Metric("batch", step / 8, 1000 + step, step) for step in range(1000)])
client.log_batch(run_id, [Metric("twice", 2.0, 2000, 1), Metric("twice", 1.0, 1000, 1)])
run = client.get_run(run_id)
searched = mlflow.search_runs(
    filter_string="metrics.accuracy > 0.6 and params.lr = '0.01' and tags.team LIKE 'vis%'", output_format="list"
)
children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
refused = ""
try:
    client.search_registered_models()
except mlflow.exceptions.MlflowException as error:
    refused = error.error_code
print(
    "RESULT "
    + json.dumps(
        {
            "experiment": run.info.experiment_id,
            "runs": [run_id, nested.info.run_id],
            "status": run.info.status,
            "parameters": run.data.params,
            "metrics": {key: str(value) for key, value in run.data.metrics.items()},
            "loss": [point.value for point in client.get_metric_history(run_id, "train/loss")],
            "batch": [point.value for point in client.get_metric_history(run_id, "batch")],
            "twice": [point.value for point in client.get_metric_history(run_id, "twice")],
            "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
            "artifacts": sorted(file.path for file in client.list_artifacts(run_id)),
            "text": mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/hello.txt"),
            "found": [one.info.run_id for one in searched],
            "children": [one.info.run_id for one in children],
            "refused": refused,
        }
    )
)
