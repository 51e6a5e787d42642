"""What a training is given: the lake read, checked and cleaned."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from topshelf.catalog import Movie
from topshelf.events import EventPolicy
from training.checks import DataChecks, check_reading
from training.interactions import clean_events
from training.lake import EventLake, Progress, read_lake
from training.publish import catalogue_entries

__all__ = ["LEARNED_FROM", "Gathered", "gather"]

LEARNED_FROM = ("user_id", "item_id", "event_type", "event_value", "timestamp")
"""Columns of an event that say something of a taste; the others tell events apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The data of a training.

    Attributes:
        events: See training.interactions.Cleaned; columns LEARNED_FROM alone, a third of the
            memory.
        shown: See training.interactions.Cleaned.
        catalogue: Movies by item id.
        objects: ETag of each object read, by key.
        counts: Of lines, events, duplicates and so on, for people.
    """

    events: pl.DataFrame
    shown: pl.DataFrame
    catalogue: Mapping[str, Movie]
    objects: Mapping[str, str]
    counts: Mapping[str, int]


def gather(
    lake: EventLake,
    policy: EventPolicy,
    checks: DataChecks,
    progress: Progress,
    *,
    now: int,
    shown: bool,
) -> Gathered:
    """Reads, checks and cleans all that the lake holds.

    Args:
        lake: Where events and the catalogue are, and where refused lines go.
        policy: Which events the deployment accepts.
        checks: What data is plausible.
        progress: Told of ``read`` and ``check``.
        now: The job's clock, UTC milliseconds.
        shown: Whether impressions are kept.

    Raises:
        InvalidInputError: Broken data.
        ConflictError: An event object was overwritten while it was read.
        UnavailableError: The store does not answer.
    """
    reading = read_lake(lake, policy, progress, shown=shown)
    catalogue, refused = catalogue_entries(lake.catalogue())
    checked = check_reading(
        reading, checks, policy=policy, now=now, known_items=catalogue, progress=progress
    )
    cleaned = clean_events(checked.events, reading.shown)
    return Gathered(
        events=cleaned.events.select(LEARNED_FROM),
        shown=cleaned.shown,
        catalogue=catalogue,
        objects=reading.objects,
        counts={
            **reading.counts,
            **checked.counts,
            **cleaned.counts,
            "refused_catalogue_lines": refused,
        },
    )
