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

from topshelf.damping import Damping
from topshelf.errors import ConflictError, IntegrityError
from topshelf.events import Interaction
from topshelf.factors import Regularization, explain, fold_in, gram_matrix
from topshelf.features import ConfidenceWeights, combine_evidence, confidences_of
from topshelf.history import bound_history, merge_history, with_unclicked
from topshelf.ids import IdMap, ItemId, ItemRow
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from topshelf.ports import FactorStore, ModelRegistry, TopKStore
from topshelf.ranking import NO_ITEM, top_k
from topshelf.recency import Recency
from topshelf.returning import is_return, returned_confidences
from topshelf.topk import (
    TOP_K,
    Source,
    TopKList,
    pack_history,
    pack_rows,
    pack_scores,
    unpack_history,
    unpack_rows,
)
from topshelf.weighing import Weighing

__all__ = ["ListRefresh", "LiveModel", "RefreshOutcome", "load_model", "ready_list"]

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
        regularization: Of the served taste.
        weights: The confidence weights of the training.
        weighing: Of histories, as the training's lists were made.
    """

    version: str
    items: IdMap[ItemId, ItemRow]
    item_factors: NDArray[np.float32]
    gram: NDArray[np.float64]
    regularization: Regularization
    weights: ConfidenceWeights
    weighing: Weighing


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
            self._model = load_model(self._artefacts, champion.version)
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
        rows = ((model.items.row(ItemId(e.item_id)), e) for e in events)
        known = [(row, e) for row, e in rows if row is not None]
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
            new = _list_of(model, history, generated_at, old)
            if self._lists.replace(model.version, user_id, old, new):
                return "refreshed"
        raise ConflictError(f"the list of a viewer in {model.version} keeps changing; try again")


def load_model(artefacts: FactorStore, version: str) -> LiveModel:
    """What a refresh needs of a version, out of its artefact.

    Raises:
        IntegrityError: The artefact is damaged.
        NotFoundError: A file of it is not there.
        UnavailableError: The store does not answer.
    """
    parameters = parse_manifest(artefacts.read(version, MANIFEST_NAME), version).parameters
    items = IdMap[ItemId, ItemRow].from_json(artefacts.read(version, "item_ids.json"))
    try:
        item_factors = _array(artefacts, version, "item_factors.npy")
        als = parameters["als"]
        # Models from before regularization was scaled name no exponent: theirs is 0. Those from
        # before histories were weighed name no weighing: theirs is none.
        trained = Regularization(float(als["regularization"]), float(als.get("exponent", 0.0)))
        weights = ConfidenceWeights(**parameters["confidence"])
        recency = Recency(**parameters.get("recency", {}))
        damping = Damping(**parameters.get("damping", {}))
        strengths = _array(artefacts, version, "item_strengths.npy") if damping.items else None
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the artefact of {version} is damaged: {error}") from error
    if item_factors.ndim != 2 or len(item_factors) != len(items):
        raise IntegrityError(f"{version} has {len(items)} item ids for other factors")
    if strengths is not None and strengths.shape != (len(items),):
        raise IntegrityError(f"{version} has {len(items)} item ids for other item strengths")
    return LiveModel(
        version=version,
        items=items,
        item_factors=item_factors,
        gram=gram_matrix(item_factors),
        regularization=recency.regularization(trained),
        weights=weights,
        weighing=Weighing(recency=recency, damping=damping, item_strengths=strengths),
    )


def _array(artefacts: FactorStore, version: str, name: str) -> NDArray[np.float32]:
    return np.asarray(np.load(io.BytesIO(artefacts.read(version, name)), allow_pickle=False))


def ready_list(
    items: IdMap[ItemId, ItemRow],
    ranked: tuple[NDArray[np.int64], NDArray[np.float32]],
    history: tuple[NDArray[np.int64], NDArray[np.float32]],
    because: NDArray[np.int64],
    *,
    source: Source,
    generated_at: int,
    leniency: float | None = None,
    unclicked: NDArray[np.integer] | None = None,
) -> TopKList:
    """Packs a ranking into a list: how both the training and a refresh write one.

    Args:
        items: Item ids and their rows.
        ranked: Item rows and scores, best first, (k,) each, without NO_ITEM.
        history: Item rows, oldest first, and confidences, not weighed, (n,) each.
        because: For each ranked item the history row that explains it, (k,).
        source: Who made it.
        generated_at: Newest event's time it knows, UTC milliseconds.
        leniency: Of the viewer, as the training found it; None where it counts for nothing.
        unclicked: Rows of what the viewer was often shown and never took; None likewise.
    """
    rows, scores = ranked
    return TopKList(
        items=" ".join(items.names(rows)),
        scores=pack_scores(scores.tolist()),
        history=pack_history(history[0].tolist(), history[1].tolist()),
        because=pack_rows(because.tolist()),
        source=source,
        generated_at=generated_at,
        leniency=leniency,
        unclicked=None if unclicked is None else pack_rows(unclicked.tolist()),
    )


def _continued(
    model: LiveModel, old: TopKList, known: Sequence[tuple[ItemRow, Interaction]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows, confidences = unpack_history(old.history)
    own = np.array(rows, dtype=np.int64), np.array(confidences, dtype=np.float32)
    events = [event for _, event in known]
    items = np.array([row for row, _ in known], dtype=np.int64)
    timestamps = np.array([event.timestamp for event in events], dtype=np.int64)
    types = np.array([event.event_type for event in events], dtype=np.str_)
    single = confidences_of(events, model.weights, old.leniency or 0.0)
    until = old.generated_at
    if model.weights.rewatched:
        held = np.isin(items, own[0])
        again = is_return(items, timestamps, types == "watch", held=held, known_until=until)
        single = np.where(again, returned_confidences(single, model.weights), single)
    # What came before, once more perhaps, by itself: it must not take part in what replaces.
    for some in (timestamps <= until, timestamps > until):
        evidence = combine_evidence(
            items[some], timestamps[some], types[some] == "rating", single[some]
        )
        own = merge_history(*own, evidence, until)
    return bound_history(*own)


def _list_of(
    model: LiveModel,
    history: tuple[NDArray[np.int64], NDArray[np.float32]],
    generated_at: int,
    old: TopKList,
) -> TopKList:
    seen = rows = history[0]
    weighed = model.weighing.served(*history)
    unclicked = None
    if old.unclicked is not None:
        left = np.array(unpack_rows(old.unclicked), dtype=np.int64)
        unclicked = left[~np.isin(left, seen)]
        rows, weighed = with_unclicked(rows, weighed, unclicked, model.weights)
    taste = fold_in(model.item_factors, model.gram, rows, weighed, model.regularization)
    best = top_k(taste[None, :], model.item_factors, np.array([0, len(seen)]), seen, TOP_K)
    left = best.rows[0] != NO_ITEM
    ranked = best.rows[0][left], best.scores[0][left]
    because = explain(
        model.item_factors,
        model.gram,
        rows,
        weighed,
        regularization=model.regularization,
        recommended=ranked[0],
    )
    return ready_list(
        model.items,
        ranked,
        history,
        because,
        source="refresh",
        generated_at=generated_at,
        leniency=old.leniency,
        unclicked=unclicked,
    )
