"""Which format a path is in. Each format is told by what its files begin with, or are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.importers import mlflow_database
from ingest.importers.clearml_offline import ClearmlOffline, is_clearml
from ingest.importers.eventide_export import EventideExport, is_eventide_export
from ingest.importers.mlflow_files import MlflowFiles, is_mlflow_files
from ingest.importers.neptune import Neptune, is_neptune
from ingest.importers.records import Source, UnreadableSource
from ingest.importers.tables import Tables, is_table
from ingest.importers.tensorboard import TensorBoard, is_tensorboard
from ingest.importers.trackio import Trackio, is_trackio
from ingest.importers.wandb import Wandb, is_wandb


@dataclass(frozen=True)
class Format:
    """One format: what it is called, whether a path is in it, and its source there."""

    name: str
    is_it: Callable[[Path], bool]
    open: Callable[[Path], Source]


FORMATS = (  # the first that fits is taken
    Format("Eventide exports", is_eventide_export, EventideExport),
    Format("MLflow database", mlflow_database.is_mlflow_sqlite, mlflow_database.open_sqlite),
    Format("trackio database", is_trackio, Trackio),
    Format("W&B run folders", is_wandb, Wandb),
    Format("ClearML offline zips", is_clearml, ClearmlOffline),
    Format("Neptune exports", is_neptune, Neptune),
    Format("MLflow file store (mlruns)", is_mlflow_files, MlflowFiles),
    Format("TensorBoard event files", is_tensorboard, TensorBoard),
    Format("CSV and Parquet tables", is_table, Tables),
)


def source_of(place: str, step_column: str | None = None) -> Source:
    """Return the source at a path or URL. ``step_column``: of tables, where its name does not tell.

    Raises UnreadableSource if nothing is there, or nothing in a known format.
    """
    if place.startswith(mlflow_database.SCHEMES):
        return mlflow_database.open_postgres(place)
    path = Path(place.removeprefix("sqlite:///"))
    if not path.exists():
        raise UnreadableSource(f"{path}: there is no such file or folder")
    for known in FORMATS:
        if _fits(known, path):
            found = known.open(path)
            return replace(found, step=step_column) if isinstance(found, Tables) else found
    raise UnreadableSource(f"{path}: in no known format: {', '.join(known.name for known in FORMATS)}")


def _fits(known: Format, path: Path) -> bool:
    """Tell whether a path is in a format: not, if looking stumbles over what is there. Raises UnreadableSource."""
    try:
        return known.is_it(path)
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror}") from error
    except Exception:
        return False  # such as SQLite's UnicodeDecodeError for a damaged table of tables
