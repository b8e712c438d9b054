"""Renew the libraries of the page: ``python -m tests.page.vendor [plotly.js=4.1.1] [marked=18.2.1]`` (needs npm).

Without versions it fetches those of ``versions.json`` again. The file also has the digest of each vendored file, which
a test compares with what is there.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.harness.deployment import ROOT

VENDOR = ROOT / "query" / "page" / "vendor"
VERSIONS = VENDOR / "versions.json"
FILES = {
    "uplot": {
        "dist/uPlot.esm.js": "uplot/uPlot.esm.js",
        "dist/uPlot.d.ts": "uplot/uPlot.esm.d.ts",
        "dist/uPlot.min.css": "uplot/uPlot.min.css",
        "LICENSE": "uplot/LICENSE",
    },
    "plotly.js": {
        "dist/plotly-cartesian.min.js": "plotly/plotly-cartesian.min.js",
        "dist/plotly-strict.min.js": "plotly/plotly-strict.min.js",
        "LICENSE": "plotly/LICENSE",
    },
    "marked": {
        "lib/marked.esm.js": "marked/marked.esm.js",
        "lib/marked.d.ts": "marked/marked.esm.d.ts",
        "LICENSE": "marked/LICENSE",
    },
    "dompurify": {
        "dist/purify.es.mjs": "dompurify/purify.es.js",
        "dist/purify.es.d.mts": "dompurify/purify.es.d.ts",
        "LICENSE": "dompurify/LICENSE",
    },
}
LOADER = ROOT / "query" / "page" / "plotly.js"
MAP_STYLE = re.compile(
    r'getElementById\("([0-9a-f]{64})"\).{0,120}?\.textContent=(\'\.maplibregl.*?\'),document', re.DOTALL
)
COARSE_MAPS = """
globalThis.window = globalThis;
require(process.argv[1]);
const coarse = Object.entries(globalThis.Plotly.topojson).filter(([name]) => name.endsWith("_110m"));
console.log(JSON.stringify(Object.fromEntries(coarse)));
"""


def main(wanted: dict[str, str]) -> None:
    """Fetch each library and write its files and ``versions.json``."""
    versions: dict[str, str] = json.loads(VERSIONS.read_text())["versions"] | wanted
    with tempfile.TemporaryDirectory() as directory:
        for name, version in versions.items():
            package = fetch(name, version, Path(directory))
            for source, target in FILES[name].items():
                write(target, (package / source).read_bytes())
            if name == "plotly.js":
                write_maps(package)
    VERSIONS.write_text(json.dumps({"versions": versions, "sha256": digests()}, indent=2) + "\n")


def fetch(name: str, version: str, directory: Path) -> Path:
    """The unpacked package of a version, from npm's registry."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(directory), f"{name}@{version}"]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with tarfile.open(directory / archive) as packed:
        packed.extractall(directory / name, filter="data")
    return directory / name / "package"


def write(target: str, content: bytes) -> None:
    """Write one vendored file."""
    path = VENDOR / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_maps(package: Path) -> None:
    """Write what plotly has inside its scripts or would fetch: coarse maps of the world, and its maps' style sheet."""
    command = ["node", "-e", COARSE_MAPS, str(package / "dist" / "plotly-geo-assets.js")]
    maps = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, shapes in maps.items():
        write(f"plotly/topojson/{name}.json", json.dumps(shapes, separators=(",", ":")).encode())
    found = MAP_STYLE.search((VENDOR / "plotly" / "plotly-strict.min.js").read_text())
    assert found, "plotly-strict.min.js has no style sheet of maplibre where it used to be"
    style = subprocess.run(["node", "-p", found[2]], check=True, capture_output=True, text=True).stdout
    write("plotly/maplibre.css", style.encode())
    assert found[1] in LOADER.read_text(), f"MAP_STYLE.id in {LOADER.name} must be {found[1]}"


def digests() -> dict[str, str]:
    """The SHA-256 of each vendored file."""
    files = sorted(path for path in VENDOR.rglob("*") if path.is_file() and path != VERSIONS)
    return {path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
