"""Settings of libraries that must be made before they are loaded, and one that is never loaded."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# By command. Arrow's own pool keeps the memory that large bodies once needed: 40 MB.
ENVIRONMENT: dict[str, dict[str, str]] = {"gateway": {"ARROW_DEFAULT_MEMORY_POOL": "system"}}
# Arrow loads it to make an array of a Python list, in case that were a data frame: 35 to 60 MB, and half a second and
# more in which a gateway answered no request.
UNUSED = "pandas"


class Unused(MetaPathFinder):
    """A finder that is asked before any other, and says that there is no such library."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return None, for the next finder to look; raises ModuleNotFoundError for ``UNUSED``."""
        if name == UNUSED:
            raise ModuleNotFoundError(f"Eventide does without {name}", name=name)
        return None


def prepare_libraries(command: str, environment: MutableMapping[str, str]) -> None:
    """Prepare a process that runs this command; settings that somebody else made stay."""
    for name, value in ENVIRONMENT.get(command, {}).items():
        environment.setdefault(name, value)
    sys.meta_path.insert(0, Unused())
