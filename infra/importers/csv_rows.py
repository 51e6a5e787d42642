"""Rows of text with a separator between the fields.

Line by line: a field that holds a line end is refused, and so a stray quotation mark costs one
row and not the rest of the file.
"""

import csv
import re

from topshelf.events import MAX_LINE_BYTES, Refusal

__all__ = ["csv_fields", "of_width", "text_of", "whole_number"]

_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?", re.ASCII)


def csv_fields(text: str) -> list[str] | Refusal:
    """The fields of a row, unquoted, or why it is none."""
    if len(text) > MAX_LINE_BYTES:
        return Refusal("body", f"the row is longer than {MAX_LINE_BYTES} bytes")
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader((text,), strict=True))
    except csv.Error as error:
        return Refusal("body", f"no CSV row: {error}")


def of_width(fields: list[str] | Refusal, width: int) -> list[str] | Refusal:
    """The fields without outer blanks, or a refusal where there are too few or too many."""
    if isinstance(fields, Refusal):
        return fields
    if len(fields) != width:
        return Refusal("body", f"the row has {len(fields)} fields, not {width}")
    return [field.strip() for field in fields]


def text_of(line: bytes) -> str:
    """UTF-8 as in newer sets, else Latin-1 as in older ones; the latter reads any byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def whole_number(text: str) -> int | None:
    """The number, or None; ``5.0`` is one too, as data frames write a column with gaps."""
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found else None
