"""What a route takes in its query, for parameters given one by one and as a model."""

import json
from typing import Annotated

import pytest
from aws_lambda_powertools import Logger
from fastapi import Query, Response
from pydantic import BaseModel

from tests.builders.gateway import http_event
from tests.builders.recommend_api import EVERYBODY
from topshelf.web.app import lambda_handler_of, new_app


class Filters(BaseModel):
    """A model whose parameters are one value and a list."""

    year: int = 0
    genre: list[str] = []


app = new_app(Logger(service="test"), EVERYBODY)


@app.get("/one-by-one")
async def one_by_one(
    year: int = 0, genre: Annotated[list[str] | None, Query(alias="genre")] = None
) -> Response:
    return Response(json.dumps({"year": year, "genre": genre or []}))


@app.get("/model")
async def model(asked: Annotated[Filters, Query()]) -> Response:
    return Response(json.dumps(asked.model_dump()))


@app.get("/numbers")
async def numbers(number: Annotated[list[int], Query()]) -> None:
    raise AssertionError(f"{number} is to be refused")


def refused(path: str, query: str) -> dict[str, str]:
    answer = lambda_handler_of(app)(http_event("GET", path, query=query), None)
    assert answer["statusCode"] == 400
    problem: dict[str, str] = json.loads(answer["body"])
    return problem


@pytest.mark.parametrize("path", ["/one-by-one", "/model"])
def test_a_list_may_come_again_and_one_value_may_not(path: str) -> None:
    event = http_event("GET", path, query="genre=a&year=7&genre=b")
    answer = lambda_handler_of(app)(event, None)
    assert json.loads(answer["body"]) == {"year": 7, "genre": ["a", "b"]}
    problem = refused(path, "year=7&genre=a&year=7")
    assert problem["field"] == "year"
    assert problem["detail"] == "year is given 2 times; give it once"


@pytest.mark.parametrize("path", ["/one-by-one", "/model"])
def test_an_unknown_parameter_is_told_the_known_ones(path: str) -> None:
    problem = refused(path, "Year=7")
    assert problem["field"] == "Year"
    assert problem["detail"] == "Year is not a parameter here; this route takes year, genre"


def test_the_field_of_a_list_is_named_with_its_place() -> None:
    assert refused("/numbers", "number=1&number=x")["field"] == "number.1"
