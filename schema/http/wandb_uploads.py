"""W&B's uploads: ``PUT /wandb/files/<task>/<path>``, the addresses that ``CreateRunFiles`` answers.

The files are below ``wandb/<task>/``: permissions follow the task, as a path names it.
"""

from __future__ import annotations

from aiohttp import web

from schema.adapters.wandb import FOLDER, UPLOADS
from schema.api.dialect import message_of
from schema.errors import EventsError
from schema.http.files_server import refusal_with
from schema.http.mlflow_artifacts import MlflowArtifacts


class WandbUploads(MlflowArtifacts):
    """The handler of W&B's uploads: a body is a file, as MLflow's artifacts are sent."""

    def add_routes(self, app: web.Application) -> None:
        """Add it to an application."""
        self._prefix = UPLOADS
        app.router.add_put(f"{UPLOADS}/{{path:.+}}", self.answering(self.put))

    def _path_of(self, request: web.Request) -> str:
        return f"{FOLDER}{super(MlflowArtifacts, self)._path_of(request)}"

    def _refusal(self, request: web.Request, error: EventsError) -> web.Response:
        return refusal_with({"error": message_of(error)}, error)
