"""What the data checks hold to be plausible: each threshold, and how a deployment sets it."""

import math
from dataclasses import dataclass, fields, replace
from typing import Self

from topshelf.errors import SettingsError

__all__ = ["CHECK_NAMES", "DataChecks"]

_HOUR = 3_600_000

CHECK_NAMES = (
    "columns",
    "missing_value",
    "owner",
    "id_form",
    "placeholder_id",
    "event_type",
    "watch_fraction",
    "rating_scale",
    "finite_value",
    "time_past",
    "time_future",
    "refused_lines",
    "duplicates",
    "event_id_reuse",
    "shared_session",
    "bot_minute",
    "bot_day",
    "bot_sleepless",
    "bot_catalogue",
    "viewer_share",
    "item_share",
    "one_instant",
    "volume_day",
    "volume_hour",
    "missing_days",
    "type_vanished",
    "constant_value",
    "unknown_items",
)
"""Every check, in the order in which failures are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChecks:
    """Thresholds of the data checks. Shares are of all events, 0..1.

    The defaults let real data through: MovieLens, where people rate hundreds of films at a sitting
    (392 of one viewer in one minute, 1,013 in a day), and the built-in viewers.

    Attributes:
        skip: Names of checks to leave out, of CHECK_NAMES; ``columns`` cannot be.
        earliest: Oldest plausible event, UTC milliseconds: 1995, before anybody streamed a film.
        future_hours: How far ahead of the job's clock a device's clock may be.
        future_share: Events further ahead are left out, up to this share; more stop the job.
        refused_share: Lines of the lake that the reader may refuse, of all lines.
        duplicate_share: Exact repeats of another event.
        reused_share: Events whose event_id another, different event has: they would be lost.
        session_viewers: Most viewers that sign in with one session.
        events_per_minute: Most events of a viewer in a minute.
        events_per_day: Most events of a viewer in a day (UTC).
        awake_hours: Most hours of a day in which a viewer is active, on each of awake_days days.
        awake_days: Days with more hours than that before a viewer counts as a machine.
        catalogue_share: Most of all items that one viewer touches, where there are 500 or more.
        bot_share: Events of viewers beyond such a rate, or of such sessions, that are tolerated:
            one odd viewer among many moves no model, and must not stop everybody's training.
        viewer_share: Most events of one viewer.
        item_share: Most events of one item.
        instant_share: Most events at one and the same millisecond.
        volume_deviations: Most median absolute deviations (times 1.4826) that a day or an hour may
            lie above the median of those around it (45 days, 7 days to each side).
        volume_ratio: And at least so many times that median it has to be.
        day_share: Days below this share are never too many.
        hour_share: Hours below this share are never too many.
        missing_days: Most days in a row without any event amid busy ones (100 events a day).
        vanished_days: Newest days in which a type of event must be seen that was there on most of
            the 28 days before, with more than vanished_share of their events.
        vanished_share: See vanished_days.
        constant_events: Watches, or ratings, from which on all having one value is no chance.
        unknown_share: Events of items that the catalogue does not know, where there is one.
    """

    skip: frozenset[str] = frozenset()
    earliest: int = 788_918_400_000
    future_hours: float = 24.0
    future_share: float = 0.001
    refused_share: float = 0.05
    duplicate_share: float = 0.3
    reused_share: float = 0.01
    session_viewers: int = 10
    events_per_minute: int = 600
    events_per_day: int = 3000
    awake_hours: int = 22
    awake_days: int = 3
    catalogue_share: float = 0.8
    bot_share: float = 0.001
    viewer_share: float = 0.1
    item_share: float = 0.2
    instant_share: float = 0.1
    volume_deviations: float = 20.0
    volume_ratio: float = 5.0
    day_share: float = 0.1
    hour_share: float = 0.05
    missing_days: int = 7
    vanished_days: int = 7
    vanished_share: float = 0.01
    constant_events: int = 1000
    unknown_share: float = 0.5

    def __post_init__(self) -> None:
        if strange := self.skip - set(CHECK_NAMES[1:]):
            raise ValueError(
                f"{', '.join(sorted(strange))}: no such check to skip; there are "
                f"{', '.join(CHECK_NAMES[1:])}"
            )
        for name, value in self.thresholds().items():
            top = 1.0 if name.endswith("_share") else math.inf
            if not (math.isfinite(value) and 0 <= value <= top):
                bound = "0..1" if top == 1.0 else "0 or more"
                raise ValueError(f"{name} is {value:g}; it has to be {bound}")

    def horizon(self, now: int) -> int:
        """The latest that an event may be, by a clock that says now; UTC milliseconds."""
        return now + int(self.future_hours * _HOUR)

    def thresholds(self) -> dict[str, float]:
        """The thresholds by name."""
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "skip"}

    @classmethod
    def from_settings(cls, thresholds: str, skip: str) -> Self:
        """The defaults, changed as a deployment says.

        Args:
            thresholds: ``name=number`` with commas between, as in
                ``events_per_minute=900,duplicate_share=0.5``; may be empty.
            skip: Names of checks with commas between; may be empty.

        Raises:
            SettingsError: There is no such threshold or check, or the number cannot be one.
        """
        known = cls().thresholds()
        changed: dict[str, float] = {}
        for part in _listed(thresholds):
            name, _, text = (piece.strip() for piece in part.partition("="))
            if name not in known:
                raise SettingsError(
                    f"TOPSHELF_CHECKS: {name!r} is no threshold; there are {', '.join(known)}"
                )
            try:
                changed[name] = type(known[name])(text)
            except ValueError as error:
                kind = "a whole number" if isinstance(known[name], int) else "a number"
                raise SettingsError(f"TOPSHELF_CHECKS: {name} is {kind}, not {text!r}") from error
        try:
            # The mapping holds what the fields take, by name.
            made = replace(cls(skip=frozenset(_listed(skip))), **changed)  # type: ignore[arg-type]
        except ValueError as error:
            raise SettingsError(f"TOPSHELF_CHECKS, TOPSHELF_CHECKS_SKIP: {error}") from error
        return made


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
