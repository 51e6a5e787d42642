from xml.etree import ElementTree as ET

import pytest

from training.charts import Line, bars, lines


def test_bars_are_as_long_as_their_values() -> None:
    svg = ET.fromstring(bars("By model", [("ours", 0.4), ("theirs", 0.1), ("none", 0.0)]))
    widths = [float(one.get("width", "")) for one in svg.iter("rect")]
    assert widths[0] == pytest.approx(4 * widths[1])
    assert widths[2] == 1.0
    texts = [one.text for one in svg.iter("text")]
    assert texts == ["ours", "0.4000", "theirs", "0.1000", "none", "0.0000"]
    assert [one.get("class") for one in svg.iter("rect")] == ["c0", "c1", "c1"]


def test_bars_stay_inside() -> None:
    svg = ET.fromstring(bars("All", [("a", 0.9), ("b", 0.3)]))
    width, height = (float(x) for x in svg.get("viewBox", "").split()[2:])
    for one in svg.iter("rect"):
        assert float(one.get("x", "")) + float(one.get("width", "")) < width - 50
        assert float(one.get("y", "")) + float(one.get("height", "")) < height


def test_lines_go_through_their_points() -> None:
    svg = ET.fromstring(
        lines("Curve", [Line("a", [(1, 0.0), (3, 0.2), (5, 0.1)])], x_name="iterations")
    )
    (path,) = svg.iter("polyline")
    (x1, y1), (x2, y2), (x3, y3) = (
        [float(part) for part in point.split(",")] for point in path.get("points", "").split()
    )
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.11)
    # Down is greater: 0 at the bottom, the greatest at the top, .1 between.
    assert y1 - y2 == pytest.approx(2 * (y1 - y3), abs=0.11)
    assert [one.text for one in svg.iter("text")] == [
        *("0.000", "0.100", "0.200", "1", "5", "iterations", "a"),
    ]


def test_one_point_or_nothing_above_zero_is_no_trouble() -> None:
    svg = ET.fromstring(lines("Flat", [Line("a", [(1, 0.0)])], x_name="x"))
    assert next(svg.iter("circle")).get("cy") == "212.0"
    assert ET.fromstring(bars("Zero", [("a", 0.0)])).get("role") == "img"


def test_who_cannot_see_is_told() -> None:
    svg = ET.fromstring(lines("T <1>", [Line("a & b", [(1, 0.25)])], x_name="x"))
    assert (svg.findtext("title"), svg.get("aria-label")) == ("T <1>", "T <1>")
    assert svg.findtext("desc") == "a & b: 1 0.250"


def test_many_lines_have_room_in_the_legend() -> None:
    given = [Line(f"model {n}", [(1, 0.1 * n), (10, 0.2)]) for n in range(1, 8)]
    svg = ET.fromstring(lines("Many", given, x_name="tenth"))
    width, height = (float(x) for x in svg.get("viewBox", "").split()[2:])
    places = [
        (float(one.get("x", "")), float(one.get("y", "")))
        for one in svg.iter("text")
        if (one.text or "").startswith("model")
    ]
    assert len(set(places)) == 7
    assert all(x < width - 60 and y < height for x, y in places)
    # The last colour serves all that follow.
    assert [one.get("class") for one in svg.iter("polyline")][-2:] == ["line c5", "line c5"]
