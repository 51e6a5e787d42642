"""Bringing events from elsewhere into the lake: sources that read, and the run that loads."""

from infra.importers.import_run import (
    ImportProgress,
    ImportSummary,
    LakeWriter,
    import_events,
)
from infra.importers.open_source import open_source
from infra.importers.source import RefusedRow, Source

__all__ = [
    "ImportProgress",
    "ImportSummary",
    "LakeWriter",
    "RefusedRow",
    "Source",
    "import_events",
    "open_source",
]
