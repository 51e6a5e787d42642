"""Each event by itself: a pandera schema of the frame's columns and of what each row may hold."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from topshelf.events import EventPolicy
from training.check_limits import DataChecks
from training.findings import Finding, finding
from training.lake import EVENT_SCHEMA

__all__ = ["RowRule", "columns_at_fault", "row_rules", "rows_at_fault"]

PLACEHOLDERS = ("null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "[object")
"""What programs write where they have no id, in lower case."""

_IDS = ("user_id", "item_id", "session_id", "event_id")
_SLICE = 4_000_000
_REQUIRED = ("item_id", "event_type", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """What every row has to be.

    Attributes:
        check: Name of the check.
        field: The column that it is about.
        holds: True for a good row; null counts as False.
        told: What is wrong with a row for which it does not hold.
        remedy: What to do about it.
    """

    check: str
    field: str
    holds: pl.Expr
    told: str
    remedy: str


def columns_at_fault(events: pl.DataFrame) -> Finding | None:
    """Whether the frame lacks columns, has others, or has them with another type."""
    faults = [
        f"{name} is missing"
        if name not in events.columns
        else f"{name} is {events.schema[name]} instead of {kind}"
        for name, kind in EVENT_SCHEMA.items()
        if events.schema.get(name) != kind
    ] + [
        f"{name[:60]!a} is no column of events"
        for name in events.columns
        if name not in EVENT_SCHEMA
    ]
    if not faults:
        return None
    return finding(
        events,
        pl.lit(value=True),
        check="columns",
        field="events",
        told="; ".join(faults),
        remedy=f"bring the columns {', '.join(EVENT_SCHEMA)} with the types of training.lake."
        "EVENT_SCHEMA",
    )


def row_rules(policy: EventPolicy, checks: DataChecks) -> tuple[RowRule, ...]:
    """The rules for this deployment; those of checks to skip are left out."""
    value, kind = pl.col("event_value"), pl.col("event_type")
    scale = f"{policy.rating_min:g}..{policy.rating_max:g}"
    types = ", ".join(sorted(policy.event_types))
    remove = "remove these events, or mend what writes them"
    rules = [
        *(
            RowRule(
                check="missing_value",
                field=name,
                holds=pl.col(name).is_not_null(),
                told=f"{name} is missing",
                remedy=remove,
            )
            for name in _REQUIRED
        ),
        RowRule(
            check="owner",
            field="user_id",
            holds=pl.col("user_id").is_not_null() | pl.col("session_id").is_not_null(),
            told="there is neither user_id nor session_id",
            remedy=remove,
        ),
        *(_id_form(name, remove) for name in _IDS),
        *(_placeholder(name) for name in ("user_id", "session_id", "item_id")),
        RowRule(
            check="event_type",
            field="event_type",
            holds=kind.is_null() | kind.is_in(sorted(policy.event_types)),
            told=f"event_type is not one of {types}",
            remedy=f"{remove}; or accept the type: TOPSHELF_EVENT_TYPES",
        ),
        RowRule(
            check="watch_fraction",
            field="event_value",
            holds=kind.ne_missing("watch") | value.is_between(0, 1).fill_null(value=False),
            told="event_value of a watch is not a fraction 0..1",
            remedy="send the fraction watched, not seconds or a percentage",
        ),
        RowRule(
            check="rating_scale",
            field="event_value",
            holds=kind.ne_missing("rating")
            | value.is_between(policy.rating_min, policy.rating_max).fill_null(value=False),
            told=f"event_value of a rating is not on the scale {scale}",
            remedy="bring the ratings to the scale, or state another: TOPSHELF_RATING_MIN and _MAX",
        ),
        RowRule(
            check="finite_value",
            field="event_value",
            holds=value.is_null() | value.is_finite(),
            told="event_value is not a number",
            remedy="leave event_value out where there is none",
        ),
        RowRule(
            check="time_past",
            field="timestamp",
            holds=(pl.col("timestamp") >= checks.earliest).fill_null(value=True),
            told=f"timestamp is before {checks.earliest}; is it in seconds?",
            remedy="send UTC milliseconds since 1970; or lower the threshold earliest",
        ),
    ]
    return tuple(rule for rule in rules if rule.check not in checks.skip)


def rows_at_fault(events: pl.DataFrame, rules: Sequence[RowRule]) -> list[Finding]:
    """The rules that do not hold for every row.

    Args:
        events: With the columns of EVENT_SCHEMA, see columns_at_fault.
        rules: See row_rules.
    """
    pandera = _pandera()
    names = {f"{rule.check} {rule.field}": rule for rule in rules}
    schema = pandera.DataFrameSchema(
        {name: pandera.Column(kind, nullable=True) for name, kind in EVENT_SCHEMA.items()},
        # One example is kept: what is told is looked up below, in an order of its own.
        checks=[
            pandera.Check(_applied(rule.holds), name=name, ignore_na=False, n_failure_cases=1)
            for name, rule in names.items()
        ],
        strict=True,
    )
    broken = set[str]()
    # By slices, for the ids of all rows as text would be most of the memory.
    for part in events.iter_slices(_SLICE):
        try:
            schema.validate(part, lazy=True)
        except pandera.errors.SchemaErrors as errors:
            broken |= {error.check.name for error in errors.schema_errors}
    return [
        finding(
            events,
            ~rule.holds.fill_null(value=False),
            check=rule.check,
            field=rule.field,
            told=rule.told,
            remedy=rule.remedy,
        )
        for name, rule in names.items()
        if name in broken
    ]


def _id_form(name: str, remedy: str) -> RowRule:
    return RowRule(
        check="id_form",
        field=name,
        holds=pl.col(name).is_null() | _text(name).str.contains(r"^[!-~]{1,256}$"),
        told=f"{name} is not 1 to 256 printable ASCII characters without spaces",
        remedy=remedy,
    )


def _placeholder(name: str) -> RowRule:
    words = "|".join(word.replace("[", r"\[") for word in PLACEHOLDERS[:-1])
    return RowRule(
        check="placeholder_id",
        field=name,
        holds=pl.col(name).is_null()
        | ~_text(name).str.contains(rf"(?i)^[(<\[]?({words})[)>\]]?$|^\[object"),
        told=f"{name} is what a program writes for no id; all of them would be one",
        remedy="leave the field out where there is no id; if it is one, skip placeholder_id",
    )


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _applied(holds: pl.Expr) -> Any:
    return lambda data: data.lazyframe.select(holds)


def _pandera() -> Any:
    """Imports pandera for Polars when it is needed: with pandas beside it, that takes seconds."""
    with warnings.catch_warnings():
        # It looks for Spark too, which, where both are installed, warns of the pandas it finds.
        warnings.simplefilter("ignore", FutureWarning)
        import pandera.polars as pandera  # noqa: PLC0415
    return pandera
