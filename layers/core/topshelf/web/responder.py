"""From an answer to a response: titles, recommendation id, ETag, and the line that records it."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aws_lambda_powertools import Logger
from fastapi import Response

from topshelf.errors import UnavailableError
from topshelf.manifest import version_hash
from topshelf.ports import MetricSink, SigningKeys
from topshelf.serving.answers import Answer
from topshelf.serving.recommendation_id import RecommendationId, sign
from topshelf.serving.titles import Titles
from topshelf.web import caching

__all__ = ["Asked", "Responder", "Surface", "as_json"]

Surface = Literal["recommendations", "popular", "similar"]

_SLOT = "champion"
_SAME_FOR_EVERYBODY = {
    "recommendations": (),
    "popular": ("popular_in_context", "popular"),
    "similar": ("similar",),
}
"""By surface: the tiers whose answers stay what they are until the next release."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asked for, beside the list itself.

    Attributes:
        surface: Which address.
        started: When, by the clock for durations.
        titles: Whether items carry their titles.
        if_none_match: The header, as it came.
        user_id: The viewer, where there is one.
    """

    surface: Surface
    started: float
    titles: bool
    if_none_match: str | None
    user_id: str | None = None


class Responder:
    """Makes responses, and writes one line of metrics and exposure for each."""

    def __init__(
        self,
        titles: Titles,
        keys: SigningKeys,
        metrics: MetricSink,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        rng: random.Random,
        logger: Logger,
    ) -> None:
        """Builds it; see create_recommend_app for the arguments."""
        self._titles = titles
        self._keys = keys
        self._metrics = metrics
        self._clock = clock
        self._monotonic = monotonic
        self._rng = rng
        self._logger = logger

    def respond(self, answer: Answer, asked: Asked) -> Response:
        """The response: 200, or 304 where the client has the same answer already.

        A client that is told 304 goes on with the ``recommendation_id`` that it has.
        """
        items = [item.item_id for item in answer.items]
        titles = self._titles.of(answer.version, items) if asked.titles else {}
        said: dict[str, Any] = {
            "item_list": [
                {"item_id": item.item_id, "score": item.score}
                | ({"title": titles[item.item_id]} if asked.titles else {})
                for item in answer.items
            ],
            "next_page": str(answer.next_page) if answer.next_page else None,
            "tier": answer.tier,
            "model_version": answer.version,
            "generated_at": answer.generated_at,
        }
        # Weak: without the recommendation id, which differs in every answer.
        etag = caching.etag_of(json.dumps(said).encode(), weak=True)
        lasting = answer.tier in _SAME_FOR_EVERYBODY[asked.surface]
        cache_control = caching.A_MINUTE if lasting else caching.ALWAYS_ASK
        if caching.is_current(asked.if_none_match, etag):
            self._record(answer, asked, "", not_modified=True)
            return caching.not_modified(etag, cache_control)
        recommendation_id = self._sign(answer)
        self._record(answer, asked, recommendation_id)
        return as_json(
            {"recommendation_id": recommendation_id, **said}, cache_control, {"ETag": etag}
        )

    def _sign(self, answer: Answer) -> str | None:
        said = RecommendationId(
            time_ms=int(self._clock().timestamp() * 1000),
            version_hash=version_hash(answer.version),
            slot=_SLOT,
            tier=answer.tier,
        )
        try:
            return sign(said, self._rng.randbytes(4), self._keys.current())
        except UnavailableError as error:
            # An answer without an id is worth more than no answer.
            self._logger.warning("unsigned answer", extra={"detail": str(error)})
            return None

    def _record(
        self,
        answer: Answer,
        asked: Asked,
        recommendation_id: str | None,
        *,
        not_modified: bool = False,
    ) -> None:
        self._metrics.emit(
            _SLOT,
            {
                "answers": ("Count", 1),
                f"answers_{answer.tier}": ("Count", 1),
                "answers_not_modified": ("Count", int(not_modified)),
                "unsigned_answers": ("Count", int(recommendation_id is None)),
                "latency": ("Milliseconds", (self._monotonic() - asked.started) * 1000),
            },
            {
                "recommendation_id": recommendation_id or "",
                "user_id": asked.user_id,
                "surface": asked.surface,
                "model_version": answer.version,
                "tier": answer.tier,
                "time": int(self._clock().timestamp() * 1000),
                "items": [item.item_id for item in answer.items],
            },
        )


def as_json(content: Any, cache_control: str, headers: dict[str, str] | None = None) -> Response:
    """A JSON response, and how long it holds."""
    return Response(
        json.dumps(content, separators=(",", ":")),
        headers={"Cache-Control": cache_control, **(headers or {})},
        media_type="application/json",
    )
