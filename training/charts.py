"""Charts as inline SVG: no script, no style of their own, words beside every mark.

Colours come from classes of the page that holds them (``c0``, ``c1``, ...), so that a chart follows
it into the dark and onto paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Line", "bars", "lines"]

# Narrow, so that its words can still be read where a phone makes it smaller.
_WIDTH = 480
_LEFT = 120
_RIGHT = 64
_LEGEND = 2
_ROW = 26


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: In the legend.
        points: x and y, ascending in x.
    """

    name: str
    points: Sequence[tuple[float, float]]


def bars(title: str, values: Sequence[tuple[str, float]], *, digits: int = 4) -> str:
    """Horizontal bars from 0, one a row, the value beside each.

    Args:
        title: What a reader who cannot see it is told first.
        values: Names and values, none negative; the first is the one that matters.
        digits: Behind the point.
    """
    height = _ROW * len(values) + 8
    widest = max((value for _, value in values), default=0.0) or 1.0
    room = _WIDTH - _LEFT - _RIGHT
    parts = []
    for row, (name, value) in enumerate(values):
        top = 4 + row * _ROW
        length = max(value / widest * room, 1.0)
        middle = top + _ROW / 2 + 4
        parts.append(
            f'<text x="{_LEFT - 8}" y="{middle:g}" class="end">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{top + 4}" width="{length:.1f}" height="{_ROW - 8}" '
            f'class="{"c0" if row == 0 else "c1"}"/>'
            f'<text x="{_LEFT + length + 6:.1f}" y="{middle:g}">{value:.{digits}f}</text>'
        )
    told = "; ".join(f"{name} {value:.{digits}f}" for name, value in values)
    return _svg(title, told, height, "".join(parts))


def lines(title: str, given: Sequence[Line], *, x_name: str, digits: int = 3) -> str:
    """Lines over a common axis that begins at 0, with marks at the points and a legend.

    Args:
        title: What a reader who cannot see it is told first.
        given: At least one line with a point; no value negative.
        x_name: What x is.
        digits: Of the values of y.
    """
    xs = [x for line in given for x, _ in line.points]
    top = max((y for line in given for _, y in line.points), default=0.0) or 1.0
    low, high = min(xs), max(xs)
    left, right, upper, lower = 56, _WIDTH - 16, 12, 212

    def across(x: float) -> float:
        return left + (x - low) / ((high - low) or 1.0) * (right - left)

    def up(y: float) -> float:
        return lower - y / top * (lower - upper)

    parts = []
    for share in (0.0, 0.5, 1.0):
        y = up(share * top)
        parts.append(
            f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" class="end">{share * top:.{digits}f}</text>'
        )
    for x in sorted({low, high}):
        place = "start" if x == low else "end"
        parts.append(f'<text x="{across(x):.1f}" y="{lower + 18}" class="{place}">{x:g}</text>')
    middle = (left + right) / 2
    parts.append(f'<text x="{middle:g}" y="{lower + 18}" class="middle">{escape(x_name)}</text>')
    for number, line in enumerate(given):
        colour = f"c{min(number, 5)}"
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{path}" class="line {colour}"/>')
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" class="{colour}"/>'
            for x, y in line.points
        ]
        row = lower + 40 + 20 * (number // _LEGEND)
        column = left + (number % _LEGEND) * 200
        parts.append(
            f'<rect x="{column}" y="{row - 10}" width="12" height="12" class="{colour}"/>'
            f'<text x="{column + 18}" y="{row}">{escape(line.name)}</text>'
        )
    height = lower + 50 + 20 * ((len(given) - 1) // _LEGEND)
    told = "; ".join(
        f"{line.name}: " + ", ".join(f"{x:g} {y:.{digits}f}" for x, y in line.points)
        for line in given
    )
    return _svg(title, told, height, "".join(parts))


def _svg(title: str, told: str, height: int, parts: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>{parts}</svg>"
    )
