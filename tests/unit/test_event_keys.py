"""What makes two events the same, and where an event stands among its viewer's."""

from tests.builders.interactions import NOON, interaction
from topshelf.events import activity_sort_key, dedup_key


def test_a_duplicate_is_the_same_event_id() -> None:
    one = interaction("u1", "m1", event_id="e1")
    assert dedup_key(one) == "e1"
    assert dedup_key(interaction("u2", "m2", event_id="e1", timestamp=NOON + 1)) == "e1"


def test_without_event_id_a_duplicate_has_the_same_user_item_type_and_time() -> None:
    one = dedup_key(interaction("u1", "m1"))
    assert dedup_key(interaction("u1", "m1", event_value=0.5)) == one
    others = [
        interaction("u2", "m1"),
        interaction("u1", "m2"),
        interaction("u1", "m1", event_type="watch"),
        interaction("u1", "m1", timestamp=NOON + 1),
        interaction(None, "m1", session_id="u1"),
    ]
    assert len({one, *map(dedup_key, others)}) == 6


def test_keys_without_event_id_stay_as_they_are_in_the_stores() -> None:
    # printf 'u1\nm1\nview\n1767268800000' | b2sum -l 128
    assert dedup_key(interaction("u1", "m1")) == "c71793ffc4d19be675b813dfad348e2c"
    # printf ' s1\nm1\nview\n1767268800000' | b2sum -l 128
    assert dedup_key(interaction(None, "m1", session_id="s1")) == "50f6c3ad13c298a328d2e8c82093a263"


def test_activity_keys_sort_by_time() -> None:
    early = activity_sort_key(interaction(timestamp=999_999_999_999, event_id="z"))
    late = activity_sort_key(interaction(timestamp=1_000_000_000_000, event_id="a"))
    assert early == "000999999999999#z"
    assert early < late
