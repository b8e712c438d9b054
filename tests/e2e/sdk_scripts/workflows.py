"""In the style of the SDK's ``examples/pipeline``, ``services`` and ``datasets``: ``workflows.py NAME`` runs one.

None needs an agent or a download. Each says what it found when it is done.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from clearml import Dataset, InputModel, Model, OutputModel, Task
from clearml.automation.controller import PipelineController, PipelineDecorator
from say import say

PROJECT = "e2e/workflows"


def double(number: int) -> int:
    """A step of a pipeline."""
    return int(number) * 2


def pipeline_from_functions() -> object:
    """A pipeline whose steps are functions, run here."""
    pipe = PipelineController(name="from functions", project=PROJECT, version="1.0", add_pipeline_tags=True)
    pipe.add_parameter("number", 3)
    for name, given in (("first", "${pipeline.number}"), ("second", "${first.value}")):
        pipe.add_function_step(
            name=name,
            function=double,
            function_kwargs={"number": given},
            function_return=["value"],
            cache_executed_step=True,
        )
    pipe.start_locally(run_pipeline_steps_locally=True)
    steps = pipe.get_processed_nodes()
    values = {name: Task.get_task(step.executed).get_parameter("return/value") for name, step in steps.items()}
    return {"task": pipe.task.id, "steps": {name: step.executed for name, step in steps.items()}, "values": values}


@PipelineDecorator.component(return_values=["total"], cache=False)
def add(one: int, two: int) -> int:
    """A step of a pipeline."""
    return int(one) + int(two)


@PipelineDecorator.pipeline(name="from decorators", project=PROJECT, version="0.1")
def summing(count: int) -> int:
    """A pipeline."""
    total = 0
    for number in range(count):
        total = add(total, number)
    return int(total)


def pipeline_from_decorators() -> object:
    """A pipeline that is a function, debugged here."""
    PipelineDecorator.debug_pipeline()
    return {"total": summing(count=3)}


def tables_and_pages() -> object:
    """Tables from frames and files, a page of HTML, and a plot of plotly's as it is."""
    task = Task.init(PROJECT, "tables and pages", reuse_last_task_id=False)
    logger = task.get_logger()
    frame = pd.DataFrame({"ball": [0, 1], "walls": [2.5, None]}, index=["rows", "columns"])
    logger.report_table("table", "frame", iteration=0, table_plot=frame)
    frame.to_csv("table.csv")
    logger.report_table("table", "file", iteration=0, csv="table.csv")
    Path("page.html").write_text("<html><body><h1>A page</h1></body></html>")
    logger.report_media("html", "page", iteration=0, local_path="page.html")
    figure = {"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {"title": "bars"}}
    logger.report_plotly("plotly", "bars", iteration=0, figure=figure)
    logger.report_vector("vector", "values", iteration=0, values=[1, 2, 3])
    task.close()
    return {"task": task.id, "plots": len(Task.get_task(task.id).get_reported_plots())}


def copies() -> object:
    """A task that is exported, imported, copied with other parameters, renamed, moved and archived."""
    task = Task.init(PROJECT, "a template", reuse_last_task_id=False)
    task.connect({"lr": 0.1, "layers": {"size": 8}})
    task.set_comment("to be copied")
    task.add_tags(["template"])
    task.close()
    template = Task.get_task(task.id)
    copy = Task.clone(template, name="a copy")
    copy.set_parameters({"General/lr": 0.2})
    copy.update_parameters({"General/new": "x"})
    copy.rename("renamed")
    copy.move_to_project(new_project_name=f"{PROJECT}/moved")
    copy.set_archived(True)
    imported = Task.import_task(template.export_task() | {"name": "imported"})
    found = Task.get_task(copy.id)
    return {
        "template": template.id,
        "parent": found.parent,
        "name": found.name,
        "project": found.get_project_name(),
        "parameters": found.get_parameters(),
        "comment": found.comment,
        "archived": found.get_archived(),
        "imported": imported.get_parameters(),
        "projects": Task.get_project_id(f"{PROJECT}/moved") == found.project,
    }


def models() -> object:
    """Models that are registered, found by what they say, used, tagged, published and removed."""
    task = Task.init(PROJECT, "models", reuse_last_task_id=False)
    Path("weights.bin").write_bytes(b"weights")
    output = OutputModel(task, name="made", framework="Custom", tags=["fresh"], label_enumeration={"cat": 1})
    files = os.environ["CLEARML_FILES_HOST"]
    output.update_weights("weights.bin", upload_uri=files, auto_delete_file=False, iteration=7)
    output.wait_for_uploads()
    output.set_metadata("accuracy", "0.9", "float")
    outside = InputModel.import_model(weights_url="https://example.com/outside.bin", name="outside", framework="Custom")
    task.connect(outside, name="used")
    found = Model.query_models(project_name=PROJECT, model_name="made", tags=["fresh"], metadata={"accuracy": "0.9"})
    output.publish()
    weights = Path(InputModel(output.id).get_local_copy()).read_bytes().decode()
    names = {kind: [model.name for model in task.models[kind]] for kind in ("input", "output")}
    task.close()
    removed = Model.remove(Model(outside.id), delete_weights_file=False, force=True)
    return {
        "found": [model.id for model in found] == [output.id],
        "weights": weights,
        "names": names,
        "published": InputModel(output.id).published,
        "removed": removed,
        "last_iteration": Task.get_task(task.id).data.last_iteration,
        "used": Task.get_task(task.id).data.models.input[-1].model == f"__DELETED__{outside.id}",
    }


def removal() -> object:
    """A task that is removed with its artifacts and models, and a dataset."""
    task = Task.init(PROJECT, "to be removed", reuse_last_task_id=False)
    task.upload_artifact("data", {"a": 1}, wait_on_upload=True)
    Path("weights.bin").write_bytes(b"weights")
    model = OutputModel(task, name="to be removed")
    files = os.environ["CLEARML_FILES_HOST"]
    model.update_weights("weights.bin", upload_uri=files, auto_delete_file=False, async_enable=False)
    task.close()
    other = Task.get_task(task.id)
    deleted = other.delete(delete_artifacts_and_models=True, skip_models_used_by_other_tasks=True, raise_on_error=True)
    dataset = Dataset.create(dataset_project=PROJECT, dataset_name="to be removed")
    Path("data.txt").write_text("data")
    dataset.add_files("data.txt")
    dataset.upload(show_progress=False)
    dataset.finalize()
    Dataset.delete(dataset_project=PROJECT, dataset_name="to be removed", entire_dataset=True, force=True)
    left = Dataset.list_datasets(dataset_project=PROJECT, partial_name="to be removed")
    models = Model.query_models(project_name=PROJECT, model_name="to be removed")
    return {"deleted": bool(deleted), "models": len(models), "datasets": len(left)}


if __name__ == "__main__":
    work: Callable[[], object] = globals()[sys.argv[1]]
    say(work())
