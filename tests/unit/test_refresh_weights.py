"""What a refresh makes of returns, of lenient viewers, and of what it is told twice."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.unit.test_refresh import NOW, VERSION, House, watch
from topshelf.events import Interaction
from topshelf.features import ConfidenceWeights
from topshelf.manifest import MANIFEST_NAME
from topshelf.returning import DAY
from topshelf.topk import pack_rows, unpack_history, unpack_rows


def house_of(**weights: Any) -> House:
    house = House()
    told = json.loads(house.artefacts.files[VERSION, MANIFEST_NAME])
    told["parameters"]["confidence"] = asdict(ConfidenceWeights(alpha=2.0, **weights))
    house.artefacts.files[VERSION, MANIFEST_NAME] = json.dumps(told).encode()
    return house


def rating(item_id: str, value: float, at: int) -> Interaction:
    return Interaction(
        item_id=item_id, event_type="rating", timestamp=at, user_id="u1", event_value=value
    )


def confidence(house: House, row: int) -> float:
    return dict(zip(*unpack_history(house.stored.history), strict=True))[row]


def test_who_comes_back_another_day_wanted_it() -> None:
    house = house_of(rewatched=0.5)
    house.run(watch("m007", at=NOW + 5))
    assert confidence(house, 7) == 3.0
    house.run(watch("m007", 0.5, at=NOW + 60_000))
    assert confidence(house, 7) == 3.0
    house.run(watch("m007", at=NOW + DAY))
    assert confidence(house, 7) == 4.0
    assert house.run(watch("m007", at=NOW + DAY)) == "unchanged"
    assert house.run(watch("m007", at=NOW + 5), watch("m007", at=NOW + DAY)) == "unchanged"


def test_what_is_told_once_more_with_something_new_takes_no_part_in_it() -> None:
    house = house_of(rewatched=0.5)
    day = NOW + DAY
    rated, again = rating("m000", 0.5, day), watch("m000", at=day + 1)
    house.run(rated, again)
    assert confidence(house, 0) == 4.0
    house.run(rated, again, watch("m000", 0.1, at=day + 2))
    assert confidence(house, 0) == 4.0


def test_what_was_shown_in_vain_is_held_against_until_it_is_taken() -> None:
    house = house_of(unclicked=4.0)
    house.run(watch("m007"))
    plain = house.stored.item_ids()
    best = plain[0]
    row = int(best.removeprefix("m"))
    for rows, left in (([row], [row]), ([row, 0], [row]), ([], [])):
        held = replace(house.old, unclicked=pack_rows(rows))
        house.lists.lists[VERSION, "u1"] = held
        house.run(watch("m007"))
        assert house.stored.unclicked == pack_rows(left)
        if left:
            assert house.stored.item_ids().index(best) > 0
            assert set(unpack_rows(house.stored.because)) <= {0, 1, 7}
        else:
            assert house.stored.item_ids() == plain
    house.lists.lists[VERSION, "u1"] = replace(house.old, unclicked=pack_rows([row]))
    house.run(watch(best))
    assert house.stored.unclicked == b""
    assert confidence(house, row) == 3.0


def test_an_old_rating_told_once_more_takes_nothing_back() -> None:
    house = house_of()
    house.run(rating("m000", 0.5, NOW + 1))
    house.run(watch("m000", at=NOW + 2))
    assert confidence(house, 0) == 3.0
    assert house.run(rating("m000", 0.5, NOW + 1)) == "unchanged"


@pytest.mark.parametrize(
    ("leniency", "expected"), [(None, 3.0), (0.0, 3.0), (0.5, 2.8), (1.0, 2.6)]
)
def test_a_lenient_viewers_rating_says_less(leniency: float | None, expected: float) -> None:
    """The strengths span .9 over 4.5 stars and alpha is 2: a star is .4 of confidence."""
    house = house_of(rating_centred=1.0, rating_floor=0.1, rating_top=1.0)
    house.lists.lists[VERSION, "u1"] = replace(house.old, leniency=leniency)
    house.run(rating("m007", 5.0, NOW + 1))
    assert confidence(house, 7) == pytest.approx(expected, abs=2e-3)
    assert house.stored.leniency == leniency
