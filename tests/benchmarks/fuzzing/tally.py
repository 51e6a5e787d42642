"""What came back, by route and status, which problems there are, and what must not be."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from infra.local.http_event import Answer
from tests.benchmarks.fuzzing.hostile_requests import HostileRequest

__all__ = ["Tally", "route_name"]

_ROUTES = (
    ("users/*/recommendations", re.compile(r"/v1/users/.*/recommendations", re.DOTALL)),
    ("items/*/similar", re.compile(r"/v1/items/.*/similar", re.DOTALL)),
    ("provenance/*", re.compile(r"/v1/provenance/[^/]+")),
    ("popular", re.compile("/v1/popular")),
    ("health", re.compile("/v1/health")),
    ("events", re.compile("/v1/events")),
    ("docs", re.compile(r"/docs|/openapi\.json")),
)
_KNOWN_FIELDS = frozenset(
    {
        "body", "events", "user_id", "item_id", "recommendation_id", "num_results", "context",
        "titles", "page", "event_type", "timestamp", "event_value", "event_id", "session_id",
        "impression", "(none)",
    }
)  # fmt: skip
_GENERAL = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"^events\.\d+\.", "events.{n}."),
        (r"^the body is not JSON: .*", "the body is not JSON: {why}"),
        (r"^(no event was accepted; the first: ).*", r"\1{detail}"),
        (r"^('.*'|None|-?\d\S*) (is not|looks)", r"{value} \2"),
        (r"^\S+ knows no item .*$", "{version} knows no item {value}"),
        (r"\b(has|given) \d+ (bytes|times)", r"\1 {n} \2"),
    )
)
_MAY_HAVE_NO_FIELD = (404, 405, 410)
_GATEWAY_STATUSES = (400, 404, 408, 413, 431)
_SHOWN_VIOLATIONS = 20


def route_name(request: HostileRequest) -> str:
    """The route that the request looks like, for people."""
    path = request.target.partition("?")[0]
    name = next((name for name, pattern in _ROUTES if pattern.fullmatch(path)), "elsewhere")
    return f"{request.method} {name}" if request.method in {"GET", "POST"} else "other method"


@dataclass(slots=True)
class Tally:
    """Counts, distinct problems and violations.

    Attributes:
        statuses: Answers by route and status.
        problems: Distinct problems, with how often each came: status, field, detail.
        violations: What must not be, one line each.
        violated: How many there are, also those that are not kept.
    """

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    violated: int = 0

    def note(self, request: HostileRequest, answer: Answer | None) -> None:
        """Takes in one answer."""
        status = str(answer.status) if answer else "no route"
        self.statuses[route_name(request), status] += 1
        if answer is None or answer.status < 400:
            return
        if answer.status >= 500:
            self.violate(f"{answer.status} for {request!r}: {answer.body[:300]!r}")
        else:
            self._note_refusal(request, answer)

    def note_event(self, name: str, detail: str) -> None:
        """Takes in the refusal of one event of a batch that is accepted."""
        if not name:
            self.violate(f"a refused event without a field: {detail}")
        self.problems[202, *_general(f"events.{{n}}.{name}", detail)] += 1

    def by_problem(self) -> dict[tuple[int, str], dict[str, int]]:
        """Counts by field, by status and text of the problem."""
        found: dict[tuple[int, str], dict[str, int]] = {}
        for (status, name, detail), count in sorted(self.problems.items()):
            found.setdefault((status, detail), {})[name] = count
        return dict(sorted(found.items()))

    def violate(self, text: str) -> None:
        """Notes what must not be."""
        self.violated += 1
        if len(self.violations) < _SHOWN_VIOLATIONS:
            self.violations.append(text[:600])

    def _note_refusal(self, request: HostileRequest, answer: Answer) -> None:
        try:
            said = json.loads(answer.body or b"{}")
        except ValueError:
            said = {"message": answer.body.decode("latin-1")}
        if "detail" not in said:
            # Before any function: in API Gateway's words, or the server's for what is no HTTP.
            if answer.status not in _GATEWAY_STATUSES:
                self.violate(f"{answer.status} is no problem document: {request!r}")
            self.problems[answer.status, "(gateway)", said.get("message", "(no text)")] += 1
            return
        name = said.get("field")
        if name is None and answer.status not in _MAY_HAVE_NO_FIELD:
            self.violate(f"{answer.status} without a field: {request!r}: {answer.body[:300]!r}")
        self.problems[answer.status, *_general(name or "(none)", said["detail"])] += 1


def _general(name: str, detail: str) -> tuple[str, str]:
    """The field and the text without what belongs to one request alone."""
    plain = re.sub(r"\.\d+\b", ".{n}", name)
    before, inside, last = plain.partition("events.{n}.")
    if not inside:
        before, last = "", plain
    alien = re.search(r" is not a (parameter here|field of a batch|field of an event);", detail)
    if alien or last.removesuffix(".{n}") not in _KNOWN_FIELDS:
        plain = f"{before}{inside}{{unknown}}"
    if alien:
        detail = "{unknown}" + detail[alien.start() :]
    for pattern, text in _GENERAL:
        detail = pattern.sub(text, detail)
    return plain, detail
