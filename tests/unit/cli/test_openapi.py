"""The API's description: complete, valid, and in step with the code."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from infra.cli import openapi
from infra.cli.api_page import render


def test_every_route_is_described_and_the_document_is_valid() -> None:
    document = openapi.describe_api()
    assert {(method, path) for path, ops in document["paths"].items() for method in ops} == {
        ("get", "/v1/users/{user_id}/recommendations"),
        ("get", "/v1/popular"),
        ("get", "/v1/items/{item_id}/similar"),
        ("get", "/v1/provenance/{recommendation_id}"),
        ("get", "/v1/health"),
        ("post", "/v1/events"),
    }
    validate(document)


def test_every_route_asks_for_a_signature_or_a_token() -> None:
    assert openapi.describe_api()["security"] == [{"sigv4": []}, {"token": []}]


def test_refusals_of_callers_are_described_where_they_occur() -> None:
    paths = openapi.describe_api()["paths"]
    told = {path: set(op["responses"]) for path, ops in paths.items() for op in ops.values()}
    assert all("401" in statuses for statuses in told.values())
    assert {path for path, statuses in told.items() if "403" in statuses} == {
        "/v1/users/{user_id}/recommendations",
        "/v1/provenance/{recommendation_id}",
        "/v1/events",
    }


def test_the_files_are_in_step_with_the_code() -> None:
    assert openapi.main(["--check"]) == 0


def test_a_stale_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(openapi, "STATIC", tmp_path)
    assert openapi.main(["--check"]) == 1
    assert "make openapi" in capsys.readouterr().err
    assert openapi.main([]) == 0
    assert json.loads((tmp_path / "openapi.json").read_text()) == openapi.describe_api()
    assert openapi.main(["--check"]) == 0


def test_the_page_names_every_route_and_loads_nothing_from_elsewhere() -> None:
    page = render(openapi.describe_api())
    assert "/v1/users/{user_id}/recommendations" in page
    assert "num_results" in page
    assert "<script" not in page
    assert "http" not in page
