"""What the README says to paste, pasted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.harness.api import Api, Data
from tests.harness.deployment import ROOT, Deployment

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def pasted(eventide: Deployment) -> dict[str, str]:
    """The environment that the first lines leave, and what they print."""
    if eventide.mode != "embedded":
        pytest.skip("the README's lines are for one address")
    block = README.partition("## A first batch with curl\n\n")[2].partition("\n\nOne event")[0]
    lines = "\n".join(line.removeprefix("    ") for line in block.splitlines())
    keys = f"{eventide.credentials.access_key}:{eventide.credentials.secret_key}"
    lines = lines.replace("<access key>:<secret key>", keys).replace("http://127.0.0.1:8008", eventide.origins.gateway)
    script = f"{lines}\necho; env -0 | tr '\\0' '\\n' | grep -E '^(EVENTIDE|KEYS)='; echo TASK=$TASK"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return {"output": done.stdout} | dict(re.findall(r"^(EVENTIDE|KEYS|TASK)=(.*)$", done.stdout, re.MULTILINE))


def test_the_first_batch(pasted: Mapping[str, str]) -> None:
    added, curve = (
        json.loads(found)["data"] for found in re.findall(r'\{"meta".*?\}(?=\{"meta"|\n)', pasted["output"])
    )
    assert added == {"added": 3, "errors": 0, "errors_info": {}}
    assert curve["loss"]["train"] == {"name": "train", "x": [0, 1], "y": pytest.approx([0.9, 0.7])}


def test_columns_instead_of_lines(pasted: Mapping[str, str], api: Api) -> None:
    example = README.partition("## Columns instead of lines")[2].partition("```python\n")[2].partition("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", example], env=os.environ | dict(pasted), capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'added': 100000, 'errors': 0, 'errors_info': {}}\n"
    fields: Data = {"task": pasted["TASK"], "samples": 10, "aggregation": "minmax"}
    curve = api.call("events.scalar_metrics_iter_histogram", fields)["loss"]["columns"]
    assert (len(curve["x"]), curve["y_max"][0]) == (10, 1.0)
