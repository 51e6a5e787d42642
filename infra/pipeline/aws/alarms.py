"""CloudWatch's alarms, asked whether they ring."""

from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

from topshelf.aws.failures import failures_of

__all__ = ["ringing"]

_NAMES_A_CALL: Final = 100  # CloudWatch's limit


def ringing(client: Any, names: Sequence[str]) -> list[str]:
    """Those of the alarms that are in alarm, sorted.

    Args:
        client: Of CloudWatch.
        names: Of the alarms; composite ones too.

    Raises:
        UnavailableError: CloudWatch does not answer.
    """
    found: list[str] = []
    with failures_of("CloudWatch"):
        for some in batched(names, _NAMES_A_CALL, strict=False):
            answer = client.describe_alarms(
                AlarmNames=list(some),
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                StateValue="ALARM",
            )
            both = answer.get("MetricAlarms", []) + answer.get("CompositeAlarms", [])
            found += [alarm["AlarmName"] for alarm in both]
    return sorted(found)
