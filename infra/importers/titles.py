"""Titles that end with the year: ``Heat (1995)``."""

import re

__all__ = ["title_and_year"]

_YEAR = re.compile(r"\((\d{4})(?:[-\N{EN DASH}]\d{0,4})?\)$")


def title_and_year(text: str) -> tuple[str, int | None]:
    """The title without the year in brackets at its end, and the year.

    Of a span of years, ``(2006-2007)``, it is the first. A title that is nothing else is kept, and
    four digits that can be no year of a movie are taken off and are none.
    """
    found = _YEAR.search(text)
    if found is None:
        return text, None
    year = int(found[1])
    known = 1850 <= year <= 2200
    return text[: found.start()].rstrip() or text, year if known else None
