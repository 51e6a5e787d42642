"""Provenance: from the id of an answer to the model, the data and the code."""

from collections.abc import Mapping

import pytest

from tests.fakes.model_ports import FakeRegistry
from topshelf.errors import InvalidInputError, NotFoundError
from topshelf.manifest import version_hash
from topshelf.serving.provenance import FoundProvenance, find_provenance
from topshelf.serving.recommendation_id import RecommendationId, sign

KEY, OTHER = b"k" * 32, b"o" * 32
ANSWERED_AT = 1_767_268_800_000
KNOWN = {
    "git_commit": "abc123",
    "parent_version": "v0",
    "manifest": "models/v1/manifest.json",
    "parameters": '{"factors": 64, "regularization": 0.01}',
    "seed": "42",
    "data_taken_at": "1767268000000",
    "data_newest_event": "1767267000000",
    "data_objects": "31",
    "data_sha256": "e3b0c442",
}


def registry(**alias: str) -> FakeRegistry:
    """Knows v1, and as much of its hash as it is told."""
    found = FakeRegistry()
    found.record("v1", "imported", KNOWN)
    found.record(version_hash("v1").hex(), "alias", alias)
    return found


def answer_id(key: bytes = KEY) -> str:
    return sign(
        RecommendationId(ANSWERED_AT, version_hash("v1"), "challenger", "previous"), b"1234", key
    )


def test_an_answer_is_traced_to_its_model_its_data_and_its_code() -> None:
    assert find_provenance(answer_id(), [KEY], registry(version="v1")) == FoundProvenance(
        answered_at=ANSWERED_AT,
        tier="previous",
        slot="challenger",
        model_version="v1",
        git_commit="abc123",
        parent_version="v0",
        manifest="models/v1/manifest.json",
        parameters={"factors": 64, "regularization": 0.01},
        seed=42,
        data_taken_at=1_767_268_000_000,
        data_newest_event=1_767_267_000_000,
        data_objects=31,
        data_sha256="e3b0c442",
    )


def test_an_id_that_no_accepted_key_signed_leads_nowhere() -> None:
    known = registry(version="v1")
    with pytest.raises(InvalidInputError):
        find_provenance(answer_id(OTHER), [KEY], known)
    assert find_provenance(answer_id(OTHER), [KEY, OTHER], known).model_version == "v1"


@pytest.mark.parametrize("known", [FakeRegistry(), registry(), registry(version="v9")])
def test_a_model_that_the_registry_has_forgotten_is_not_found(known: FakeRegistry) -> None:
    with pytest.raises(
        NotFoundError, match=r"^the model of this answer is not in the registry any more$"
    ):
        find_provenance(answer_id(), [KEY], known)


def test_an_id_whose_version_is_unknown_costs_one_read() -> None:
    class Counting(FakeRegistry):
        reads = 0

        def describe(self, version: str) -> Mapping[str, str]:
            self.reads += 1
            return super().describe(version)

    known = Counting()
    with pytest.raises(NotFoundError):
        find_provenance(answer_id(), [KEY], known)
    assert known.reads == 1


def test_a_version_that_was_recorded_without_its_manifest_is_not_found() -> None:
    known = FakeRegistry()
    known.record(version_hash("v1").hex(), "alias", {"version": "v1"})
    known.record("v1", "importing", {})
    with pytest.raises(NotFoundError):
        find_provenance(answer_id(), [KEY], known)
