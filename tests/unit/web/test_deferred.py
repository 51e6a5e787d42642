"""FastAPI's own models, which no cold start waits for."""

import subprocess
import sys

LOOK = """
import topshelf.web
from pydantic import BaseModel
from fastapi.openapi.models import OpenAPI, Operation, Schema

print(*(model.__pydantic_complete__ for model in (Schema, Operation, OpenAPI)))
print(Schema(type="array", items={"type": "string"}).items.type)
print(Schema.__pydantic_complete__)


class Mine(BaseModel):
    size: int


print(Mine.__pydantic_complete__, Mine.model_rebuild(force=True), BaseModel.model_config)
"""


def test_they_are_built_with_their_first_use_and_others_at_once() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOOK], check=True, capture_output=True, text=True
    ).stdout
    assert found.splitlines() == ["False False False", "string", "True", "True True {}"]
