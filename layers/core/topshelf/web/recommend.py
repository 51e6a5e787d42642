"""The API that answers viewers."""

import random
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from fastapi import Depends, FastAPI, Header, Path, Query, Response

from topshelf.errors import NoModelError
from topshelf.ports import MetricSink, ModelRegistry, SigningKeys
from topshelf.serving.pages import Page, parse_page
from topshelf.serving.pointer import PointerCache
from topshelf.serving.provenance import find_provenance
from topshelf.serving.recommender import Recommender
from topshelf.serving.titles import Titles
from topshelf.web import caching
from topshelf.web.app import new_app
from topshelf.web.callers import FORBIDDEN, Callers
from topshelf.web.responder import Asked, Responder, as_json
from topshelf.web.schemas import (
    ITEM_ID,
    USER_ID,
    Health,
    ListParameters,
    NumberParameters,
    Provenance,
    Recommendations,
)

__all__ = ["create_recommend_app"]

_STATIC = FilePath(__file__).parent / "static"
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer that the client has (If-None-Match) still holds"}
}

_IfNoneMatch = Annotated[
    str | None, Header(description="ETag of the answer that the client has, or several")
]


def create_recommend_app(
    recommender: Recommender,
    titles: Titles,
    pointer: PointerCache,
    registry: ModelRegistry,
    keys: SigningKeys,
    *,
    callers: Callers,
    metrics: MetricSink,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    rng: random.Random,
    logger: Logger,
    described: bool = False,
) -> FastAPI:
    """Builds the application.

    Args:
        recommender: Finds the answers.
        titles: Knows what items are called.
        pointer: Knows the live version.
        registry: Tells where a version comes from.
        keys: Sign recommendation ids, and know them again.
        callers: Tells who asks.
        metrics: Takes one line a request.
        clock: The time, with a time zone.
        monotonic: A clock for durations, in seconds.
        rng: Nonces of recommendation ids (no secret: the HMAC protects them).
        logger: For what went wrong.
        described: See new_app.
    """
    app = new_app(logger, callers, described=described)
    responder = Responder(
        titles, keys, metrics, clock=clock, monotonic=monotonic, rng=rng, logger=logger
    )

    # The routes are coroutines although they block: Lambda gives one request at a time,
    # and a thread's hop would cost more than it gives.
    @app.get(
        "/v1/users/{user_id:path}/recommendations",
        response_model=Recommendations,
        responses=_NOT_MODIFIED | FORBIDDEN,
        dependencies=[Depends(callers.own_viewer_only)],
        summary="Recommendations for a viewer",
    )
    async def get_recommendations(
        user_id: Annotated[str, USER_ID],
        asked: Annotated[ListParameters, Query()],
        if_none_match: _IfNoneMatch = None,
    ) -> Response:
        started, page = monotonic(), _page(asked)
        answer = recommender.recommend(user_id, asked.num_results, asked.context, page)
        request = Asked("recommendations", started, asked.titles, if_none_match, user_id)
        return responder.respond(answer, request)

    @app.get(
        "/v1/popular",
        response_model=Recommendations,
        responses=_NOT_MODIFIED,
        summary="What is popular",
    )
    async def get_popular(
        asked: Annotated[ListParameters, Query()], if_none_match: _IfNoneMatch = None
    ) -> Response:
        started, page = monotonic(), _page(asked)
        answer = recommender.popular(asked.num_results, asked.context, page)
        return responder.respond(answer, Asked("popular", started, asked.titles, if_none_match))

    @app.get(
        "/v1/items/{item_id:path}/similar",
        response_model=Recommendations,
        responses=_NOT_MODIFIED,
        summary="Items like an item",
    )
    async def get_similar(
        item_id: Annotated[str, ITEM_ID],
        asked: Annotated[NumberParameters, Query()],
        if_none_match: _IfNoneMatch = None,
    ) -> Response:
        started, page = monotonic(), _page(asked)
        answer = recommender.similar(item_id, asked.num_results, page)
        return responder.respond(answer, Asked("similar", started, asked.titles, if_none_match))

    @app.get(
        "/v1/provenance/{recommendation_id}",
        response_model=Provenance,
        responses=FORBIDDEN,
        dependencies=[Depends(callers.admin_only)],
        summary="Where an answer came from: model, data and code",
    )
    async def get_provenance(
        recommendation_id: Annotated[str, Path(description="As an answer carried it")],
    ) -> Response:
        found = find_provenance(recommendation_id, keys.accepted(), registry)
        said = Provenance.model_validate(found, from_attributes=True).model_dump()
        return as_json(said, caching.A_DAY)

    @app.get("/v1/health", response_model=Health, summary="Whether a model is served")
    async def get_health() -> Response:
        champion = pointer.get()
        if champion is None:
            raise NoModelError
        return as_json({"status": "ok", "model_version": champion.version}, caching.NEVER)

    _serve_file(app, "/openapi.json", "openapi.json", "application/json")
    _serve_file(app, "/docs", "docs.html", "text/html; charset=utf-8")
    return app


def _page(asked: NumberParameters) -> Page | None:
    return parse_page(asked.page) if asked.page else None


def _serve_file(app: FastAPI, path: str, name: str, media_type: str) -> None:
    @cache
    def content() -> tuple[bytes, str]:
        read = (_STATIC / name).read_bytes()
        return read, caching.etag_of(read, weak=False)

    @app.get(path, include_in_schema=False)
    async def get_file(if_none_match: _IfNoneMatch = None) -> Response:
        body, etag = content()
        if caching.is_current(if_none_match, etag):
            return caching.not_modified(etag, caching.ALWAYS_ASK)
        headers = {"ETag": etag, "Cache-Control": caching.ALWAYS_ASK}
        return Response(body, headers=headers, media_type=media_type)
