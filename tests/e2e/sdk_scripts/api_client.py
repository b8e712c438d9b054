"""Every call of the ``events`` service through the SDK's own client, and those of tasks, models and projects."""

import uuid

from clearml.backend_api.session.client import APIClient, APIError
from say import say

client = APIClient()
project_name = f"e2e/client {uuid.uuid4().hex}"
project = client.projects.create(name=project_name, description="d").id
task = client.tasks.create(name="by client", type="training", project=project).id
model = client.models.create(name="a model", uri="file:///m", ready=False, task=task, project=project).id
refused: dict[str, tuple[int, int]] = {}
answers: dict[str, dict] = {}


def shown(answer: object) -> object:
    """What the client made of an answer, as JSON."""
    if isinstance(answer, list):
        return [shown(one) for one in answer]
    for inner in ("response", "data"):
        if inner in vars(answer):
            return shown(getattr(answer, inner))
    return answer.to_dict()


def call(name: str, /, **fields: object) -> None:
    """Note what came back, or how the call was refused."""
    service, action = name.split(".")
    try:
        answer = getattr(getattr(client, service), action)(**fields)
        answers[name] = shown(answer)
    except APIError as error:
        refused[name] = (error.code, error.subcode)


def event(kind: str, **fields: object) -> dict:
    """An event of the task."""
    return {"type": kind, "task": task, "metric": "m", "variant": "v", "iter": 1, "timestamp": 1000} | fields


def send(name: str, /, **fields: object) -> dict:
    """The data of a call whose answer has not the type that the client expects."""
    service, action = name.split(".")
    answer = client.session.send_request(service, action, json=fields, version="2.23")
    answer.raise_for_status()
    return answer.json()["data"] if answer.headers["Content-Type"] == "application/json" else {"text": answer.text}


def sample_of(kind: str) -> dict:
    """The scroll of a sample."""
    variant = {"variant": "v"} if kind == "debug_image" else {}
    return {"scroll_id": send(f"events.get_{kind}_sample", task=task, metric="m", **variant)["scroll_id"]}


events = [
    event("training_stats_scalar", value=0.5),
    event("training_stats_scalar", value=0.25, iter=2),
    event("training_stats_scalar", value=9, iter=-(2**31), metric="Summary"),
    event("training_stats_vector", values=[1, 2]),
    event("training_debug_image", url="http://e/1.png", key="1.png"),
    event("plot", plot_str='{"data": []}'),
    {"type": "log", "task": task, "level": "info", "msg": "a line", "timestamp": 1000, "worker": "w"},
]
for one in events:  # events.add_batch has no typed call: the SDK sends its lines by itself
    send("events.add", **one)
at = {"task": task, "metric": "m", "variant": "v"}
call("events.get_task_log", task=task)
call("events.get_task_events", task=task, event_type="training_stats_scalar")
call("events.get_scalar_metric_data", task=task, metric="m")
call("events.get_task_plots", task=task)
call("events.get_multi_task_plots", tasks=[task])
call("events.debug_images", metrics=[{"task": task, "metric": "m"}])
call("events.plots", metrics=[{"task": task, "metric": "m"}])
call("events.get_debug_image_sample", **at)
call("events.get_plot_sample", task=task, metric="m")
call("events.get_task_metrics", tasks=[task], event_type="training_stats_scalar")
call("events.get_task_single_value_metrics", tasks=[task])
call("events.get_task_latest_scalar_values", task=task)
call("events.get_scalar_metrics_and_variants", task=task)
call("events.scalar_metrics_iter_histogram", task=task)
call("events.multi_task_scalar_metrics_iter_histogram", tasks=[task])
call("events.scalar_metrics_iter_raw", task=task, metric={"metric": "m"}, count_total=True)
call("events.vector_metrics_iter_histogram", **at)
call("events.clear_task_log", task=task)

sent = {
    "events.next_debug_image_sample": send("events.next_debug_image_sample", task=task, **sample_of("debug_image")),
    "events.next_plot_sample": send("events.next_plot_sample", task=task, **sample_of("plot")),
    "events.get_vector_metrics_and_variants": send("events.get_vector_metrics_and_variants", task=task),
    "events.get_multi_task_metrics": send("events.get_multi_task_metrics", tasks=[task]),
    "events.download_task_log": send("events.download_task_log", task=task, line_type="text"),
    "events.clear_scroll": send("events.clear_scroll", scroll_id="FFFF"),
    "events.delete_for_model": send("events.delete_for_model", model=model),
}

call("tasks.get_by_id", task=task)
call("tasks.get_all", project=[project], order_by=["-last_update"], only_fields=["name", "last_iteration"])
call("tasks.started", task=task)
call("tasks.edit_hyper_params", task=task, force=True, hyperparams=[{"section": "s", "name": "n", "value": "1"}])
call("tasks.get_hyper_params", tasks=[task])
call("tasks.edit_configuration", task=task, force=True, configuration=[{"name": "c", "value": "v"}])
call("tasks.get_configurations", tasks=[task])
call("tasks.add_or_update_artifacts", task=task, force=True, artifacts=[{"key": "k", "type": "t"}])
call("tasks.delete_artifacts", task=task, force=True, artifacts=[{"key": "k"}])
call("tasks.add_or_update_model", task=task, name="m", model=model, type="output")
call("tasks.ping", task=task)
call("tasks.enqueue", task=task)
call("tasks.completed", task=task)
call("tasks.clone", task=task, new_task_name="a clone")
call("tasks.publish", task=task, publish_model=True)
call("tasks.archive", tasks=[task])
call("tasks.unarchive_many", ids=[task])
call("models.get_by_id", model=model)
call("models.get_all", project=[project], ready=True)
call("models.add_or_update_metadata", model=model, metadata=[{"key": "a", "value": "1", "type": "int"}])
call("models.edit", model=model, comment="c")
call("projects.get_by_id", project=project)
call("projects.get_all", name=f"^{project_name}$")
call("projects.get_unique_metric_variants", project=project)
call("projects.update", project=project, description="new")
call("tasks.delete", task=task, force=True)
call("models.delete", model=model, force=True)
call("projects.delete", project=project, force=True, delete_contents=True)
say({"answers": answers, "sent": sent, "refused": refused, "task": task, "model": model, "project": project})
