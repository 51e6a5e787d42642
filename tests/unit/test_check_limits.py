import re
from dataclasses import fields
from pathlib import Path

import pytest

from topshelf.errors import SettingsError
from training.check_limits import CHECK_NAMES, DataChecks

PAGE = Path(__file__).parents[2] / "docs/data-checks.md"


def rows() -> list[list[str]]:
    lines = (line for line in PAGE.read_text().splitlines() if line.startswith("| `"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_every_check_in_the_order_of_being_told() -> None:
    assert [row[0] for row in rows()] == [f"`{name}`" for name in CHECK_NAMES]


def test_the_page_has_every_threshold_with_its_default() -> None:
    told = dict(re.findall(r"`(\w+)` = ([\d.]+)", " ".join(row[2] for row in rows())))
    assert {name: float(text) for name, text in told.items()} == DataChecks().thresholds()


def test_every_field_is_documented() -> None:
    described = re.findall(r"^    (\w+):", DataChecks.__doc__ or "", re.MULTILINE)
    assert described == [part.name for part in fields(DataChecks)]


def test_without_settings_the_defaults_hold() -> None:
    assert DataChecks.from_settings("", "") == DataChecks()
    assert DataChecks.from_settings(" , ", ",") == DataChecks()


def test_settings_change_thresholds_and_leave_out_checks() -> None:
    found = DataChecks.from_settings(
        "events_per_minute=900, duplicate_share = 0.5", "missing_days, bot_day"
    )
    assert found == DataChecks(
        events_per_minute=900,
        duplicate_share=0.5,
        skip=frozenset({"missing_days", "bot_day"}),
    )
    assert isinstance(found.events_per_minute, int)


@pytest.mark.parametrize(
    ("thresholds", "skip", "words"),
    [
        ("events=3", "", "TOPSHELF_CHECKS: 'events' is no threshold; there are earliest, future"),
        ("skip=bot_day", "", "'skip' is no threshold"),
        ("events_per_day", "", "events_per_day is a whole number, not ''"),
        ("events_per_day=1.5", "", "events_per_day is a whole number, not '1.5'"),
        ("bot_share=many", "", "bot_share is a number, not 'many'"),
        ("bot_share=1.1", "", r"bot_share is 1.1; it has to be 0..1"),
        ("bot_share=nan", "", r"bot_share is nan; it has to be 0..1"),
        ("future_hours=inf", "", "future_hours is inf; it has to be 0 or more"),
        ("earliest=-1", "", "earliest is -1; it has to be 0 or more"),
        ("", "bots", "TOPSHELF_CHECKS_SKIP: bots: no such check to skip; there are missing_value"),
        ("", "columns", "columns: no such check to skip"),
    ],
)
def test_what_cannot_be_is_told(thresholds: str, skip: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        DataChecks.from_settings(thresholds, skip)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_reach_from_nothing_to_all(share: float) -> None:
    assert DataChecks(bot_share=share).bot_share == share
