"""Pages: what a client sends back to go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.errors import InvalidInputError
from topshelf.serving.pages import Page, only_of, parse_page

VERSION = "20260101T000000Z-0a1b2c3d"


def test_a_page_is_plain_text_for_an_address() -> None:
    assert str(Page("own", 25, VERSION)) == f"own.25.{VERSION}"


@given(
    tier=st.sampled_from(["own", "previous", "popular_in_context", "popular", "baked", "similar"]),
    rank=st.integers(1, 99),
)
def test_what_is_written_is_read(tier: str, rank: int) -> None:
    page = parse_page(f"{tier}.{rank}.{VERSION}")
    assert (page.tier, page.rank, page.version) == (tier, rank, VERSION)
    assert parse_page(str(page)) == page


@pytest.mark.parametrize(
    "text",
    [
        "own",
        "own.25",
        "own.25.",
        f"own.0.{VERSION}",
        f"own.025.{VERSION}",
        f"own.100.{VERSION}",
        f"own.-1.{VERSION}",
        f"own.{'9' * 5000}.{VERSION}",
        f"owner.25.{VERSION}",
        f"own.25.{VERSION}\n",
        f" own.25.{VERSION}",
        "own.25.v 1",
        "own.25." + "v" * 65,
        "own.²5.v1",
    ],
)
def test_what_is_no_page_is_refused_by_name(text: str) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^send next_page of the answer before, unchanged$"
    ) as refused:
        parse_page(text)
    assert refused.value.field == "page"


def test_a_page_belongs_to_its_address() -> None:
    only_of(None, "own")
    only_of(Page("own", 1, VERSION), "previous", "own")
    with pytest.raises(InvalidInputError, match="'similar' belongs to another") as refused:
        only_of(Page("similar", 1, VERSION), "own", "previous")
    assert refused.value.field == "page"
