"""Settings: read from the environment, complete or refused by name."""

import pytest

from topshelf.errors import SettingsError
from topshelf.settings import (
    IngestSettings,
    RecommendSettings,
    ReleaseSettings,
    TrainingSettings,
    starts_from_snapshot,
)

INGEST = {
    "TOPSHELF_EVENTS_STREAM": "events",
    "TOPSHELF_ACTIVITY_TABLE": "activity",
    "TOPSHELF_AUTHORIZER": "jwt",
}


def test_variables_become_fields_of_their_types() -> None:
    settings = IngestSettings.load(
        INGEST
        | {
            "TOPSHELF_ACTIVITY_TTL_DAYS": "7",
            "TOPSHELF_EVENT_TYPES": "view, like",
            "TOPSHELF_RATING_MIN": "1",
            "TOPSHELF_RATING_MAX": "10",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": "http://localhost:4566",
        }
    )
    assert (settings.activity_ttl_days, settings.region) == (7, "eu-west-1")
    assert settings.endpoint_url == "http://localhost:4566"
    policy = settings.policy()
    assert policy.event_types == {"view", "like"}
    assert (policy.rating_min, policy.rating_max) == (1.0, 10.0)


def test_an_empty_variable_counts_as_absent() -> None:
    settings = IngestSettings.load(INGEST | {"AWS_ENDPOINT_URL": "", "AWS_REGION": ""})
    assert (settings.endpoint_url, settings.region) == (None, "us-east-1")


def test_every_missing_or_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError) as refused:
        IngestSettings.load({"TOPSHELF_ACTIVITY_TABLE": "a", "TOPSHELF_ACTIVITY_TTL_DAYS": "soon"})
    assert "TOPSHELF_EVENTS_STREAM" in str(refused.value)
    assert "TOPSHELF_ACTIVITY_TTL_DAYS" in str(refused.value)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPSHELF_BUCKET", "lake")
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", "registry")
    assert TrainingSettings.load().bucket == "lake"


@pytest.mark.parametrize("value", ["0", "5001", "nan"])
def test_timeouts_are_bounded(value: str) -> None:
    names = ("REGISTRY_TABLE", "ACTIVITY_TABLE", "TOPK_PREFIX", "SIGNING_SECRET")
    env = {f"TOPSHELF_{name}": "x" for name in names} | {"TOPSHELF_AUTHORIZER": "iam"}
    with pytest.raises(SettingsError, match="READ_TIMEOUT_MS"):
        RecommendSettings.load(env | {"TOPSHELF_READ_TIMEOUT_MS": value})


@pytest.mark.parametrize("value", ["", "JWT", "jwt ", "cognito", "off"])
def test_what_stands_before_the_api_is_said_and_never_guessed(value: str) -> None:
    with pytest.raises(SettingsError, match="TOPSHELF_AUTHORIZER"):
        IngestSettings.load(INGEST | {"TOPSHELF_AUTHORIZER": value})
    settings = IngestSettings.load(INGEST)
    assert (settings.authorizer, settings.admin_scope) == ("jwt", "topshelf/admin")


@pytest.mark.parametrize("value", ["a b", "a\n", "é"])
def test_the_admin_scope_is_one_scope(value: str) -> None:
    with pytest.raises(SettingsError, match="TOPSHELF_ADMIN_SCOPE"):
        IngestSettings.load(INGEST | {"TOPSHELF_ADMIN_SCOPE": value})


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "10%"])
def test_the_gates_tolerance_is_a_fraction(value: str) -> None:
    env = {f"TOPSHELF_{name}": "x" for name in ("BUCKET", "REGISTRY_TABLE", "TOPK_PREFIX")}
    assert ReleaseSettings.load(env).gate_tolerance == 0.1
    with pytest.raises(SettingsError, match="TOPSHELF_GATE_TOLERANCE"):
        ReleaseSettings.load(env | {"TOPSHELF_GATE_TOLERANCE": value})


def test_a_snapshot_is_what_lambda_says_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert starts_from_snapshot({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
    assert not starts_from_snapshot({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    assert not starts_from_snapshot({})
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    assert starts_from_snapshot()
