"""The bill of a month, line by line, from the template that is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.costs.prices import Prices
from infra.costs.rules import Charge, Resource, charges_of
from infra.costs.traffic import Traffic
from infra.local.intrinsics import Resolver
from infra.local.translate import Translation, translate

__all__ = ["Estimate", "Line", "estimate"]

_MILLION = 1_000_000
_WITH_TRAINING = {"TrainingImageUri": "any"}
"""Without an image nothing is trained in AWS, and the bill would leave the training out."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill, US dollars.

    Attributes:
        resource: Logical id in the template.
        what: Is charged for.
        idle: A month in which nobody asks and no event comes, with nothing stored yet.
        a_million_requests: What a million more requests for recommendations add.
        a_million_events: What a million more events add.
        month: The month of the traffic given.
    """

    resource: str
    what: str
    idle: float
    a_million_requests: float
    a_million_events: float
    month: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A month's bill.

    Attributes:
        lines: In the template's order.
        personalize: What Amazon Personalize lists for the same requests, US dollars.
    """

    lines: tuple[Line, ...]
    personalize: float

    @property
    def idle(self) -> float:
        """US dollars a month when nothing happens."""
        return sum(line.idle for line in self.lines)

    @property
    def month(self) -> float:
        """US dollars a month with the traffic."""
        return sum(line.month for line in self.lines)


def estimate(
    template: Path, overrides: Mapping[str, str], traffic: Traffic, prices: Prices
) -> Estimate:
    """Reckons the bill of a deployment.

    Args:
        template: template.yaml.
        overrides: Parameter values that differ from its defaults.
        traffic: The month.
        prices: Of the region.

    Raises:
        IntegrityError: The template has a resource whose cost nobody has stated.
        TopshelfError: The template or a parameter is not valid.
    """
    said = translate(template, overrides, prices.region, _WITH_TRAINING)
    quiet = replace(traffic, requests=0, events=0)
    months = (quiet, replace(quiet, requests=_MILLION), replace(quiet, events=_MILLION), traffic)
    bills = [_charges(said, month, prices) for month in months]
    lines = (
        Line(
            resource=none.resource,
            what=none.what,
            idle=none.idle,
            a_million_requests=asked.busy - none.busy,
            a_million_events=sent.busy - none.busy,
            month=month.idle + month.busy,
        )
        for none, asked, sent, month in zip(*bills, strict=True)
    )
    return Estimate(tuple(lines), prices.of("personalize_requests", traffic.requests / 1000))


def _charges(said: Translation, traffic: Traffic, prices: Prices) -> list[Charge]:
    resolver = Resolver(said.template, said.parameters)
    found: list[Charge] = []
    for name, resource in said.template["Resources"].items():
        if "Condition" not in resource or resolver.holds(resource["Condition"]):
            known = Resource(name, resource.get("Properties", {}), resolver.resolve)
            found += charges_of(resource["Type"], known, traffic, prices)
    return found
