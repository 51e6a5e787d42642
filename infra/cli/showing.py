"""What the demo shows and checks, over HTTP as any client would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from rich.table import Table

from infra.cli.console import out
from infra.cli.stack import Stack
from infra.importers import open_source
from infra.local.cloud import LocalCloud
from topshelf.errors import IntegrityError, UnavailableError
from topshelf.events import Interaction
from topshelf.manifest import Manifest

__all__ = ["check_served", "show_viewers"]

_SHOWN = 3
_CHECKED = 200
_RESULTS = 20
_TIMEOUT = 10
_LOCAL_KEYS = ("accesskey", "secretkey", "token")


class ApiClient:
    """A client of the HTTP API; ``signed`` requests carry a SigV4 signature."""

    def __init__(self, base_url: str, *, signed: bool, region: str) -> None:
        """Builds a client of the API at ``base_url``."""
        self._base_url = base_url
        self._signed = signed
        self._region = region
        self._session = requests.Session()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and decoded body of one request.

        Raises:
            UnavailableError: No answer.
        """
        data = b"" if body is None else json.dumps(body).encode()
        url = self._base_url + path
        asked = AWSRequest(method, url, {"Content-Type": "application/json"}, data)
        if self._signed:
            SigV4Auth(Credentials(*_LOCAL_KEYS), "execute-api", self._region).add_auth(asked)
        try:
            answer = self._session.request(
                method, url, headers=dict(asked.headers), data=data, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise UnavailableError(f"{self._base_url} does not answer; is it running?") from error
        return answer.status_code, answer.json()

    def recommendations(self, user_id: str) -> dict[str, Any]:
        """The answer for a viewer.

        Raises:
            IntegrityError: It is not 200.
        """
        path = f"/v1/users/{quote(user_id, safe='')}/recommendations?num_results={_RESULTS}"
        status, body = self.call("GET", path)
        if status != 200:
            raise IntegrityError(f"{path} was answered with {status}: {body}")
        return dict(body)


def show_viewers(stack: Stack, manifest: Manifest, api_url: str, *, signed: bool) -> None:
    """Prints the recommendations of a few viewers, with titles."""
    api = ApiClient(api_url, signed=signed, region=stack.place.region)
    movies: Mapping[str, Any] = json.loads(stack.models().read(manifest.version, "items.json"))
    viewers: list[str] = json.loads(stack.models().read(manifest.version, "user_ids.json"))
    step = max(len(viewers) // _SHOWN, 1)
    for user_id in viewers[::step][:_SHOWN]:
        answer = api.recommendations(user_id)
        table = Table(title=f"Viewer {user_id} ({answer['tier']} list)", title_justify="left")
        table.add_column("#", justify="right")
        table.add_column("title", min_width=40)
        table.add_column("genres")
        table.add_column("score", justify="right")
        for place, item in enumerate(answer["item_list"][:5], start=1):
            movie = movies.get(item["item_id"], {})
            table.add_row(
                str(place),
                movie.get("title", item["item_id"]),
                ", ".join(movie.get("genres", ())),
                f"{item['score']:.3f}",
            )
        out.print(table)


def check_served(
    stack: Stack, manifest: Manifest, source: Path, local: LocalCloud, *, signed: bool
) -> str:
    """Checks what is served against what was imported.

    Returns:
        What was checked, for a person.

    Raises:
        IntegrityError: An answer is wrong; the text says which.
    """
    api = ApiClient(local.api_url, signed=signed, region=stack.place.region)
    viewers: list[str] = json.loads(stack.models().read(manifest.version, "user_ids.json"))
    chosen = viewers[:: max(len(viewers) // _CHECKED, 1)]
    seen: dict[str, set[str]] = {user_id: set() for user_id in chosen}
    for event in open_source(source).rows(stack.policy()):
        if isinstance(event, Interaction) and event.user_id in seen:
            seen[event.user_id].add(event.item_id)
    for user_id in chosen:
        answer = api.recommendations(user_id)
        items = [item["item_id"] for item in answer["item_list"]]
        _require(answer["tier"] == "own", f"viewer {user_id} was answered from {answer['tier']}")
        _require(len(set(items)) == _RESULTS, f"viewer {user_id} got {len(set(items))} items")
        again = seen[user_id].intersection(items)
        _require(not again, f"viewer {user_id} got {sorted(again)[:3]} again")
    _require(
        api.recommendations("nobody-we-know")["tier"] == "popular",
        "an unknown viewer did not get what is popular",
    )
    _check_new_event(api, chosen[0], manifest.data.newest_event)
    return f"{len(chosen)} viewers with {_RESULTS} new items each, an unknown one, a new event"


def _check_new_event(api: ApiClient, user_id: str, timestamp: int) -> None:
    best = api.recommendations(user_id)["item_list"][0]["item_id"]
    event = {"user_id": user_id, "item_id": best, "event_type": "view", "timestamp": timestamp}
    status, body = api.call("POST", "/v1/events", {"events": [event]})
    _require(
        status == 202 and body["accepted"] == 1, f"an event was answered with {status}: {body}"
    )
    items = [item["item_id"] for item in api.recommendations(user_id)["item_list"]]
    _require(best not in items, f"{best} came back to viewer {user_id} who has just watched it")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise IntegrityError(otherwise)
