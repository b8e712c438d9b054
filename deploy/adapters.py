"""The protocols of other SDKs, of which a setting says which are spoken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy import access
from schema.adapters.mlflow import MlflowDialect
from schema.adapters.trackio import TrackioDialect
from schema.adapters.wandb import WandbDialect
from schema.errors import ConfigError
from schema.settings import Settings

if TYPE_CHECKING:
    from schema.api.dialect import Dialect
    from schema.http.files_server import Files

DIALECTS: dict[str, type[Dialect]] = {"mlflow": MlflowDialect, "trackio": TrackioDialect, "wandb": WandbDialect}


def spoken(settings: Settings) -> frozenset[str]:
    """Return the names of the protocols that are spoken. Raises ConfigError for one that there is not."""
    names = access.names_in(settings.adapters)
    if unknown := sorted(names - DIALECTS.keys()):
        raise ConfigError(f"EVENTIDE_ADAPTERS: {', '.join(unknown)}; there are {', '.join(DIALECTS)}")
    return names


def dialects(settings: Settings) -> Sequence[Dialect]:
    """Return the dialects that are spoken. Raises ConfigError as ``spoken`` does."""
    names = spoken(settings)
    return [make() for name, make in DIALECTS.items() if name in names]


def silent(settings: Settings) -> frozenset[str]:
    """Return the protocols whose endpoints are not served. Raises ConfigError as ``spoken`` does."""
    return frozenset(DIALECTS.keys() - spoken(settings))


def other_files(settings: Settings) -> Sequence[type[Files]]:
    """Return what has the files of a files server at the addresses of other SDKs. Raises ConfigError as ``spoken``."""
    from schema.http.mlflow_artifacts import MlflowArtifacts
    from schema.http.trackio_uploads import TrackioUploads
    from schema.http.wandb_uploads import WandbUploads

    kinds: dict[str, type[Files]] = {"mlflow": MlflowArtifacts, "trackio": TrackioUploads, "wandb": WandbUploads}
    return [kind for name, kind in kinds.items() if name in spoken(settings)]
