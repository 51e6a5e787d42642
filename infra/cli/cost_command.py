"""`topshelf cost`: what a month costs, line by line, beside Amazon Personalize."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.cli import options
from infra.cli.console import out
from infra.costs.estimate import Estimate, estimate
from infra.costs.prices import PRICES, read_prices
from infra.costs.traffic import Traffic
from topshelf.errors import InvalidInputError

__all__ = ["cost"]


def cost(
    viewers: Annotated[int, typer.Option(min=0, help="Viewers who have a list")] = 1_000_000,
    requests: Annotated[
        int, typer.Option(min=0, help="Requests for recommendations a month")
    ] = 150_000_000,
    events: Annotated[int, typer.Option(min=0, help="Viewing events a month")] = 600_000_000,
    *,
    assume: Annotated[
        list[str] | None,
        typer.Option(help="Another assumption, NAME=VALUE; the names are printed with the bill"),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="A parameter of the template, Name=Value; Architecture=x86_64 for one"),
    ] = None,
    template: Annotated[
        Path, typer.Option(help="The template", exists=True, dir_okay=False)
    ] = options.ROOT / "template.yaml",
    prices: Annotated[
        Path, typer.Option(help="The price file", exists=True, dir_okay=False)
    ] = PRICES,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Print what a month costs, resource by resource, from the template and a dated price file.

    Example: `topshelf cost --viewers 200000 --requests 30000000 --events 90000000`
    """
    said = read_prices(prices)
    traffic = _traffic(viewers, requests, events, assume or [])
    overrides = dict(_pairs("parameter", parameter or []))
    found = estimate(template, overrides, traffic, said)
    if as_json:
        content = {
            "prices_as_of": said.as_of,
            "region": said.region,
            "traffic": asdict(traffic),
            "lines": [asdict(line) for line in found.lines],
            "idle": found.idle,
            "month": found.month,
            "personalize": found.personalize,
        }
        out.print_json(json.dumps(content))
        return
    out.print(_table(found, traffic))
    out.print(f"List prices of {said.region}, {said.as_of}, in US dollars, without free tiers.")
    out.print(f"Idle: ${found.idle:,.2f} a month, and what is stored. This month: ", end="")
    out.print(f"${found.month:,.2f}.")
    if found.personalize:
        share = found.month / found.personalize
        out.print(
            f"Amazon Personalize lists ${found.personalize:,.2f} for the requests alone: "
            f"topshelf, with all of its parts, costs {share:.1%} of that."
        )
    assumed = [f"{f.name}={getattr(traffic, f.name):g}" for f in fields(Traffic)[3:]]
    out.print("Assumed (change with --assume): " + ", ".join(assumed))


def _table(found: Estimate, traffic: Traffic) -> Table:
    title = f"{traffic.viewers:,} viewers, {traffic.requests:,} requests, {traffic.events:,} events"
    table = Table(title=title, title_justify="left")
    table.add_column("resource")
    table.add_column("for")
    for name in ("idle", "a million requests", "a million events", "this month"):
        table.add_column(name, justify="right")
    for line in found.lines:
        sums = (line.idle, line.a_million_requests, line.a_million_events, line.month)
        table.add_row(line.resource, line.what, *(f"{money:,.2f}" for money in sums))
    table.add_section()
    lines = found.lines
    totals = (
        found.idle,
        sum(line.a_million_requests for line in lines),
        sum(line.a_million_events for line in lines),
        found.month,
    )
    table.add_row("all", "", *(f"{money:,.2f}" for money in totals))
    return table


def _traffic(viewers: int, requests: int, events: int, assumed: list[str]) -> Traffic:
    kinds = {f.name: f.type for f in fields(Traffic)[3:]}
    values: dict[str, float] = {}
    for name, text in _pairs("assume", assumed):
        if name not in kinds:
            raise InvalidInputError("assume", f"{name} is none of {', '.join(kinds)}")
        try:
            value = int(text) if kinds[name] is int else float(text)
        except ValueError:
            raise InvalidInputError("assume", f"{name} is a number, not {text!r}") from None
        if not 0 < value < 1e12:
            raise InvalidInputError("assume", f"{name} is more than nothing, not {text}")
        values[name] = value
    return Traffic(viewers=viewers, requests=requests, events=events, **values)  # type: ignore[arg-type]


def _pairs(option: str, texts: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInputError(option, f"write NAME=VALUE, not {text!r}")
        pairs.append((name, value))
    return pairs
