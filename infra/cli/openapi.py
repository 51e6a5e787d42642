"""Writes the API's description at build time, so that no Lambda builds a schema.

Two files beside the web package: ``openapi.json`` for programs, ``docs.html`` for people.
"""

import argparse
import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from aws_lambda_powertools import Logger
from fastapi.openapi.utils import get_openapi

import topshelf.web
from infra.cli.api_page import render
from topshelf.events import DEFAULT_POLICY
from topshelf.ports import ActivityStore, InteractionLog, MetricSink, ModelRegistry, SigningKeys
from topshelf.serving.pointer import PointerCache
from topshelf.serving.recommender import Recommender
from topshelf.serving.titles import Titles
from topshelf.web.callers import Callers
from topshelf.web.events import Batch, create_ingest_app
from topshelf.web.problems import Problem
from topshelf.web.recommend import create_recommend_app

__all__ = ["describe_api", "main"]

STATIC = Path(topshelf.web.__file__).parent / "static"


def describe_api() -> dict[str, Any]:
    """The OpenAPI description of every route, of both functions."""
    logger = Logger(service="openapi")
    # Routes are read, never called: what they would call is not needed.
    nothing = cast("Any", None)
    pointer = cast("PointerCache", nothing)
    metrics = cast("MetricSink", nothing)
    callers = Callers("jwt", "topshelf/admin")
    recommend = create_recommend_app(
        cast("Recommender", nothing),
        cast("Titles", nothing),
        pointer,
        cast("ModelRegistry", nothing),
        cast("SigningKeys", nothing),
        callers=callers,
        metrics=metrics,
        clock=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        rng=random.Random(0),  # noqa: S311 - no id is made here
        logger=logger,
        described=True,
    )
    ingest = create_ingest_app(
        cast("InteractionLog", nothing),
        cast("ActivityStore", nothing),
        metrics,
        DEFAULT_POLICY,
        callers=callers,
        clock=lambda: datetime.now(UTC),
        logger=logger,
        described=True,
    )
    document = get_openapi(
        title="topshelf",
        version="1",
        description="Movie recommendations. Requests are signed with AWS Signature Version 4, or, "
        "where a deployment says so, carry a viewer's token.",
        routes=[*recommend.routes, *ingest.routes],
    )
    batch = Batch.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = document["components"]["schemas"]
    schemas |= batch.pop("$defs") | {"Batch": batch, "Problem": Problem.model_json_schema()}
    document["components"]["securitySchemes"] = {
        "sigv4": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Its sub is the viewer's user_id. A token with the deployment's admin "
            "scope (topshelf/admin) reaches every viewer, and provenance.",
        },
    }
    document["security"] = [{"sigv4": []}, {"token": []}]
    return document


def main(arguments: list[str] | None = None) -> int:
    """Writes both files; with ``--check`` says whether they are in step with the code."""
    parser = argparse.ArgumentParser(prog="python -m infra.cli.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args(arguments).check
    document = describe_api()
    wanted = {
        STATIC / "openapi.json": json.dumps(document, indent=1, sort_keys=True) + "\n",
        STATIC / "docs.html": render(document),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            sys.stderr.write(f"{path} is not what the code says; run `make openapi`\n")
        return 1 if stale else 0
    STATIC.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
