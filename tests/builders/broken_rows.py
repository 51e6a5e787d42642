"""Kinds of broken data whose rows are each broken by themselves."""

import polars as pl

from tests.builders.event_frames import (
    ANY,
    DAY,
    NOW,
    Broken,
    having,
    nobody,
    some,
    times,
)

__all__ = ["BROKEN_ROWS"]

BROKEN_ROWS = (
    Broken("a column is missing", (("columns", "events"),), lambda e: e.drop("event_type"), ANY),
    Broken(
        "a column too many",
        (("columns", "events"),),
        lambda e: e.with_columns(pl.lit(1).alias("label")),
        having("label", 1),
    ),
    Broken(
        "times are text",
        (("columns", "events"),),
        lambda e: e.with_columns(pl.col("timestamp").cast(pl.String)),
        lambda row: isinstance(row["timestamp"], str),
    ),
    Broken(
        "items are missing",
        (("missing_value", "item_id"),),
        some("item_id", None),
        lambda row: "item_id" not in row,
        3,
    ),
    Broken(
        "types are missing",
        (("missing_value", "event_type"),),
        some("event_type", None),
        lambda row: "event_type" not in row,
        3,
    ),
    Broken(
        "times are missing",
        (("missing_value", "timestamp"),),
        some("timestamp", None),
        lambda row: "timestamp" not in row,
        3,
    ),
    Broken("nobody", (("owner", "user_id"),), nobody, lambda row: "user_id" not in row, 4),
    Broken(
        "control characters",
        (("id_form", "user_id"),),
        some("user_id", "v1\x1b[2J\n"),
        having("user_id", "v1\x1b[2J\n"),
        3,
    ),
    Broken(
        "an id beyond all bounds",
        (("id_form", "item_id"),),
        some("item_id", "m" * 257),
        lambda row: row["item_id"] == "m" * 60 + "… (257 characters)",
        3,
    ),
    Broken("an empty id", (("id_form", "user_id"),), some("user_id", ""), having("user_id", ""), 3),
    Broken(
        "an id in another alphabet",
        (("id_form", "event_id"),),
        some("event_id", "événement"),
        having("event_id", "événement"),
        3,
    ),
    Broken(
        "viewers called undefined",
        (("placeholder_id", "user_id"),),
        some("user_id", "undefined"),
        having("user_id", "undefined"),
        3,
    ),
    Broken(
        "items called NaN",
        (("placeholder_id", "item_id"),),
        some("item_id", "NaN"),
        having("item_id", "NaN"),
        3,
    ),
    Broken(
        "an unknown type",
        (("event_type", "event_type"),),
        some("event_type", "hover", kind="view"),
        having("event_type", "hover"),
        3,
    ),
    Broken(
        "watched fractions in percent",
        (("watch_fraction", "event_value"),),
        some("event_value", 55.0, kind="watch"),
        having("event_value", 55.0),
        3,
    ),
    Broken(
        "watches without a fraction",
        (("watch_fraction", "event_value"),),
        some("event_value", None, kind="watch"),
        lambda row: "event_value" not in row and row["event_type"] == "watch",
        3,
    ),
    Broken(
        "ratings out of ten",
        (("rating_scale", "event_value"),),
        some("event_value", 9.0, kind="rating"),
        having("event_value", 9.0),
        3,
    ),
    Broken(
        "values that are no numbers",
        (("finite_value", "event_value"),),
        some("event_value", float("nan"), kind="view"),
        lambda row: row["event_value"] != row["event_value"],
        3,
    ),
    Broken(
        "times in seconds",
        (("time_past", "timestamp"),),
        times(0.001),
        lambda row: row["timestamp"] < 10**10,
        30_000,
    ),
    Broken(
        "times in microseconds",
        (("time_future", "timestamp"),),
        times(1000),
        lambda row: row["timestamp"] > 10**15,
        30_000,
    ),
    Broken(
        "clocks that are years ahead",
        (("time_future", "timestamp"),),
        some("timestamp", NOW + 700 * DAY, rows=60),
        having("timestamp", NOW + 700 * DAY),
        60,
    ),
)
"""Each planted in otherwise good events; what holds columns together is broken too."""
