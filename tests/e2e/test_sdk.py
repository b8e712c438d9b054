"""An unmodified ClearML SDK trains against Eventide, and reads back what it reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.e2e.environments import python_with
from tests.e2e.sdk import Sdk
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment

# What each example sends besides log lines and the resource monitor: (scalars, plots, images), and of its model.
EXAMPLES = {
    "scalar_reporting": (402, 0, 0),
    "plots_3d_reporting": (0, 2, 0),
    "scatter_hist_confusion_reporting": (0, 6, 0),
    "matplotlib_reporting": (0, 2, 0),
    "text_reporting": (0, 0, 1),
    "image_reporting": (0, 0, 6),
    "media_reporting": (0, 0, 3),
    "hyper_parameters": (0, 0, 0),
    "config_files": (0, 0, 0),
    "artifacts": (0, 0, 0),
    "using_artifacts": (0, 0, 0),
    "model_reporting": (0, 0, 0),
    "model_reporting_plots": (0, 0, 0),
    "tags_and_queries": (0, 0, 0),
    "datasets": (0, 0, 0),
}
# What each workflow finds when it is done; ids differ from run to run and are looked at in tests of their own.
WORKFLOWS: dict[str, dict[str, Any]] = {
    "pipeline_from_functions": {"values": {"first": "6", "second": "12"}},
    "pipeline_from_decorators": {"total": 3},
    "tables_and_pages": {"plots": 4},
    "copies": {
        "name": "renamed",
        "project": "e2e/workflows/moved",
        "parameters": {"General/lr": "0.2", "General/new": "x"},
        "comment": "to be copied",
        "archived": True,
        "imported": {"General/lr": "0.1", "General/layers/size": "8"},
        "projects": True,
    },
    "models": {
        "found": True,
        "weights": "weights",
        "names": {"input": ["outside"], "output": ["made"]},
        "published": True,
        "removed": True,
        "last_iteration": 7,
        "used": True,
    },
    "removal": {"deleted": True, "models": 0, "datasets": 0},
}
OLD_SDK = "1.14.4"
STEPS = ("start", "reuse", "continue", "look")
TYPES = ("training_stats_scalar", "plot", "training_debug_image")


@pytest.fixture(scope="module")
def sdk(eventide: Deployment, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Sdk]:
    """All scripts run beside each other, but for two that look for a task of the same name; the tests wait for each."""
    cache = pytestconfig.cache
    assert cache
    if eventide.origins.gateway != eventide.origins.query:
        pytest.skip("the SDK knows one address only")
    runner = Sdk(eventide, tmp_path_factory.mktemp("sdk"))
    runner.start("train", lambda: runner.run("train"))
    runner.start("old", lambda: runner.wait("train") and runner.run("train", home="old", python=old_python(cache)))
    runner.start("again", lambda: {step: runner.run("again", step, home="again") for step in STEPS})
    runner.start("offline", lambda: runner.run("offline", "import", runner.run("offline", "make")["folder"]))
    for name in ("two_processes", "api_client"):
        runner.start(name, partial(runner.run, name))
    for name in EXAMPLES:
        runner.start(name, partial(runner.run, "examples", name))
    for name in WORKFLOWS:
        runner.start(name, partial(runner.run, "workflows", name))
    by_post = {"CLEARML_API_DEFAULT_REQ_METHOD": "post"}
    runner.start("by POST", partial(runner.run, "examples", "scalar_reporting", home="post", environment=by_post))
    yield runner
    runner.close()


def old_python(cache: pytest.Cache) -> str:
    """An interpreter with the oldest SDK that knows all that the training asks of it."""
    return python_with(cache, f"clearml-{OLD_SDK}", f"clearml=={OLD_SDK}", "numpy", "pillow", "setuptools<81")


@pytest.fixture(scope="module")
def trained(sdk: Sdk) -> Any:
    """What the training read back."""
    return sdk.wait("train")


def test_a_task_is_as_it_was_made(trained: Any) -> None:
    assert trained["found by name"] == trained["task"]
    assert (trained["status"], trained["progress"]) == ("completed", 100)
    assert (trained["name"], trained["project"]) == ("everything [1]", "e2e/train (all)")
    assert trained["tags"] == ["nightly", "two words"]
    assert trained["comment"].startswith("a comment: é 😀")


def test_parameters_and_configurations_come_back(trained: Any) -> None:
    assert trained["parameters"] == {
        "General/lr": "0.1",
        "General/layers": "3",
        "General/nested/dropout": "0.5",
        "properties/owner": "the tests",
        "properties/stage": "one",
    }
    assert trained["properties"] == {"owner": "the tests", "stage": "one"}
    assert trained["configuration"] == {"schedule": [1, 2, 3]}
    assert trained["labels"] == {"background": 0, "cat": 1}


def test_scalars_come_back(trained: Any) -> None:
    steps = list(range(50))
    expected = {
        ("loss", "train"): [1 / (i + 1) for i in steps],
        ("loss", "validation"): [2 / (i + 1) for i in steps],
        ("a.b/c $d", "é 😀"): [float(i) for i in steps],
    }
    for (title, series), values in expected.items():
        for curves in (trained["scalars"], trained["all scalars"]):
            assert curves[title][series]["x"] == steps
            assert curves[title][series]["y"] == pytest.approx(values)
        last = trained["last scalars"][title][series]
        assert (last["last"], last["min"], last["max"]) == pytest.approx((values[-1], min(values), max(values)))
    assert trained["last iteration"] == 49


def test_single_values_come_back(trained: Any) -> None:
    assert trained["single values"] == {"accuracy": 0.875, "best epoch": 17}
    assert trained["single value"] == 0.875


def test_plots_of_each_kind_come_back(trained: Any) -> None:
    kinds = "confusion histogram matrix plotly scatter2d scatter3d surface table vector"
    assert [plot[0] for plot in trained["plots"]] == kinds.split()
    assert {plot[2] for plot in trained["plots"]} == {1}


def test_console_and_images_come_back(trained: Any) -> None:
    console = "\n".join(trained["console"])
    for line in ("a line of text", "a warning\nof two lines", "printed to the console"):
        assert line in console
    assert trained["images"] == [0, 1, 2]
    assert trained["elsewhere"] == ["http://example.com/image.png"]


def test_artifacts_come_back(trained: Any) -> None:
    assert trained["artifacts"] == ["a file #1", "array", "object"]
    assert trained["object"] == {"numbers": [1, 2, 3]}
    assert trained["array"] == [[0, 1, 2], [3, 4, 5]]
    assert trained["artifact metadata"] == {"size": "big"}
    assert trained["same bytes"]


def test_models_come_back(trained: Any, api: Api) -> None:
    assert trained["models"] == {"input": [["pretrained", "Keras", False]], "output": [["the model", "PyTorch", False]]}
    assert (trained["model tags"], trained["model labels"]) == (["best"], {"cat": 1})
    assert trained["model design"] == {"layers": 3}
    assert trained["model metadata"] == {"epochs": 17}
    model = api.model(trained["model"])
    assert model["last_iteration"] == 2
    values = api.call("events.get_task_single_value_metrics", tasks=[model["id"]], model_events=True)["tasks"]
    assert [(value["variant"], value["value"]) for value in values[0]["values"]] == [("size", 12)]


def test_a_task_is_used_again_and_continued(sdk: Sdk) -> None:
    first, reused, continued, seen = (sdk.wait("again")[step] for step in STEPS)
    assert first["task"] == reused["task"] == continued["task"] == seen["task"]
    assert seen["status"] == "completed"
    assert set(seen["scalars"]["curve"]) == {"reuse", "continue"}
    assert seen["scalars"]["curve"]["reuse"]["x"] == list(range(10))
    assert seen["scalars"]["curve"]["continue"]["x"] == list(range(10, 20))
    assert seen["last"] == 19


def test_two_processes_report_to_one_task(sdk: Sdk) -> None:
    curves = sdk.wait("two_processes")["curves"]
    assert curves == {"parent": list(range(300)), "child": list(range(300))}


def test_an_offline_session_is_imported(sdk: Sdk) -> None:
    imported = sdk.wait("offline")
    assert imported["status"] == "completed"
    assert imported["parameters"] == {"General/a": "1"}
    assert imported["curve"]["x"] == list(range(20))
    assert imported["curve"]["y"] == [i * 2 for i in range(20)]
    assert any("said offline" in line for line in imported["console"])


def test_the_typed_client_understands_every_answer(sdk: Sdk) -> None:
    found = sdk.wait("api_client")
    assert found["refused"] == {"tasks.enqueue": [400, 1]}
    answers, sent = found["answers"], found["sent"]
    assert [event["iter"] for event in answers["events.get_task_events"]["events"]] == [-(2**31), 1, 2]
    assert answers["events.scalar_metrics_iter_raw"]["variants"] == {"v": {"y": [0.5, 0.25], "iter": [1, 2]}}
    assert answers["events.clear_task_log"] == {"deleted": 1}
    assert answers["tasks.get_all"] == [{"id": found["task"], "name": "by client", "last_iteration": 2}]
    assert [model["id"] for model in answers["models.get_all"]] == [found["model"]]
    assert answers["projects.delete"]["deleted_tasks"] == 1
    assert sent["events.get_vector_metrics_and_variants"] == {"metrics": {"m": ["v"]}}
    assert sent["events.delete_for_model"] == {"deleted": 0}


@pytest.mark.parametrize("name", [*EXAMPLES, "by POST"])
def test_an_example_runs_to_its_end(sdk: Sdk, api: Api, name: str) -> None:
    done = sdk.wait(name)
    assert done["status"] == "completed"
    events = [e for e in api.events(done["task"]) if not e["metric"].startswith(":monitor:")]
    counts = Counter(event["type"] for event in events)
    assert tuple(counts[event_type] for event_type in TYPES) == EXAMPLES.get(name, EXAMPLES["scalar_reporting"])
    assert api.task(done["task"])["status"] == "completed"


def test_a_models_plots_and_scalars_are_the_models(sdk: Sdk, api: Api) -> None:
    task = sdk.wait("model_reporting_plots")["task"]
    (model,) = api.call("models.get_all", task=[task])["models"]
    counts = Counter(event["type"] for event in api.events(model["id"], model_events=True))
    assert counts == {"training_stats_scalar": 2, "plot": 2}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_run_to_the_end(sdk: Sdk, name: str) -> None:
    done = sdk.wait(name)
    assert {field: done[field] for field in WORKFLOWS[name]} == WORKFLOWS[name]


def test_steps_of_a_pipeline_lie_under_its_run(sdk: Sdk, api: Api) -> None:
    done = sdk.wait("pipeline_from_functions")
    every = [done["task"], *done["steps"].values()]
    # A step's process says that it is completed on its way out.
    until(lambda: {api.task(task)["status"] for task in every} == {"completed"})
    run, *steps = map(api.task, every)
    assert (run["type"], run["status"]) == ("controller", "completed")
    assert {(step["parent"], step["status"]) for step in steps} == {(run["id"], "completed")}
    project = api.call("projects.get_by_id", project=run["project"])["project"]
    assert (project["name"], project["system_tags"]) == (
        "e2e/workflows/.pipelines/from functions",
        ["hidden", "pipeline"],
    )
    asked = {"name": "^e2e/workflows$", "children_type": "pipeline", "include_stats": True}
    (listed,) = api.call("projects.get_all_ex", asked)["projects"]
    assert listed["stats"]["active"]["total_tasks"] >= 1


def test_a_copy_names_its_template(sdk: Sdk) -> None:
    done = sdk.wait("copies")
    assert done["parent"] == done["template"]


def test_an_old_sdk_reads_back_the_same(sdk: Sdk, trained: Any) -> None:
    old = sdk.wait("old")
    for name in trained.keys() - {"task", "model", "found by name", "console", "comment"}:
        assert old[name] == trained[name], name
