"""The API that answers viewers."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from topshelf.errors import UnavailableError
from topshelf.manifest import version_hash
from topshelf.ports import MetricSink, ModelRegistry, SigningKeys
from topshelf.serving.pointer import PointerCache
from topshelf.serving.provenance import find_provenance
from topshelf.serving.recommendation_id import RecommendationId, sign
from topshelf.serving.recommender import Answer, Recommender
from topshelf.topk import TOP_K
from topshelf.web.app import new_app

__all__ = ["create_recommend_app"]

_STATIC = FilePath(__file__).parent / "static"
_SLOT = "champion"
_ID = r"^[!-~]{1,256}$"
_ID_RULE = "1..256 printable ASCII characters without spaces, percent-encoded"
_USER_ID = Path(pattern=_ID, description=f"The viewer, {_ID_RULE}")
_ITEM_ID = Path(pattern=_ID, description=f"The item, {_ID_RULE}")


class NumberParameters(BaseModel):
    """Query parameters of every list; an unknown one is refused, so that a typing error shows."""

    model_config = ConfigDict(extra="forbid")

    num_results: Annotated[int, Field(ge=1, le=TOP_K, description="How many items at most")] = 25


class ListParameters(NumberParameters):
    """Query parameters of lists that may depend on a context."""

    context: Annotated[
        str,
        Field(
            pattern=r"^([a-z]{1,16}:[ -~]{1,64})?$",
            description="Where the viewer has no list, what is popular there: genre:Drama for one",
        ),
    ] = ""


class RecommendedItem(BaseModel):
    """One item; scores compare within one answer only."""

    item_id: str
    score: float


class Recommendations(BaseModel):
    """An answer: items best first, and where they come from."""

    recommendation_id: Annotated[
        str | None, Field(description="Send it back with the events that follow from this answer")
    ]
    item_list: list[RecommendedItem]
    tier: Annotated[
        str, Field(description="own, previous, popular_in_context, popular, baked or similar")
    ]
    model_version: str
    generated_at: Annotated[int, Field(description="Newest event the list knows, UTC milliseconds")]


class Provenance(BaseModel):
    """Where an answer came from. ``model`` and ``data`` are what the manifest says."""

    answered_at: Annotated[int, Field(description="UTC milliseconds")]
    tier: str
    slot: str
    model_version: str
    git_commit: str
    parent_version: str
    manifest: Annotated[str, Field(description="Key in the bucket")]
    parameters: Annotated[dict[str, Any], Field(description="Of the training")]
    seed: int
    data_taken_at: Annotated[int, Field(description="When the lake was listed, UTC milliseconds")]
    data_newest_event: Annotated[int, Field(description="UTC milliseconds")]
    data_objects: Annotated[int, Field(description="Objects of the lake that were read")]
    data_sha256: Annotated[str, Field(description="Of their keys and ETags")]


class Health(BaseModel):
    """Whether a model is served."""

    status: str
    model_version: str


def create_recommend_app(
    recommender: Recommender,
    pointer: PointerCache,
    registry: ModelRegistry,
    keys: SigningKeys,
    metrics: MetricSink,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    rng: random.Random,
    logger: Logger,
) -> FastAPI:
    """Builds the application.

    Args:
        recommender: Finds the answers.
        pointer: Knows the live version.
        registry: Tells where a version comes from.
        keys: Sign recommendation ids, and know them again.
        metrics: Takes one line a request.
        clock: The time, with a time zone.
        monotonic: A clock for durations, in seconds.
        rng: Nonces of recommendation ids (no secret: the HMAC protects them).
        logger: For what went wrong.
    """
    app = new_app(logger)

    def answer_id(answer: Answer) -> str | None:
        said = RecommendationId(
            time_ms=int(clock().timestamp() * 1000),
            version_hash=version_hash(answer.version),
            slot=_SLOT,
            tier=answer.tier,
        )
        try:
            return sign(said, rng.randbytes(4), keys.current())
        except UnavailableError as error:
            # An answer without an id is worth more than no answer.
            logger.warning("unsigned answer", extra={"detail": str(error)})
            return None

    def respond(answer: Answer, surface: str, user_id: str | None, started: float) -> Response:
        recommendation_id = answer_id(answer)
        items = [{"item_id": item.item_id, "score": item.score} for item in answer.items]
        metrics.emit(
            _SLOT,
            {
                "answers": ("Count", 1),
                f"answers_{answer.tier}": ("Count", 1),
                "unsigned_answers": ("Count", int(recommendation_id is None)),
                "latency": ("Milliseconds", (monotonic() - started) * 1000),
            },
            {
                "recommendation_id": recommendation_id or "",
                "user_id": user_id,
                "surface": surface,
                "model_version": answer.version,
                "tier": answer.tier,
                "time": int(clock().timestamp() * 1000),
                "items": [item.item_id for item in answer.items],
            },
        )
        return _json(
            {
                "recommendation_id": recommendation_id,
                "item_list": items,
                "tier": answer.tier,
                "model_version": answer.version,
                "generated_at": answer.generated_at,
            }
        )

    # The routes are coroutines although they block: Lambda gives one request at a time,
    # and a thread's hop would cost more than it gives.
    @app.get(
        "/v1/users/{user_id:path}/recommendations",
        response_model=Recommendations,
        summary="Recommendations for a viewer",
    )
    async def get_recommendations(
        user_id: Annotated[str, _USER_ID], parameters: Annotated[ListParameters, Query()]
    ) -> Response:
        started = monotonic()
        answer = recommender.recommend(user_id, parameters.num_results, parameters.context)
        return respond(answer, "recommendations", user_id, started)

    @app.get("/v1/popular", response_model=Recommendations, summary="What is popular")
    async def get_popular(parameters: Annotated[ListParameters, Query()]) -> Response:
        started = monotonic()
        answer = recommender.popular(parameters.num_results, parameters.context)
        return respond(answer, "popular", None, started)

    @app.get(
        "/v1/items/{item_id:path}/similar",
        response_model=Recommendations,
        summary="Items like an item",
    )
    async def get_similar(
        item_id: Annotated[str, _ITEM_ID], parameters: Annotated[NumberParameters, Query()]
    ) -> Response:
        started = monotonic()
        answer = recommender.similar(item_id, parameters.num_results)
        return respond(answer, "similar", None, started)

    @app.get(
        "/v1/provenance/{recommendation_id}",
        response_model=Provenance,
        summary="Where an answer came from: model, data and code",
    )
    async def get_provenance(
        recommendation_id: Annotated[str, Path(description="As an answer carried it")],
    ) -> Response:
        found = find_provenance(recommendation_id, keys.accepted(), registry)
        return _json(Provenance.model_validate(found, from_attributes=True).model_dump())

    @app.get("/v1/health", response_model=Health, summary="Whether a model is served")
    async def get_health() -> Response:
        champion = pointer.get()
        if champion is None:
            raise UnavailableError("no model is released yet")
        return _json({"status": "ok", "model_version": champion.version})

    _serve_files(app, {"/openapi.json": "application/json", "/docs": "text/html; charset=utf-8"})
    return app


def _serve_files(app: FastAPI, files: dict[str, str]) -> None:
    def serve(path: str, media_type: str) -> None:
        name = path.strip("/") if "." in path else f"{path.strip('/')}.html"

        @app.get(path, include_in_schema=False)
        async def get_file(_: Request) -> Response:
            return Response((_STATIC / name).read_bytes(), media_type=media_type)

    for path, media_type in files.items():
        serve(path, media_type)


def _json(content: Any) -> Response:
    return Response(json.dumps(content, separators=(",", ":")), media_type="application/json")
