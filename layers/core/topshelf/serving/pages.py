"""Where the next page of an answer begins: in which list, of which version, at which rank.

A page is text that a client sends back unread. It holds no secret and opens nothing: a version that
is not being served is refused.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast

from topshelf.errors import GoneError, InvalidInputError
from topshelf.topk import TOP_K

__all__ = ["Page", "Tier", "gone", "only_of", "parse_page"]

Tier = Literal["own", "previous", "popular_in_context", "popular", "baked", "similar"]

_FORM = re.compile(
    r"(own|previous|popular_in_context|popular|baked|similar)\.([1-9][0-9]{0,2})\.([!-~]{1,64})"
)


@dataclass(frozen=True, slots=True)
class Page:
    """The place where an answer was cut off.

    Attributes:
        tier: Which tier of the fallback chain answered.
        rank: Position in the stored list, from 0. What was seen in between moves nothing.
        version: Of the model.
    """

    tier: Tier
    rank: int
    version: str

    def __str__(self) -> str:
        """The inverse of parse_page."""
        return f"{self.tier}.{self.rank}.{self.version}"


def parse_page(text: str) -> Page:
    """Reads ``next_page`` of an earlier answer.

    Raises:
        InvalidInputError: It is none.
    """
    match = _FORM.fullmatch(text)
    if match is None or int(match[2]) >= TOP_K:
        raise InvalidInputError("page", "send next_page of the answer before, unchanged")
    return Page(cast("Tier", match[1]), int(match[2]), match[3])


def only_of(page: Page | None, *tiers: Tier) -> None:
    """Refuses a page of another address.

    Raises:
        InvalidInputError: The page is of none of the tiers.
    """
    if page is not None and page.tier not in tiers:
        raise InvalidInputError("page", f"a page of {page.tier!r} belongs to another address")


def gone(version: str) -> GoneError:
    """What is raised where the list of a page is no longer served."""
    return GoneError("page", f"{version} is no longer served; ask again without page")
