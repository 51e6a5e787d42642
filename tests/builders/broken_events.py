"""Kinds of broken data, each planted in otherwise good events."""

import polars as pl

from tests.builders.broken_rows import BROKEN_ROWS
from tests.builders.event_frames import (
    ANY,
    CATALOGUE,
    DAY,
    DAY_20,
    HOUR,
    NOW,
    Broken,
    filled,
    having,
    many,
    more,
    some,
    spread,
    steady,
    without_days,
    without_recent,
)
from training.id_columns import ITEM_IDS

__all__ = ["BROKEN"]

BROKEN = (
    *BROKEN_ROWS,
    Broken(
        "everything twice", (("duplicates", "events"),), lambda e: pl.concat([e, e]), ANY, 60_000
    ),
    Broken(
        "one event id for many events",
        (("event_id_reuse", "event_id"),),
        some("event_id", "1", rows=900),
        having("event_id", "1"),
        900,
    ),
    Broken(
        "one session for many viewers",
        (("shared_session", "session_id"),),
        some("session_id", "sid", rows=900),
        having("session_id", "sid"),
        900,
    ),
    Broken(
        "hundreds of events in a minute",
        (("bot_minute", "user_id"),),
        more(700, timestamp=spread(700, 50_000, DAY_20)),
        having("user_id", "bot"),
        700,
    ),
    Broken(
        "thousands of events in a day",
        (("bot_day", "user_id"), ("volume_day", "timestamp")),
        more(3200, timestamp=spread(3200, 15 * HOUR, DAY_20)),
        having("user_id", "bot"),
        3200,
    ),
    Broken(
        "a machine before sign-in",
        (("bot_minute", "user_id"),),
        more(700, user_id=None, session_id="tv", timestamp=spread(700, 50_000, DAY_20)),
        lambda row: row["session_id"] == "tv" and "user_id" not in row,
        700,
    ),
    Broken(
        "a viewer who never sleeps",
        (("bot_sleepless", "user_id"),),
        more(240, timestamp=steady(240, 24)),
        having("user_id", "bot"),
        240,
    ),
    Broken(
        "a viewer who walks the catalogue",
        (("bot_catalogue", "user_id"),),
        more(
            540,
            timestamp=steady(540, 12, 12 * HOUR),
            item_id=[f"m{row:05d}" for row in range(540)],
        ),
        having("user_id", "bot"),
        540,
    ),
    Broken(
        "one viewer for everybody",
        (("viewer_share", "user_id"),),
        more(5000, timestamp=steady(5000, 120, 20 * HOUR)),
        having("user_id", "bot"),
        5000,
    ),
    Broken(
        "one item for everything",
        (("item_share", "item_id"),),
        some("item_id", "m00001", rows=9000),
        having("item_id", "m00001"),
    ),
    Broken(
        "one instant for everything",
        (
            ("one_instant", "timestamp"),
            ("volume_day", "timestamp"),
            ("volume_hour", "timestamp"),
        ),
        some("timestamp", DAY_20, rows=4000),
        having("timestamp", DAY_20),
        4000,
    ),
    Broken(
        "a day of many times as much",
        (("volume_day", "timestamp"),),
        more(8000, user_id=many(8000), timestamp=spread(8000, DAY - 1, DAY_20)),
        lambda row: row["timestamp"] // DAY == DAY_20 // DAY,
    ),
    Broken(
        "an hour of many times as much",
        (("volume_hour", "timestamp"),),
        more(2500, user_id=many(2500), timestamp=spread(2500, HOUR - 1, DAY_20)),
        lambda row: row["timestamp"] // HOUR == DAY_20 // HOUR,
    ),
    Broken(
        "days are missing",
        (("missing_days", "timestamp"),),
        without_days,
        lambda row: row["timestamp"] // DAY == NOW // DAY - 31,
    ),
    Broken(
        "a type stopped coming",
        (("type_vanished", "event_type"),),
        without_recent("watch"),
        having("event_type", "watch"),
    ),
    Broken(
        "everybody watches to the end",
        (("constant_value", "event_value"),),
        filled("event_value", "watch", 1.0),
        lambda row: (row["event_type"], row["event_value"]) == ("watch", 1.0),
    ),
    Broken(
        "every rating is the same",
        (("constant_value", "event_value"),),
        filled("event_value", "rating", 3.0),
        lambda row: (row["event_type"], row["event_value"]) == ("rating", 3.0),
    ),
    Broken(
        "items of another catalogue",
        (("unknown_items", "item_id"),),
        lambda e: e.with_columns(("x" + pl.col("item_id")).cast(ITEM_IDS).alias("item_id")),
        lambda row: row["item_id"].startswith("xm"),
        30_000,
        CATALOGUE,
    ),
)
"""Kinds of broken data, each planted in otherwise good events."""
