"""The tab of artifacts, models and configuration: listed, previewed, downloaded from a real files server."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from playwright.sync_api import expect

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.page.conftest import Open
from tests.page.test_page import NAMELESS
from tests.page.uploads import PNG, upload

FILES = {
    "scores.json": json.dumps({"accuracy": [0.5, 0.75], "who": "<b>me</b>"}).encode(),
    "table.csv": b"epoch,loss\n1,0.5\n",
    "curve.png": PNG,
    "weights.pkl": b"\x80\x04N.",
}


def test_artifacts_models_and_configuration_are_shown(visit: Open, api: Api, eventide: Deployment) -> None:
    folder = f"artifacts/{secrets.token_hex(4)}"
    upload(api, eventide.files, ((f"/{folder}/{name}", content) for name, content in FILES.items()))
    places = {name: f"{eventide.files}/{folder}/{name}" for name in FILES}
    artifacts = [
        {"key": name, "type": "custom", "mode": "output", "uri": uri, "hash": "ab12", "content_size": len(FILES[name])}
        for name, uri in places.items()
    ]
    kept = {"key": "frame", "type": "pandas", "mode": "output", "type_data": {"preview": "a  b\n1  2"}}
    settings = {"model.yaml": {"name": "model.yaml", "type": "yaml", "value": "layers: 12\n"}}
    task = api.create_task("maker", execution={"artifacts": [*artifacts, kept]}, configuration=settings)
    api.create_model("the best model", task=task, uri=places["weights.pkl"], framework="PyTorch")
    page = visit(f"#/task/{task}/artifacts")
    files = page.get_by_role("region", name="Artifacts")
    files.get_by_text("scores.json").click()
    expect(files.get_by_label("scores.json", exact=True)).to_contain_text('"who": "<b>me</b>"\n')
    files.get_by_text("table.csv").click()
    expect(files.get_by_label("table.csv", exact=True)).to_have_text("epoch,loss\n1,0.5\n")
    files.get_by_text("curve.png").click()
    expect(files.locator("img")).to_have_js_property("naturalWidth", 1)
    files.get_by_text("weights.pkl").click()
    expect(files).to_contain_text("There is no preview of such files.")
    files.get_by_text("frame").click()
    expect(files.get_by_label("Preview of frame")).to_contain_text("1  2")
    page.get_by_role("region", name="Configuration").get_by_text("model.yaml").click()
    expect(page.get_by_label("model.yaml")).to_have_text("layers: 12\n")
    models = page.get_by_role("region", name="Models")
    expect(models).to_contain_text("PyTorch")
    for place in (files.get_by_label("Download weights.pkl"), models.get_by_label("Download the best model")):
        with page.expect_download() as downloading:
            place.click()
        assert downloading.value.suggested_filename == "weights.pkl"
        assert Path(downloading.value.path()).read_bytes() == FILES["weights.pkl"]
    assert page.evaluate(NAMELESS) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_a_task_without_any_says_so(visit: Open, task: str) -> None:
    page = visit(f"#/task/{task}/artifacts")
    expect(page.get_by_text("No artifacts, models or configuration yet.")).to_be_visible()
