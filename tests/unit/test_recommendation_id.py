"""Recommendation ids: short, signed, and read back."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.errors import InvalidInputError
from topshelf.manifest import version_hash
from topshelf.serving.recommendation_id import (
    EPOCH_MS,
    SLOTS,
    TIERS,
    RecommendationId,
    sign,
    verify,
)

KEY, OTHER = b"k" * 32, b"o" * 32
SAID = RecommendationId(1_767_268_800_000, version_hash("v1"), "champion", "own")

_said = st.builds(
    RecommendationId,
    time_ms=st.integers(EPOCH_MS, EPOCH_MS + 2**40 - 1),
    version_hash=st.binary(min_size=6, max_size=6),
    slot=st.sampled_from(SLOTS),
    tier=st.sampled_from(TIERS),
    variants=st.tuples(st.integers(0, 255), st.integers(0, 255)),
)


@given(_said, st.binary(min_size=4, max_size=4))
def test_what_is_signed_is_read_back(said: RecommendationId, nonce: bytes) -> None:
    text = sign(said, nonce, KEY)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", text)
    assert verify(text, [KEY]) == said


def test_two_keys_are_accepted_while_one_rotates() -> None:
    text = sign(SAID, b"1234", OTHER)
    assert verify(text, [KEY, OTHER]) == SAID
    with pytest.raises(InvalidInputError) as caught:
        verify(text, [KEY])
    assert caught.value.field == "recommendation_id"


@given(st.integers(0, 29), st.integers(1, 255))
def test_any_changed_byte_is_found_out(at: int, change: int) -> None:
    raw = bytearray(urlsafe_b64decode(sign(SAID, b"1234", KEY)))
    raw[at] ^= change
    with pytest.raises(InvalidInputError):
        verify(urlsafe_b64encode(raw).decode(), [KEY])


@given(st.text(max_size=60))
def test_no_text_makes_verify_raise_anything_else(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^this id was not given out here$"):
        verify(text, [KEY])


def test_an_id_has_one_spelling() -> None:
    text = sign(SAID, b"1234", KEY)
    for other in (f"{text[:20]}!{text[20:]}", f"{text}\n", f"{text}====", f" {text}"):
        with pytest.raises(InvalidInputError):
            verify(other, [KEY])


def test_the_nonce_tells_answers_of_one_millisecond_apart() -> None:
    assert sign(SAID, b"1234", KEY) != sign(SAID, b"1235", KEY)


def test_the_layout_is_fixed() -> None:
    raw = urlsafe_b64decode(sign(SAID, b"1234", KEY))
    assert len(raw) == 30
    assert int.from_bytes(raw[:5], "big") == 1_767_268_800_000 - 1_577_836_800_000
    assert raw[5:11] == version_hash("v1")
    assert raw[11:14] == bytes([0, 255, 255])
    assert raw[14:18] == b"1234"


def test_a_version_hash_has_six_bytes_of_its_own() -> None:
    assert len(version_hash("v1")) == 6
    assert version_hash("v1") != version_hash("v2")


@pytest.mark.parametrize("time_ms", [0, EPOCH_MS - 1, EPOCH_MS + (1 << 40)])
def test_a_clock_gone_wrong_costs_the_time_not_the_answer(time_ms: int) -> None:
    said = verify(sign(replace(SAID, time_ms=time_ms), b"1234", KEY), [KEY])
    assert said.time_ms in {EPOCH_MS, EPOCH_MS + (1 << 40) - 1}
    assert said.version_hash == SAID.version_hash
