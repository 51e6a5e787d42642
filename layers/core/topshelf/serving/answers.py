"""What is served: a list, from a rank on, without what was seen."""

from dataclasses import dataclass

from topshelf.serving.pages import Page, Tier
from topshelf.topk import TopKList, unpack_scores

__all__ = ["Answer", "Found", "ScoredItem", "answer_of"]


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One recommended item and its score; scores compare within one answer only."""

    item_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What is served.

    Attributes:
        items: Best first.
        tier: Which tier of the fallback chain answered.
        version: Model version.
        generated_at: Newest event's time that the list knows, UTC milliseconds.
        next_page: Where the list goes on; None at its end.
    """

    items: tuple[ScoredItem, ...]
    tier: Tier
    version: str
    generated_at: int
    next_page: Page | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A list that a tier has found."""

    ready: TopKList
    tier: Tier
    version: str


def answer_of(found: Found, seen: frozenset[str], num_results: int, start: int = 0) -> Answer:
    """Cuts an answer out of a list.

    Args:
        found: The list.
        seen: Items to leave out.
        num_results: How many items at most.
        start: The rank to begin at, from 0.
    """
    ready = found.ready
    scored = zip(ready.item_ids(), unpack_scores(ready.scores), strict=True)
    left = [
        (rank, ScoredItem(item, score))
        for rank, (item, score) in enumerate(scored)
        if rank >= start and item not in seen
    ]
    cut_off = left[num_results : num_results + 1]
    return Answer(
        items=tuple(item for _, item in left[:num_results]),
        tier=found.tier,
        version=found.version,
        generated_at=ready.generated_at,
        next_page=Page(found.tier, cut_off[0][0], found.version) if cut_off else None,
    )
