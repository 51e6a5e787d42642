"""Events to Firehose: one record a request, and a refusal is told."""

import pytest

from tests.builders.interactions import interaction
from tests.fakes.aws_client import ScriptedClient, refusal
from topshelf.aws.event_stream import EventStream
from topshelf.errors import UnavailableError
from topshelf.events import parse_stored

EVENTS = [interaction("u1", "m1"), interaction("u2", "m2")]


def test_the_events_of_a_request_are_one_record() -> None:
    client = ScriptedClient({"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}]})
    EventStream(client, stream="events").append(EVENTS)
    ((operation, arguments),) = client.calls
    (record,) = arguments["Records"]
    assert (operation, arguments["DeliveryStreamName"]) == ("put_record_batch", "events")
    assert record["Data"].endswith(b"\n")
    assert [parse_stored(line) for line in record["Data"].splitlines()] == EVENTS


def test_a_record_that_is_refused_is_to_be_sent_again() -> None:
    # Firehose answers 200, and says in the body what it did not take.
    refused = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
    client = ScriptedClient({"FailedPutCount": 1, "RequestResponses": [refused]})
    with pytest.raises(UnavailableError, match="delivery stream refused the events; send them"):
        EventStream(client, stream="events").append(EVENTS)
    assert len(client.calls) == 1


def test_a_stream_that_does_not_take_requests_is_told() -> None:
    client = ScriptedClient(refusal("ServiceUnavailableException", "Slow down."))
    with pytest.raises(UnavailableError, match="the event delivery stream: ServiceUnavailable"):
        EventStream(client, stream="events").append(EVENTS)
