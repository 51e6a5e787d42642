"""The parts of the job on Spark that need no Spark."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from topshelf.aws.lake_bucket import LakeObject
from training.degrees import Degrees
from training.lake import EVENT_SCHEMA
from training.selection import TemporalSplit, Timeline
from training.spark.frames import pack_frame, unpack_frame
from training.spark.judging import _asked_of, _together
from training.spark.products import observed_products
from training.spark.reading import shares_of
from training.spark.routing import by_event, by_session, by_viewer
from training.spark.viewers import _by_range, range_bounds


def objects(*sizes: int) -> list[LakeObject]:
    return [LakeObject(f"events/dt=2026-01-01/{i}", "e", size) for i, size in enumerate(sizes)]


def test_every_object_is_in_one_share_and_shares_are_of_like_size() -> None:
    shares = shares_of(objects(50, 10, 30, 20, 40), 2)
    assert sorted(e.key for share in shares for e in share) == [o.key for o in objects(*[0] * 5)]
    # 50 | 40, then 30 to the lighter, then 20 to the other, and 10 where less is.
    assert sorted(sum(e.size for e in share) for share in shares) == [70, 80]


def test_a_large_lake_is_read_in_more_shares_than_asked_for() -> None:
    assert len(shares_of(objects(*[32 << 20] * 6), 2)) == 6


def test_an_empty_lake_is_one_empty_share() -> None:
    assert shares_of([], 4) == [[]]


def test_bounds_weigh_each_sample_by_what_it_stands_for() -> None:
    # a..d stand for 1 row each, e and f for 4 each: half of the 12 rows is reached within e.
    samples = [(["a", "b", "c", "d"], 1), (["e", "f"], 4)]
    assert range_bounds(samples, 2) == ["e"]
    assert range_bounds(samples, 3) == ["e", "f"]


def test_one_viewer_is_one_part() -> None:
    assert range_bounds([(["a"] * 10, 1)], 4) == ["a"]
    assert range_bounds([], 4) == []
    assert range_bounds([(["a", "b"], 1)], 1) == []


def frame(**columns: list[str | None]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    rest: dict[str, list[None]] = {n: [None] * size for n in EVENT_SCHEMA if n not in columns}
    return pl.DataFrame({**columns, **rest}, schema_overrides=EVENT_SCHEMA).select(*EVENT_SCHEMA)


def test_viewers_are_sorted_over_the_parts() -> None:
    target = _by_range(["c", "f"])
    assert target(frame(user_id=["a", "c", "b", "f", "e", "z"])).tolist() == [0, 1, 0, 2, 1, 2]


def test_a_session_is_whole_and_so_are_the_events_of_one_id() -> None:
    events = frame(
        user_id=["u", None, "v", "u"],
        session_id=["s", "s", None, None],
        event_id=["e", None, "e", None],
    ).with_columns(user_id=pl.Series(["u", "w", "v", "u"]))
    session, event, viewer = (to(7)(events) for to in (by_session, by_event, by_viewer))
    assert session[0] == session[1]
    assert event[0] == event[2]
    assert viewer[0] == viewer[3]
    assert all((target >= 0).all() and (target < 7).all() for target in (session, event, viewer))


def test_a_packed_frame_comes_back() -> None:
    events = frame(user_id=["u", None], item_id=["m", "n"])
    assert unpack_frame(pack_frame(events)).equals(events)


def test_products_are_those_of_the_dense_sums() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((9, 6)) * (rng.random((9, 6)) < 0.5)
    confidences = csr_matrix(np.where(dense > 0, 1 + dense, 0).astype(np.float32))
    users = rng.standard_normal((9, 4)).astype(np.float32)
    direction = rng.standard_normal((6, 4)).astype(np.float32)
    whole = confidences.toarray()
    for preference in (0.0, 1.0):
        expected = np.zeros((6, 4))
        for user, item in zip(*np.nonzero(whole), strict=True):
            c, x = whole[user, item], users[user]
            expected[item] += ((c - 1) * x @ direction[item] - preference * c) * x
        found = observed_products(confidences, users, direction, preference)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_degrees_of_parts_add_up_to_those_of_the_whole() -> None:
    matrix = csr_matrix(np.array([[1, 2, 0], [0, 3, 1], [1.5, 0, 0]], dtype=np.float32))
    found = Degrees.of(matrix[:1]) + Degrees.of(matrix[1:])
    assert (found.users, found.entries, found.squares) == (3, 5, 9.0)
    assert found.confidences == pytest.approx(8.5)
    assert found.viewers.tolist() == [2, 2, 1]


def split_of(firsts: list[int], asked: list[int]) -> TemporalSplit:
    """Viewers whose only known item is the given one; of the asked, the target is the item + 1."""
    n = len(firsts)
    history = Timeline(np.arange(n + 1), np.array(firsts), np.full(n, 2, np.float32), 10)
    rows, columns = np.arange(len(asked)), np.array([firsts[user] + 1 for user in asked])
    ones = np.ones(len(asked), dtype=np.float32)
    targets = csr_matrix((ones, (rows, columns)), shape=(len(asked), 10))
    return TemporalSplit(history, targets, np.array(asked))


def test_those_who_are_asked_are_told_by_their_place_among_all() -> None:
    # Candidates in order: items 0, 2 of the first part; 5, 6, 7 of the second.
    parts = {0: split_of([0, 1, 2], [0, 2]), 3: split_of([5, 6, 7], [0, 1, 2])}
    chosen = _asked_of([(0, 2), (3, 3)], np.array([1, 2, 4]))
    found = _together([each for index, part in parts.items() for each in chosen(index, [part])])
    assert found.history.rows.tolist() == [2, 5, 7]
    assert found.targets.indices.tolist() == [3, 6, 8]
    assert found.users.tolist() == [0, 1, 2]
