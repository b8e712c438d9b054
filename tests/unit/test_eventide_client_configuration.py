"""``ingest/client/eventide_client/configuration.py``: arguments, then the environment, then the file, then defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventide_client.configuration import read_configuration


def home(folder: Path, text: str) -> dict[str, str]:
    (folder / ".eventide").mkdir()
    (folder / ".eventide" / "client.ini").write_text(text)
    return {"HOME": str(folder)}


def test_defaults(tmp_path: Path) -> None:
    found = read_configuration({"HOME": str(tmp_path)})
    assert (found.api, found.files) == ("http://127.0.0.1:8008", "http://127.0.0.1:8008/files")
    assert found.max_spool_bytes == 10 << 30
    assert found.access_key == ""


def test_what_is_nearer_wins(tmp_path: Path) -> None:
    file = home(tmp_path, "[client]\napi = http://file:1/\naccess_key = of % file\nspool = /spools\n")
    assert read_configuration(file).access_key == "of % file"
    variables = file | {"CLEARML_API_HOST": "http://clearml:1", "CLEARML_API_ACCESS_KEY": "of the environment"}
    found = read_configuration(variables, api="https://argument:1/", max_block_seconds=0.5)
    assert (found.api, found.access_key) == ("https://argument:1", "of the environment")
    assert (str(found.spool), found.max_block_seconds) == ("/spools", 0.5)
    assert read_configuration(variables | {"EVENTIDE_API": "http://own:1"}).api == "http://own:1"


@pytest.mark.parametrize("text", ["no section", "[client]\napi = here:8008"])
def test_what_cannot_be_meant_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"client\.ini|EVENTIDE_API"):
        read_configuration(home(tmp_path, text))
