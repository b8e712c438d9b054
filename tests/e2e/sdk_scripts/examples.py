"""In the style of the SDK's ``examples/reporting``: ``examples.py NAME`` runs one to its end."""

import sys
from collections.abc import Callable

import numpy as np
from clearml import Logger, OutputModel, Task
from say import say


def scalar_reporting(task: Task) -> None:
    """Two curves on one graph, two on graphs of their own, and single values."""
    for i in range(100):
        for number, series in enumerate("AB"):
            value = 10.0**number / (i + 1)
            Logger.current_logger().report_scalar("unified graph", f"series {series}", value=value, iteration=i)
            Logger.current_logger().report_scalar(f"graph {series}", f"series {series}", value=value, iteration=i)
    Logger.current_logger().report_single_value("metric A", 486)
    Logger.current_logger().report_single_value("metric B", 305.95)


def plots_3d_reporting(task: Task) -> None:
    """A surface and a cloud of points."""
    logger = task.get_logger()
    logger.report_surface("surface", "as surface", iteration=0, matrix=np.random.rand(10, 10), xaxis="x", yaxis="y")
    points = np.random.rand(10, 3)
    logger.report_scatter3d("scatter", "random", iteration=0, scatter=points, mode="markers", labels=["p"] * 10)


def scatter_hist_confusion_reporting(task: Task) -> None:
    """What the distribution of something looks like."""
    logger = task.get_logger()
    for series in ("random", "zeros", "ones"):
        logger.report_histogram("histogram", series, iteration=0, values=np.random.rand(10), xaxis="x", yaxis="y")
    logger.report_confusion_matrix(
        "confusion", "ignored", iteration=0, matrix=np.random.rand(5, 5), xlabels=list("abcde")
    )
    logger.report_scatter2d("scatter", "lines", iteration=0, scatter=np.random.rand(10, 2), mode="lines+markers")
    logger.report_line_plot(
        "lines", series=[{"name": "one", "data": np.random.rand(5, 2).tolist()}], iteration=0, xaxis="x", yaxis="y"
    )


def matplotlib_reporting(task: Task) -> None:
    """A figure by hand, and one that is seen when it is shown."""
    import matplotlib.pyplot as plt

    plt.figure()
    plt.plot([1, 2, 3], [4, 5, 6])
    task.get_logger().report_matplotlib_figure("by hand", "figure", iteration=0, figure=plt)
    plt.figure()
    plt.title("shown")
    plt.scatter(np.random.rand(20), np.random.rand(20))
    plt.show()


def text_reporting(task: Task) -> None:
    """What is printed, logged and said."""
    import logging

    print("printed on stdout")
    print("printed on stderr", file=sys.stderr)
    logging.getLogger("example").warning("logged as a warning")
    task.get_logger().report_text("said to the logger")
    with open("text.txt", "w") as text:
        text.write("lorem ipsum " * 100)
    task.get_logger().report_media("text", "file", iteration=0, local_path="text.txt")


def image_reporting(task: Task) -> None:
    """Images of several types, over iterations."""
    from PIL import Image

    logger = task.get_logger()
    for i in range(4):
        logger.report_image("image", "uint8", iteration=i, image=np.eye(64, 64, dtype=np.uint8) * 255)
    logger.report_image("image", "float", iteration=0, image=np.random.rand(32, 32, 3))
    logger.report_image("image", "PIL", iteration=0, image=Image.new("RGB", (32, 32), "blue"))


def media_reporting(task: Task) -> None:
    """Movies and sounds, here and elsewhere."""
    logger = task.get_logger()
    logger.report_media("video", "elsewhere", iteration=1, url="https://example.com/movie.mp4")
    logger.report_media("audio", "elsewhere", iteration=1, url="https://example.com/sound.m4a")
    with open("sound.wav", "wb") as sound:
        sound.write(b"RIFF" + bytes(1000))
    logger.report_media("audio", "here", iteration=1, local_path="sound.wav")


def hyper_parameters(task: Task) -> None:
    """Parameters from dictionaries, objects and the command line."""
    from argparse import ArgumentParser

    parser = ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--argparser_int", type=int, default=1)
    parser.parse_args()
    task.connect({"list": [1, 2, 3], "dict": {"a": 1}, "tuple": (1, 2), "float": 2.2, "string": "my string"})

    class Settings:
        attribute = "name"
        number = 3

    task.connect(Settings(), name="object")
    task.set_user_properties(custom1="great", custom2=True)
    task.set_user_properties({"name": "custom4", "description": "a property", "value": 2.0})


