"""The command ``eventide export``."""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy.exporting.project_export import ProjectExport
from deploy.exporting.table_files import Format
from deploy.importing.progress import Progress
from deploy.importing.server import OWN_FILES, target
from eventide_client.api import Refused
from eventide_client.api import Unavailable as ServerAway
from eventide_client.configuration import read_configuration
from schema.errors import ConfigError, Unavailable
from schema.settings import Settings


def export_project(settings: Settings, project: str, out: str, format: Format, jobs: int, as_json: bool) -> None:
    """Export a project to a folder, and print the counts.

    Raises ConfigError if there is no such project, the keys are wrong or the folder cannot be written; Unavailable.
    """
    progress = Progress()
    with target(settings, os.environ) as server:
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        configuration = read_configuration({}, api=server.api, files=server.files, **keys)
        bases = [server.files, server.stored_files, server.api + OWN_FILES]
        try:
            report = ProjectExport(configuration, bases, Path(out), format, progress.points).export(project, jobs)
        except ServerAway as error:
            raise Unavailable(str(error)) from error
        except (Refused, OSError) as error:
            raise ConfigError(str(error)) from error
    progress.close()
    if report is None:
        raise ConfigError(f"there is no project {project}")
    print(json.dumps(report.document()) if as_json else report.text())
