"""What the API that answers viewers takes and gives, field by field."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from topshelf.topk import TOP_K

__all__ = [
    "ITEM_ID",
    "USER_ID",
    "Health",
    "ListParameters",
    "NumberParameters",
    "Provenance",
    "Recommendations",
    "RecommendedItem",
]

_ID = r"^[!-~]{1,256}$"
_ID_RULE = "1..256 printable ASCII characters without spaces, percent-encoded"
USER_ID = Path(pattern=_ID, description=f"The viewer, {_ID_RULE}")
ITEM_ID = Path(pattern=_ID, description=f"The item, {_ID_RULE}")


class NumberParameters(BaseModel):
    """Query parameters of every list; an unknown one is refused, so that a typing error shows."""

    model_config = ConfigDict(extra="forbid")

    num_results: Annotated[int, Field(ge=1, le=TOP_K, description="How many items at most")] = 25
    titles: Annotated[bool, Field(description="Whether items carry their titles")] = False
    page: Annotated[
        str,
        Field(
            max_length=128,
            description="next_page of the answer before, to go on where it ended; "
            "send the other parameters as before",
        ),
    ] = ""


class ListParameters(NumberParameters):
    """Query parameters of lists that may depend on a context."""

    context: Annotated[
        str,
        Field(
            pattern=r"^([a-z]{1,16}:[ -~]{1,64})?$",
            description="Where the viewer has no list, what is popular there: genre:Drama for one",
        ),
    ] = ""


class RecommendedItem(BaseModel, defer_build=True):
    """One item; scores compare within one answer only."""

    item_id: str
    score: float
    title: Annotated[
        str | None,
        Field(description="There with titles=true alone; null where it is not known"),
    ] = None


class Recommendations(BaseModel, defer_build=True):
    """An answer: items best first, and where they come from."""

    recommendation_id: Annotated[
        str | None, Field(description="Send it back with the events that follow from this answer")
    ]
    item_list: list[RecommendedItem]
    next_page: Annotated[
        str | None, Field(description="For the parameter page; null where the list ends")
    ]
    tier: Annotated[
        str, Field(description="own, previous, popular_in_context, popular, baked or similar")
    ]
    model_version: str
    generated_at: Annotated[int, Field(description="Newest event the list knows, UTC milliseconds")]


class Provenance(BaseModel, defer_build=True):
    """Where an answer came from. ``model`` and ``data`` are what the manifest says."""

    answered_at: Annotated[int, Field(description="UTC milliseconds")]
    tier: str
    slot: str
    model_version: str
    git_commit: str
    parent_version: str
    manifest: Annotated[str, Field(description="Key in the bucket")]
    parameters: Annotated[dict[str, Any], Field(description="Of the training")]
    seed: int
    data_taken_at: Annotated[int, Field(description="When the lake was listed, UTC milliseconds")]
    data_newest_event: Annotated[int, Field(description="UTC milliseconds")]
    data_objects: Annotated[int, Field(description="Objects of the lake that were read")]
    data_sha256: Annotated[str, Field(description="Of their keys and ETags")]


class Health(BaseModel, defer_build=True):
    """Whether a model is served."""

    status: str
    model_version: str