def config_files(task: Task) -> None:
    """Configuration files and dictionaries."""
    with open("config.yaml", "w") as config:
        config.write("a: 1\n")
    task.connect_configuration("config.yaml", name="from file")
    task.connect_configuration({"nested": {"number": 42}, "list": [1, 2]}, name="from dictionary")


def artifacts(task: Task) -> None:
    """Objects, arrays, files and folders."""
    from pathlib import Path

    Path("folder").mkdir(exist_ok=True)
    for name in "ab":
        Path(f"folder/{name}.txt").write_text(name)
    task.upload_artifact("dictionary", {"a": 1})
    task.upload_artifact("numpy", np.eye(10))
    task.upload_artifact("file", "folder/a.txt")
    task.upload_artifact("wildcard", "folder/*.txt")
    task.upload_artifact("folder", "folder")
    task.flush(wait_for_uploads=True)


def using_artifacts(task: Task) -> None:
    """What another task made."""
    other = Task.create("e2e/examples", "maker")
    other.mark_started()
    other.upload_artifact("data", {"rows": 3}, wait_on_upload=True)
    other.flush(wait_for_uploads=True)
    other.mark_completed()
    found = Task.get_task(project_name="e2e/examples", task_name="maker").artifacts["data"].get()
    assert found == {"rows": 3}, found


def model_reporting(task: Task) -> None:
    """A model that lies elsewhere."""
    model = OutputModel(task, name="model", framework="PyTorch", label_enumeration={"cat": 1, "dog": 2})
    model.update_weights(register_uri="https://example.com/weights.pt")


def model_reporting_plots(task: Task) -> None:
    """Scalars and plots of a model."""
    model = OutputModel(task, name="model", framework="PyTorch")
    model.update_weights(register_uri="https://example.com/weights.pt")
    for i in range(2):
        model.report_scalar("scalars", "s", iteration=i, value=i)
    model.report_histogram("histogram", "h", iteration=0, values=[1.0, 2.0])
    model.report_confusion_matrix("confusion", "c", iteration=0, matrix=np.eye(3))


def datasets(task: Task) -> None:
    """A dataset, a later version of it, and what they hold."""
    from pathlib import Path

    from clearml import Dataset

    Path("data").mkdir(exist_ok=True)
    for name in "ab":
        Path(f"data/{name}.txt").write_text(name)
    first = Dataset.create(dataset_project="e2e/data", dataset_name="letters", dataset_tags=["x"])
    first.add_files("data")
    first.upload(show_progress=False)
    first.finalize()
    second = Dataset.create(dataset_project="e2e/data", dataset_name="letters", parent_datasets=[first.id])
    Path("c.txt").write_text("c")
    second.add_files("c.txt")
    second.upload(show_progress=False)
    second.finalize()
    newest = Dataset.get(dataset_project="e2e/data", dataset_name="letters")
    assert newest.id == second.id
    copy = Path(newest.get_local_copy())
    assert {file.name: file.read_text() for file in copy.glob("*.txt")} == {"a.txt": "a", "b.txt": "b", "c.txt": "c"}
    assert {listed["id"] for listed in Dataset.list_datasets(dataset_project="e2e/data")} == {first.id, second.id}


def tags_and_queries(task: Task) -> None:
    """Finding tasks by tags, states and names."""
    task.add_tags(["special"])
    assert Task.get_tasks(project_name="e2e/examples", tags=["special"])[0].id == task.id
    assert task.id in Task.query_tasks(project_name="e2e/examples", task_name="tags_and_q.*")
    assert task.id not in Task.query_tasks(project_name="e2e/examples", tags=["-special"])
    (found,) = Task.query_tasks(
        task_filter={"id": [task.id], "status": ["in_progress"], "order_by": ["-last_update"]},
        additional_return_fields=["name", "script.entry_point", "type"],
    )
    assert found["name"] == "tags_and_queries", found
    clone = Task.clone(task, name="a clone", project=Task.get_project_id("e2e/examples"))
    assert clone.get_status() == "created"
    assert clone.parent == task.id
    assert clone.delete(raise_on_error=True)
    task.set_archived(False)
    assert "e2e/examples" in [project.name for project in Task.get_projects()]


def main() -> None:
    """Run the example of the name that is given."""
    example: Callable[[Task], None] = globals()[sys.argv[1]]
    task = Task.init("e2e/examples", sys.argv[1], reuse_last_task_id=False)
    say({"task": task.id})
    example(task)
    task_id = task.id
    task.close()
    say({"task": task_id, "status": Task.get_task(task_id).get_status()})


if __name__ == "__main__":
    main()
