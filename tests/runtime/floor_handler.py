"""The least that answers HTTP with FastAPI, Mangum and one DynamoDB client, to compare with."""

import json
import os
from typing import Any

from topshelf.web.deferred import import_fastapi

# As the function does.
import_fastapi()

from botocore.session import get_session  # noqa: E402
from fastapi import FastAPI, Response  # noqa: E402
from mangum import Mangum  # noqa: E402

client = get_session().create_client("dynamodb", region_name=os.environ["AWS_REGION"])
app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@app.get("/v1/users/{user_id:path}/recommendations")
async def get_champion(user_id: str) -> Response:
    """Answers with one item of a table."""
    table = os.environ["TOPSHELF_REGISTRY_TABLE"]
    item = client.get_item(TableName=table, Key={"id": {"S": "slot#champion"}})["Item"]
    content = json.dumps({"user_id": user_id, "champion": sorted(item)})
    return Response(content, media_type="application/json")


_mangum = Mangum(app, lifespan="off")


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Answers one request."""
    return _mangum(event, context)
