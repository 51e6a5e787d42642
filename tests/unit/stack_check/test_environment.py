"""Functions load their settings from the template's variables; a renamed one is noticed."""

import copy
from dataclasses import replace

import pytest

from infra.local.translate import Translation, translate
from infra.stack_check.environment import check_environments
from tests.conftest import REGION, ROOT


@pytest.fixture(scope="module")
def translation() -> Translation:
    return translate(ROOT / "template.yaml", {}, REGION)


def _renamed(translation: Translation, function: str, before: str, after: str) -> Translation:
    template = copy.deepcopy(dict(translation.template))
    variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
    variables[after] = variables.pop(before)
    return replace(translation, template=template)


def test_every_function_loads_its_settings(translation: Translation) -> None:
    assert check_environments(translation) == []


def test_a_renamed_variable_is_missed_and_not_known(translation: Translation) -> None:
    planted = _renamed(translation, "RefreshTopk", "TOPSHELF_TOPK_PREFIX", "TOPSHELF_TOP_K_PREFIX")
    unknown, missing = check_environments(planted)
    assert (unknown.logical_id, unknown.wanted) == ("RefreshTopk", "TOPSHELF_TOP_K_PREFIX")
    assert "TOPSHELF_TOPK_PREFIX: field required" in missing.found


def test_a_renamed_variable_that_has_a_default_is_noticed_too(translation: Translation) -> None:
    planted = _renamed(
        translation, "RecommendApi", "TOPSHELF_READ_TIMEOUT_MS", "TOPSHELF_TIMEOUT_MS"
    )
    (unknown,) = check_environments(planted)
    assert unknown.wanted == "TOPSHELF_TIMEOUT_MS"
    assert unknown.found == "RecommendSettings has no such setting"


def test_a_value_that_no_function_would_take_is_noticed(translation: Translation) -> None:
    template = copy.deepcopy(dict(translation.template))
    properties = template["Resources"]["IngestEvents"]["Properties"]
    properties["Environment"]["Variables"]["TOPSHELF_ACTIVITY_TTL_DAYS"] = "ninety"
    (wrong,) = check_environments(replace(translation, template=template))
    assert "TOPSHELF_ACTIVITY_TTL_DAYS" in wrong.found
