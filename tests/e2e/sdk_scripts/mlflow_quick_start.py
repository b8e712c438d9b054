"""A script as MLflow's quick start has it: autologging of scikit-learn, a loop, and a look at the results."""

import json
import math

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

mlflow.set_experiment("MLflow Quickstart")

# Autologging.
mlflow.sklearn.autolog()
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
with mlflow.start_run(run_name="autologged") as autologged:
    model = LogisticRegression(max_iter=200).fit(X_train, y_train)
    score = model.score(X_test, y_test)

# A loop.
with mlflow.start_run(run_name="by hand", tags={"team": "vision"}) as by_hand:
    mlflow.log_params({"lr": 0.01, "epochs": 100})
    for epoch in range(100):
        mlflow.log_metric("train/loss", 1 / (epoch + 1), step=epoch)
    mlflow.log_metrics({"accuracy": 0.875, "undefined": math.nan})
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.set_tag("stage", "done")
    with mlflow.start_run(run_name="a part of it", nested=True) as nested:
        mlflow.log_metric("accuracy", 0.5)

# What was logged comes back.
client = MlflowClient()
run_id = by_hand.info.run_id
client.log_batch(run_id, [Metric("batch", step / 8, 1000 + step, step) for step in range(1000)])
client.log_batch(run_id, [Metric("twice", 2.0, 2000, 1), Metric("twice", 1.0, 1000, 1)])
first, second = client.get_run(autologged.info.run_id), client.get_run(run_id)
(made,) = first.outputs.model_outputs
found = mlflow.search_runs(
    filter_string="metrics.accuracy > 0.6 and params.lr = '0.01' and tags.team LIKE 'vis%'", output_format="list"
)
refused = ""
try:
    client.search_registered_models()
except mlflow.exceptions.MlflowException as error:
    refused = error.error_code
print(
    "RESULT "
    + json.dumps(
        {
            "experiment": first.info.experiment_id,
            "runs": [first.info.run_id, run_id, nested.info.run_id],
            "status": [first.info.status, second.info.status],
            "autologged": sorted(first.data.metrics),
            "score": [score, next(value for key, value in first.data.metrics.items() if key.endswith("score_X_test"))],
            "parameters": [len(first.data.params), second.data.params],
            "predictions": mlflow.sklearn.load_model(f"models:/{made.model_id}").predict(X_test[:3]).tolist(),
            "expected": model.predict(X_test[:3]).tolist(),
            "datasets": [used.dataset.digest for used in first.inputs.dataset_inputs],
            "metrics": {key: str(value) for key, value in second.data.metrics.items()},
            "loss": [point.value for point in client.get_metric_history(run_id, "train/loss")],
            "batch": [point.value for point in client.get_metric_history(run_id, "batch")],
            "twice": [point.value for point in client.get_metric_history(run_id, "twice")],
            "tags": {key: value for key, value in second.data.tags.items() if not key.startswith("mlflow.")},
            "artifacts": sorted(file.path for file in client.list_artifacts(run_id)),
            "text": mlflow.artifacts.load_text(f"{second.info.artifact_uri}/notes/hello.txt"),
            "found": [run.info.run_id for run in found],
            "children": [
                run.info.run_id
                for run in client.search_runs([first.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
            ],
            "refused": refused,
        }
    )
)
