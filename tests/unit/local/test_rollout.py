"""What changed from one deployment to the next, told from what is noted of the two."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.local.deploy import Deployment, Resource
from infra.local.notes import DEPLOYMENT
from infra.local.provision import Context
from infra.local.rollout import Changes, changes_of, last_deployment, leftovers, settle
from infra.local.translate import Translation
from tests.fakes.notes import FakeNotes

TABLE, QUEUE = "AWS::DynamoDB::Table", "AWS::SQS::Queue"
NOWHERE = Context("s", "r", "1", "http://localhost:9", Translation({}, {}, {}), False)


def resource(name: str, kind: str = TABLE, **changes: Any) -> Resource:
    made = Resource(name, kind, {}, f"{name}-1", {"Arn": f"arn:{name}-1"}, definition="d")
    return replace(made, **changes)


def by_name(*resources: Resource) -> Mapping[str, Resource]:
    return {one.logical_id: one for one in resources}


def test_what_is_new_what_says_otherwise_and_what_is_made_anew() -> None:
    before = by_name(resource("Same"), resource("Other"), resource("Moved"), resource("Kind"))
    after = by_name(
        resource("Same"),
        resource("Other", definition="e"),
        resource("Moved", physical_id="Moved-2", definition="e"),
        resource("Kind", QUEUE),
        resource("New"),
    )
    said = changes_of(before, after)
    assert said.added == ("Kind (SQS::Queue)", "New (DynamoDB::Table)")
    assert said.changed == ("Other (DynamoDB::Table)",)
    assert said.replaced == ("Moved (DynamoDB::Table)",)
    assert said.lines()[1] == "changed: Other (DynamoDB::Table)"
    assert changes_of(after, after).lines() == []


def test_an_address_that_the_emulator_gave_anew_is_no_change() -> None:
    old = resource("Queue", QUEUE, physical_id="http://localhost:1/q")
    new = replace(old, physical_id="http://localhost:2/q")
    assert changes_of(by_name(old), by_name(new)) == Changes()
    assert leftovers(by_name(old), by_name(new)) == []


def test_what_is_left_goes_by_the_policy_of_its_own_template_last_made_first() -> None:
    before = by_name(
        resource("Gone"),
        resource("Kept", on_removal="Retain", on_replacement="Delete"),
        resource("Moved", on_removal="Delete", on_replacement="Retain"),
    )
    moved = resource("Moved", physical_id="Moved-2", attributes={"Arn": "arn:Moved-2"})
    found = [(one.logical_id, policy) for one, policy in leftovers(before, by_name(moved))]
    assert found == [("Moved", "Retain"), ("Kept", "Retain"), ("Gone", "Delete")]


def test_a_first_deployment_changes_nothing_and_is_noted_for_the_next() -> None:
    notes = FakeNotes()
    assert last_deployment(notes) == {}
    first = by_name(resource("Table"), resource("Queue", QUEUE))
    assert settle(NOWHERE, notes, {}, Deployment("1", "r", first, {})) == Changes()
    assert last_deployment(notes) == first
    assert list(notes.kept) == [DEPLOYMENT]


def test_how_far_an_event_source_came_is_forgotten_with_it() -> None:
    notes = FakeNotes()
    properties = {
        "FunctionName": "f",
        "StartingPosition": "TRIM_HORIZON",
        "EventSourceArn": "arn:aws:dynamodb:r:1:table/t/stream/label",
    }
    mapping = resource("Source", "AWS::Lambda::EventSourceMapping", properties=properties)
    notes.write("positions/t/f", {"stream": "x", "after": {}})
    same = Deployment("1", "r", by_name(mapping), {})
    settle(NOWHERE, notes, by_name(mapping), same)
    assert "positions/t/f" in notes.kept
    other = replace(mapping, properties={**properties, "FunctionName": "g"})
    settle(NOWHERE, notes, by_name(mapping), Deployment("1", "r", by_name(other), {}))
    assert "positions/t/f" not in notes.kept
