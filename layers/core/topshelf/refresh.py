"""Refresh: a viewer's list after new activity, minutes after it and without a training run.

The history that the training packed into the list is continued with the new events and folded into
the live version's item factors; the list that comes out is what the training would have made of the
same history.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from topshelf.errors import ConflictError, IntegrityError
from topshelf.events import Interaction
from topshelf.factors import IdMap, Regularization, explain, fold_in, gram_matrix
from topshelf.features import (
    ConfidenceWeights,
    bound_history,
    combine_evidence,
    confidences_of,
    merge_history,
)
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from topshelf.ports import FactorStore, ModelRegistry, TopKStore
from topshelf.ranking import NO_ITEM, top_k
from topshelf.topk import (
    TOP_K,
    Source,
    TopKList,
    pack_history,
    pack_rows,
    pack_scores,
    unpack_history,
)

__all__ = ["ListRefresh", "LiveModel", "RefreshOutcome", "ready_list"]

RefreshOutcome = Literal["refreshed", "unchanged", "no_list", "unknown_items"]

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class LiveModel:
    """What a refresh needs of a model version.

    Attributes:
        version: Of the model.
        items: Item ids and their rows.
        item_factors: (n_items, f) float32.
        gram: (f, f) float64, see topshelf.factors.gram_matrix.
        regularization: Of the training.
        weights: The confidence weights of the training.
    """

    version: str
    items: IdMap
    item_factors: NDArray[np.float32]
    gram: NDArray[np.float64]
    regularization: Regularization
    weights: ConfidenceWeights


class ListRefresh:
    """Refreshes lists of the live version; keeps the version's factors between calls."""

    def __init__(
        self, *, lists: TopKStore, artefacts: FactorStore, registry: ModelRegistry
    ) -> None:
        """Builds it; nothing is read yet."""
        self._lists = lists
        self._artefacts = artefacts
        self._registry = registry
        self._model: LiveModel | None = None

    def live_model(self) -> LiveModel | None:
        """The champion's factors, read from the artefact when the champion has changed.

        Returns:
            None before the first release.

        Raises:
            IntegrityError: The artefact is damaged.
            UnavailableError: A store does not answer.
        """
        champion = self._registry.champion()
        if champion is None:
            return None
        if self._model is None or self._model.version != champion.version:
            self._model = self._load(champion.version)
        return self._model

    def refresh(
        self, model: LiveModel, user_id: str, events: Sequence[Interaction]
    ) -> RefreshOutcome:
        """Makes a viewer's list know the events.

        Safe to repeat: events that the list knows change nothing.

        Args:
            model: See live_model.
            user_id: The viewer.
            events: The viewer's new events, in any order.

        Returns:
            ``refreshed``; ``unchanged`` if the list knew all of it; ``no_list`` if the version
            has none of the viewer (popular items serve); ``unknown_items`` if it knows no item.

        Raises:
            ConflictError: Others kept rewriting the list.
            UnavailableError: The store does not answer.
        """
        known = [(row, e) for e in events if (row := model.items.row(e.item_id)) is not None]
        for _ in range(_ATTEMPTS):
            old = self._lists.get(model.version, user_id)
            if old is None:
                return "no_list"
            if not known:
                return "unknown_items"
            history = _continued(model, old, known)
            generated_at = max(old.generated_at, *(e.timestamp for _, e in known))
            packed = pack_history(history[0].tolist(), history[1].tolist())
            if packed == old.history and generated_at == old.generated_at:
                return "unchanged"
            new = _list_of(model, history, generated_at)
            if self._lists.replace(model.version, user_id, old, new):
                return "refreshed"
        raise ConflictError(f"the list of a viewer in {model.version} keeps changing; try again")

    def _load(self, version: str) -> LiveModel:
        parameters = parse_manifest(
            self._artefacts.read(version, MANIFEST_NAME), version
        ).parameters
        items = IdMap.from_json(self._artefacts.read(version, "item_ids.json"))
        raw = self._artefacts.read(version, "item_factors.npy")
        try:
            item_factors = np.load(io.BytesIO(raw), allow_pickle=False)
            als = parameters["als"]
            # Models from before regularization was scaled name no exponent: theirs is 0.
            regularization = Regularization(
                float(als["regularization"]), float(als.get("exponent", 0.0))
            )
            weights = ConfidenceWeights(**parameters["confidence"])
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"the artefact of {version} is damaged: {error}") from error
        if item_factors.ndim != 2 or len(item_factors) != len(items):
            raise IntegrityError(f"{version} has {len(items)} item ids for other factors")
        return LiveModel(
            version, items, item_factors, gram_matrix(item_factors), regularization, weights
        )


def ready_list(
    items: IdMap,
    ranked: tuple[NDArray[np.int64], NDArray[np.float32]],
    history: tuple[NDArray[np.int64], NDArray[np.float32]],
    because: NDArray[np.int64],
    *,
    source: Source,
    generated_at: int,
) -> TopKList:
    """Packs a ranking into a list: how both the training and a refresh write one.

    Args:
        items: Item ids and their rows.
        ranked: Item rows and scores, best first, (k,) each, without NO_ITEM.
        history: Item rows and confidences, (n,) each.
        because: For each ranked item the history row that explains it, (k,).
        source: Who made it.
        generated_at: Newest event's time it knows, UTC milliseconds.
    """
    rows, scores = ranked
    return TopKList(
        items=" ".join([items.ids[row] for row in rows.tolist()]),
        scores=pack_scores(scores.tolist()),
        history=pack_history(history[0].tolist(), history[1].tolist()),
        because=pack_rows(because.tolist()),
        source=source,
        generated_at=generated_at,
    )


def _continued(
    model: LiveModel, old: TopKList, known: Sequence[tuple[int, Interaction]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows, confidences = unpack_history(old.history)
    events = [event for _, event in known]
    newer = combine_evidence(
        np.array([row for row, _ in known], dtype=np.int64),
        np.array([event.timestamp for event in events], dtype=np.int64),
        np.array([event.event_type == "rating" for event in events], dtype=np.bool_),
        confidences_of(events, model.weights),
    )
    merged = merge_history(
        np.array(rows, dtype=np.int64), np.array(confidences, dtype=np.float32), newer
    )
    return bound_history(*merged, newest=newer.pairs)


def _list_of(
    model: LiveModel,
    history: tuple[NDArray[np.int64], NDArray[np.float32]],
    generated_at: int,
) -> TopKList:
    taste = fold_in(model.item_factors, model.gram, *history, model.regularization)
    rows = history[0]
    best = top_k(taste[None, :], model.item_factors, np.array([0, len(rows)]), rows, TOP_K)
    left = best.rows[0] != NO_ITEM
    ranked = best.rows[0][left], best.scores[0][left]
    because = explain(
        model.item_factors,
        model.gram,
        *history,
        regularization=model.regularization,
        recommended=ranked[0],
    )
    return ready_list(
        model.items, ranked, history, because, source="refresh", generated_at=generated_at
    )
