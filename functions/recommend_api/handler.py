"""GET recommendations: HTTP API → this → one read of DynamoDB."""

import random
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from topshelf.aws.clients import create_client
from topshelf.aws.emf_metrics import EmfMetrics
from topshelf.aws.registry_table import RegistryTable
from topshelf.aws.signing_secret import SigningSecret
from topshelf.aws.topk_table import TopKTable
from topshelf.serving.baked import load_baked
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists
from topshelf.serving.recommender import Recommender
from topshelf.serving.titles import Titles
from topshelf.settings import RecommendSettings, utc_now
from topshelf.web.app import lambda_handler_of
from topshelf.web.recommend import create_recommend_app


@cache
def _handler() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    settings = RecommendSettings.load()
    place = (settings.region, settings.endpoint_url)
    patience = settings.read_timeout_ms / 1000
    dynamodb = create_client("dynamodb", *place, attempts=1, timeout=patience)
    secrets = create_client("secretsmanager", *place, attempts=1, timeout=1)
    registry = RegistryTable(dynamodb, table=settings.registry_table)
    ttl = settings.pointer_ttl_seconds
    pointer = PointerCache(registry, ttl=ttl, monotonic=time.monotonic)
    lists = TopKTable(dynamodb, prefix=settings.topk_prefix, activity_table=settings.activity_table)
    breaker, baked = CircuitBreaker(time.monotonic), load_baked(Path(__file__).parent)
    popular = PopularLists(lists, breaker, baked)
    app = create_recommend_app(
        Recommender(pointer, lists, popular, utc_now, breaker=breaker),
        Titles(lists, breaker, baked),
        pointer,
        registry,
        SigningSecret(secrets, secret=settings.signing_secret, monotonic=time.monotonic),
        metrics=EmfMetrics("recommend_api"),
        clock=utc_now,
        monotonic=time.perf_counter,
        rng=random.SystemRandom(),
        logger=Logger(service="recommend_api"),
    )
    return lambda_handler_of(app)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one request of the HTTP API."""
    return _handler()(event, context)
