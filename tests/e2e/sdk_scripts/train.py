"""A training that reports everything there is, then reads it back with the SDK's own methods.

``train.py report``: it reads nothing back.
"""

import sys

import numpy as np
from clearml import InputModel, OutputModel, Task
from PIL import Image
from say import say

task = Task.init("e2e/train (all)", "everything [1]", tags=["nightly", "two words"], output_uri=True)
logger = task.get_logger()

parameters = task.connect({"lr": 0.1, "layers": 3, "nested": {"dropout": 0.5}})
task.connect_configuration({"schedule": [1, 2, 3]}, name="schedule")
task.connect_label_enumeration({"background": 0, "cat": 1})
task.set_user_properties(owner="the tests", stage={"value": "one", "type": "str"})
task.set_comment("a comment: é 😀")
task.set_progress(40)

for i in range(50):
    logger.report_scalar("loss", "train", value=1 / (i + 1), iteration=i)
    logger.report_scalar("loss", "validation", value=2 / (i + 1), iteration=i)
    logger.report_scalar("a.b/c $d", "é 😀", value=float(i), iteration=i)
logger.report_single_value("accuracy", 0.875)
logger.report_single_value("best epoch", 17)

rng = np.random.default_rng(1)
table = [["a", "b"], [1, 2], [3, 4]]
logger.report_table("table", "t", iteration=1, table_plot=table)
logger.report_histogram("histogram", "h", values=[1.0, 2.0, 3.0], iteration=1, xlabels=["x", "y", "z"])
logger.report_vector("vector", "v", values=[3.0, 1.0, 2.0], iteration=1)
logger.report_matrix("matrix", "m", matrix=rng.random((3, 4)), iteration=1)
logger.report_confusion_matrix("confusion", "c", matrix=rng.integers(9, size=(3, 3)), iteration=1)
logger.report_surface("surface", "s", matrix=rng.random((5, 5)), iteration=1)
logger.report_scatter2d("scatter2d", "s", scatter=rng.random((10, 2)), iteration=1, mode="markers")
logger.report_scatter3d("scatter3d", "s", scatter=rng.random((10, 3)), iteration=1)
logger.report_plotly(
    "plotly", "p", iteration=1, figure={"data": [{"type": "bar", "x": [1], "y": [float("nan")]}], "layout": {}}
)

for i in range(3):
    logger.report_image("images", "noise", iteration=i, image=rng.integers(255, size=(16, 16, 3), dtype=np.uint8))
Image.new("RGB", (8, 8), "red").save("red.png")
logger.report_image("images", "file", iteration=0, local_path="red.png")
logger.report_image("images", "elsewhere", iteration=0, url="http://example.com/image.png")
with open("page.html", "w") as page:
    page.write("<p>a page</p>")
logger.report_media("media", "page", iteration=0, local_path="page.html")
logger.report_media("media", "movie", iteration=0, url="http://example.com/movie.mp4")
logger.report_text("a line of text", level=20)
logger.report_text("a warning\nof two lines", level=30)
print("printed to the console")

with open("weights.bin", "wb") as weights:
    weights.write(bytes(range(256)) * 4000)
task.upload_artifact("object", {"numbers": [1, 2, 3]}, wait_on_upload=True)
task.upload_artifact("array", np.arange(6).reshape(2, 3), wait_on_upload=True)
task.upload_artifact("a file #1", "weights.bin", metadata={"size": "big"}, wait_on_upload=True)
task.upload_artifact("to be removed", "gone", wait_on_upload=True)
task.delete_artifacts(["to be removed"])

model = OutputModel(task, name="the model", framework="PyTorch", tags=["best"], label_enumeration={"cat": 1})
model.update_design(config_dict={"layers": 3})
model.update_weights("weights.bin")
model.set_metadata("epochs", "17", "int")
model.report_scalar("quality", "f1", iteration=1, value=0.5)
model.report_scalar("quality", "f1", iteration=2, value=0.75)
model.report_single_value("size", 12)
pretrained = InputModel.import_model("http://example.com/pretrained.bin", name="pretrained", framework="Keras")
task.connect(pretrained)

task_id, model_id = task.id, model.id
task.flush(wait_for_uploads=True)
task.close()
if sys.argv[1:] == ["report"]:
    say({"task": task_id, "model": model_id})
    sys.exit()

read = Task.get_task(task_id)
named = Task.get_task(project_name="e2e/train (all)", task_name="everything [1]")
output = read.models["output"][0]
with open(read.artifacts["a file #1"].get_local_copy(), "rb") as copy, open(output.get_local_copy(), "rb") as weights:
    same_bytes = copy.read() == weights.read() == bytes(range(256)) * 4000


def own(curves):
    """Without the resource monitor's, which come if a run lasts long enough."""
    return {title: series for title, series in curves.items() if not title.startswith(":monitor:")}


say(
    {
        "task": task_id,
        "model": model_id,
        "found by name": named.id,
        "status": read.get_status(),
        "name": read.name,
        "project": read.get_project_name(),
        "tags": sorted(read.get_tags()),
        "comment": read.comment,
        "progress": read.get_progress(),
        "last iteration": read.get_last_iteration(),
        "parameters": read.get_parameters(),
        "configuration": read.get_configuration_object_as_dict("schedule"),
        "labels": read.get_labels_enumeration(),
        "properties": {name: p["value"] for name, p in read.get_user_properties().items()},
        "scalars": own(read.get_reported_scalars()),
        "all scalars": own(read.get_all_reported_scalars()),
        "last scalars": own(read.get_last_scalar_metrics()),
        "single values": read.get_reported_single_values(),
        "single value": read.get_reported_single_value("accuracy"),
        "plots": sorted([plot["metric"], plot["variant"], plot["iter"]] for plot in read.get_reported_plots(100)),
        "console": read.get_reported_console_output(100),
        "images": sorted(s["iter"] for s in read.get_debug_samples("images", "noise", 100)),
        "elsewhere": [s["url"] for s in read.get_debug_samples("images", "elsewhere", 100)],
        "artifacts": sorted(read.artifacts),
        "object": read.artifacts["object"].get(),
        "array": read.artifacts["array"].get().tolist(),
        "artifact metadata": read.artifacts["a file #1"].metadata,
        "same bytes": same_bytes,
        "models": {
            kind: [[m.name, m.framework, m.published] for m in read.models[kind]] for kind in ("input", "output")
        },
        "model tags": output.tags,
        "model labels": output.labels,
        "model design": output.config_dict,
        "model metadata": output.get_all_metadata_casted(),
    }
)
