"""``docs/api-contract.md``: what code cites of it exists, and what it says of endpoints and errors is so."""

from __future__ import annotations

import re
from functools import cache

from deploy.endpoint_catalog import all_endpoints
from schema.errors import EventsError
from tests.unit.docs.documents import ROOT, files

CONTRACT = (ROOT / "docs" / "api-contract.md").read_text()
SECTIONS = set(re.findall(r"^#+ (\d+(?:\.\d+)*) ", CONTRACT, re.MULTILINE))
ROWS = set(re.findall(r"^\| (\d+) \|", CONTRACT.partition("\n## 5 ")[2], re.MULTILINE))
NUMBER = r"\d+(?:\.\d+)*"
LIST = re.compile(rf"API contract,? ({NUMBER}(?:(?:, | and | to |, and ){NUMBER})*)", re.IGNORECASE)
ROW = re.compile(r"API contract,? 5, rows? (\d+)(?: and (\d+))?", re.IGNORECASE)
OTHER_FORMS = re.compile(r"\bsections? \d|\bspecification section|\bthe spec\b", re.IGNORECASE)
CITING = sorted(path for path in files() if path.endswith(".py") and not path.startswith("tests/unit/docs/"))


def cited_sections(text: str) -> set[str]:
    """The sections that a text cites."""
    return {number for found in LIST.findall(text) for number in re.findall(NUMBER, found)}


@cache
def texts() -> dict[str, str]:
    """The sections by number, each with its title as the first line."""
    found = re.findall(rf"^#+ ({NUMBER}) (.*\n(?:(?!#).*\n)*)", CONTRACT, re.MULTILINE)
    return dict(found)


def described(action: str) -> str:
    """The sections of an endpoint, with those that they refer to, and those that these refer to."""
    own = {number for number, text in texts().items() if f"`{action}`" in text.partition("\n")[0]}
    own |= {number for number in texts() if any(number.startswith(f"{parent}.") for parent in own)}
    near = own | {number for one in own for number in referred(texts()[one])}
    return "\n".join(texts()[number] for number in near | {n for one in near for n in referred(texts()[one])})


def referred(text: str) -> set[str]:
    """The sections of parts 3 and 6 that a text names."""
    return set(re.findall(rf"\b[36]\.{NUMBER}", text)) & texts().keys()


def test_sections_and_rows_are_found() -> None:
    assert {"1.1", "2.7", "3.0.5", "3.18", "4", "5"} <= SECTIONS
    assert {"1", "35"} <= ROWS


def test_every_cited_section_exists() -> None:
    texts = {path: re.sub(r"\n[ #]*", " ", (ROOT / path).read_text()) for path in CITING}
    cited = {path: cited_sections(text) for path, text in texts.items()}
    rows = {path: {row for found in ROW.findall(text) for row in found if row} for path, text in texts.items()}
    assert sum(map(len, cited.values())) > 50
    assert {path: numbers - SECTIONS for path, numbers in cited.items() if numbers - SECTIONS} == {}
    assert {path: numbers - ROWS for path, numbers in rows.items() if numbers - ROWS} == {}


def test_sections_are_cited_by_the_name_of_the_document() -> None:
    assert {path: found for path in CITING if (found := OTHER_FORMS.findall((ROOT / path).read_text()))} == {}


def test_the_versions_of_every_endpoint_are_those_of_its_implementations() -> None:
    versions: dict[str, set[str]] = {}
    for endpoint in all_endpoints():
        if endpoint.name.startswith("events."):
            versions.setdefault(endpoint.name.removeprefix("events."), set()).add(endpoint.actual_version)
    listed = {
        name: set(cells.split(", "))
        for names, cells in re.findall(r"^\| (`[a-z_`, ]+)[^|]* \| ([\d., ]+) \|$", CONTRACT, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
        if name in versions
    }
    assert {name: found for name, found in versions.items() if found != {"1.0"}} == listed
    assert [name for name in versions if f"`{name}`" not in CONTRACT.partition("\n## 3 ")[2]] == []


def test_every_parameter_is_in_the_section_of_its_endpoint() -> None:
    missing = set()
    for endpoint in all_endpoints():
        action = endpoint.name.removeprefix("events.")
        if action == endpoint.name or endpoint.is_batch or action == "get_multi_task_metrics":  # of part 4
            continue
        names = [known.alias or field for field, known in endpoint.request.model_fields.items()]
        missing |= {f"{action}: {name}" for name in names if f"`{name}`" not in described(action)}
    assert missing == set()


def test_every_error_that_is_named_exists() -> None:
    def codes(error: type[EventsError]) -> set[tuple[int, int]]:
        return {(error.code, error.subcode)}.union(*map(codes, error.__subclasses__()))

    named = {(int(code), int(subcode)) for code, subcode in re.findall(r"\b([45]\d\d)/(\d+)\b", CONTRACT)}
    assert named
    assert named - codes(EventsError) == set()


def test_a_list_of_sections_is_read_whole() -> None:
    assert cited_sections("the API contract 3.4, 3.13 and 3.14; API contract, 2.1 to 2.9") == {
        "3.4",
        "3.13",
        "3.14",
        "2.1",
        "2.9",
    }
