"""A script as MLflow's quick start has it: autologging of scikit-learn, and the model is loaded again."""

import json

import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

mlflow.set_experiment("MLflow autologging")
mlflow.sklearn.autolog()
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
with mlflow.start_run() as run:
    model = LogisticRegression(max_iter=200).fit(X_train, y_train)
    score = model.score(X_test, y_test)

found = mlflow.get_run(run.info.run_id)
(made,) = found.outputs.model_outputs
print(
    "RESULT "
    + json.dumps(
        {
            "status": found.info.status,
            "metrics": sorted(found.data.metrics),
            "scores": [score, next(v for key, v in found.data.metrics.items() if key.endswith("score_X_test"))],
            "parameters": len(found.data.params),
            "predictions": mlflow.sklearn.load_model(f"models:/{made.model_id}").predict(X_test[:3]).tolist(),
            "expected": model.predict(X_test[:3]).tolist(),
            "datasets": [used.dataset.name for used in found.inputs.dataset_inputs],
        }
    )
)
