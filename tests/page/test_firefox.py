"""Eventide's own page in Firefox: logging in, every tab, and real uploads by every address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.harness.events import scalar
from tests.page import demo
from tests.page.firefox import PROGRAM, Firefox, firefox
from tests.page.uploads import FILES, port_of, report

pytestmark = pytest.mark.skipif(not PROGRAM, reason="there is no Firefox (EVENTIDE_TEST_FIREFOX names one)")
HOSTS = ("127.0.0.1", "localhost", "127.0.0.9", "eventide.localhost")
IMAGES_LOADED = """(() => {
    const images = [...document.querySelectorAll(".images img")];
    return images.length === 2 && images.every(image => image.complete && image.naturalWidth > 0);
})()"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One Firefox for all."""
    with firefox(tmp_path_factory.mktemp("firefox")) as started:
        yield started


def log_in(window: Firefox, deployment: Deployment, host: str) -> str:
    """Use the printed link; the origin where that was."""
    origin, keys = f"http://{host}:{port_of(deployment.origins.query)}", deployment.credentials
    window.open(f"{origin}/#login={keys.access_key}:{keys.secret_key}")
    window.until('document.querySelector(".user")?.textContent')
    return origin


@pytest.mark.parametrize("visited", HOSTS)
def test_uploaded_files_are_shown(window: Firefox, open_to_all: Deployment, on_lan: Api, visited: str) -> None:
    origin = log_in(window, open_to_all, visited)
    for named in HOSTS:
        files = f"http://{named}:{port_of(open_to_all.files)}"
        task = report(on_lan, open_to_all.files, files, "project")
        window.open(f"{origin}/#/task/{task}/images")
        window.until(f'document.querySelectorAll(".images figure").length === {len(FILES)}')
        window.until(IMAGES_LOADED)
        window.until('document.querySelector(".images audio")?.duration > 0.05')
        assert "second <b>line</b>" in window.until('document.querySelector(".images pre")?.textContent')
        window.until('document.querySelector(".images iframe")')
        window.frame(".images iframe")
        assert window.until('document.querySelector("h1")?.textContent') == "a report"
        assert window.run("return document.documentElement.dataset.ran") is None
        window.command("WebDriver:SwitchToFrame", {"id": None})


@pytest.mark.parametrize("name", ["report.html", "drawing.svg"])
def test_a_file_that_is_opened_by_itself_runs_nothing(
    window: Firefox, open_to_all: Deployment, on_lan: Api, name: str
) -> None:
    origin = log_in(window, open_to_all, "127.0.0.1")
    task = report(on_lan, open_to_all.files, open_to_all.files, "alone")
    for host in (f"{origin}/files", open_to_all.files):
        window.open(f"{host}/alone/{task}/{name}")
        assert window.until('document.querySelector("h1, rect")')
        assert window.run("return document.documentElement.dataset.ran") is None


def test_every_tab_shows_what_the_task_reported(window: Firefox, open_to_all: Deployment, on_lan: Api) -> None:
    task = on_lan.create_task("in Firefox")
    curves = demo.curves(task, rate=1.0, seed=1, steps=100)
    demo.send(on_lan, [*curves, *demo.log(task, 50), *demo.plots(task), *demo.images(task)])
    origin = log_in(window, open_to_all, "127.0.0.1")
    for tab, found in {
        "scalars": ".card .u-over",
        "plots": ".card .main-svg",
        "images": ".images img",
        "console": ".line .message",
        "info": ".facts-card",
    }.items():
        window.open(f"{origin}/#/task/{task}/{tab}")
        window.until(f"document.querySelector({found!r})")
        assert not window.run('return document.querySelector("[role=alert]")?.textContent'), tab


def test_sections_of_metrics_are_scrolled_and_folded(window: Firefox, open_to_all: Deployment, on_lan: Api) -> None:
    task = on_lan.create_task("many metrics in Firefox")
    names = [f"{part}/layer {number:03}" for part in ("grad", "weight") for number in range(120)]
    on_lan.add(*(scalar(task, step, float(step), name, "norm") for name in names for step in range(2)))
    window.open(f"{log_in(window, open_to_all, '127.0.0.1')}/#/task/{task}/scalars")
    window.until('document.querySelector(".card .u-over")')
    assert window.run('return document.querySelectorAll(".charts .card").length') < 60
    window.run("scrollTo(0, document.body.scrollHeight)")
    last = "document.querySelector(\"[aria-label='weight/layer 119']\")"
    assert window.until(f'{last}?.querySelector(".series .value")?.textContent') == "1"
    window.run('document.querySelector(".fold").click()')
    assert window.until('document.querySelector(".fold").ariaExpanded') == "false"
    window.until('!document.querySelector("[aria-label^=grad]")')


def test_a_comparison_is_read(window: Firefox, open_to_all: Deployment, on_lan: Api) -> None:
    tasks = [on_lan.create_task(f"compared {number}") for number in range(3)]
    on_lan.add(*(scalar(t, step, n + step / 10, "loss", "train") for n, t in enumerate(tasks) for step in range(1, 9)))
    window.open(f"{log_in(window, open_to_all, '127.0.0.1')}/#/compare/{'/'.join(tasks)}?logx=1&y=loss/train~0~2")
    window.until('document.querySelector("article .u-over")')
    first = '[...document.querySelectorAll("article .legend li")].find(li => li.style.order === "0")'
    assert window.until(f'{first}?.querySelector(".name").textContent') == "compared 2"
    window.run("document.querySelector(\"[aria-label='Only compared 1']\").click()")
    pressed = 'document.querySelectorAll("article .series[aria-pressed=true]")'
    assert window.until(f"{pressed}.length === 1 && {pressed}[0].textContent") == "compared 11.8"
    assert not window.run('return document.querySelector("[role=alert]")?.textContent')
