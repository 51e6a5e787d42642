"""GET recommendations: HTTP API → this → one read of DynamoDB."""

import random
import time
from pathlib import Path

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
from topshelf.settings import RecommendSettings, starts_from_snapshot, utc_now
from topshelf.web.app import lambda_handler_of
from topshelf.web.callers import Callers
from topshelf.web.entry import Built, lambda_entry
from topshelf.web.recommend import create_recommend_app


def _build() -> Built:
    settings = RecommendSettings.load()
    place = (settings.region, settings.endpoint_url)
    patience = settings.read_timeout_ms / 1000
    dynamodb = create_client("dynamodb", *place, attempts=1, timeout=patience)
    secrets = create_client("secretsmanager", *place, attempts=1, timeout=1)
    registry = RegistryTable(dynamodb, table=settings.registry_table)
    pointer = PointerCache(registry, ttl=settings.pointer_ttl_seconds, monotonic=time.monotonic)
    keys = SigningSecret(secrets, secret=settings.signing_secret, monotonic=time.monotonic)
    lists = TopKTable(dynamodb, prefix=settings.topk_prefix, activity_table=settings.activity_table)
    breaker, baked = CircuitBreaker(time.monotonic), load_baked(Path(__file__).parent)
    popular = PopularLists(lists, breaker, baked)
    app = create_recommend_app(
        Recommender(pointer, lists, popular, utc_now, breaker=breaker),
        Titles(lists, breaker, baked),
        pointer,
        registry,
        keys,
        callers=Callers(settings.authorizer, settings.admin_scope),
        metrics=EmfMetrics("recommend_api"),
        clock=utc_now,
        monotonic=time.perf_counter,
        rng=random.SystemRandom(),
        logger=Logger(service="recommend_api"),
    )
    forgets = (pointer.forget, popular.forget, keys.forget, breaker.forget)
    return Built(lambda_handler_of(app), forgets)


lambda_handler = lambda_entry(_build, from_snapshot=starts_from_snapshot())
