"""Renew the README's screenshots: ``python -m tests.page.screenshots`` (needs Chromium and playwright)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.harness.api import Api
from tests.harness.deployment import ROOT, Deployment, embedded
from tests.page import demo
from tests.page.conftest import ARGUMENTS, CHROMIUM

DIRECTORY = ROOT / "docs"
SIZE = {"width": 1280, "height": 800}
COLORS = 256  # of the palette: an image stays below 200 kB


def main() -> None:
    """Start Eventide on demonstration data, and take both pictures."""
    with (
        tempfile.TemporaryDirectory() as directory,
        embedded(Path(directory)) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
        sync_playwright() as playwright,
    ):
        tasks = demo.fill(api)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take(browser, deployment, "tasks", "#/tasks", "light", ".tasks .sparkline")
        address = f"#/task/{tasks['convnext tiny']}/scalars"
        take(browser, deployment, "task", address, "dark", ".card .u-over")
        browser.close()


def take(browser: Browser, deployment: Deployment, name: str, address: str, scheme: str, ready: str) -> None:
    """One picture, once ``ready`` is there."""
    keys, origin = deployment.credentials, deployment.origins.query
    page = browser.new_page(viewport=SIZE, color_scheme=scheme, device_scale_factor=1.5)  # type: ignore[arg-type]
    page.goto(f"{origin}/#login={keys.access_key}:{keys.secret_key}")
    expect(page.locator(".tasks tbody tr").first).to_be_visible()
    page.goto(f"{origin}/{address}")
    expect(page.locator(ready).nth(2)).to_be_visible()
    expect(page.locator(".live")).to_be_visible()
    page.wait_for_timeout(1000)  # the last curve is drawn in the next frames
    target = DIRECTORY / f"{name}.png"
    page.screenshot(path=target)
    page.close()
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            target, optimize=True
        )


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    main()
