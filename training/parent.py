"""The last version beside the new one, by the same questions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import IntegrityError, NotFoundError
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from topshelf.ports import FactorStore
from topshelf.ranking import NO_ITEM
from topshelf.refresh import LiveModel, load_model
from training.als import fold_in_users
from training.interactions import Interactions
from training.ranker import top_k
from training.selection import TemporalSplit, Timeline

__all__ = ["Parent", "rank_parent", "read_parent", "share_known"]


@dataclass(frozen=True, slots=True)
class Parent:
    """A version that can be asked.

    Attributes:
        model: Its item factors and what a taste is computed with.
        newest_event: Newest event of its training, UTC milliseconds.
    """

    model: LiveModel
    newest_event: int


def read_parent(artefacts: FactorStore, version: str) -> tuple[Parent | None, str]:
    """A version out of its artefact.

    Returns:
        The version; or None, and why it cannot be compared with.

    Raises:
        UnavailableError: The store does not answer.
    """
    try:
        manifest = parse_manifest(artefacts.read(version, MANIFEST_NAME), version)
        return Parent(load_model(artefacts, version), manifest.data.newest_event), ""
    except NotFoundError:
        return None, "its artefact is not there any more"
    except IntegrityError as error:
        return None, f"its artefact cannot be read: {error}"


def rank_parent(
    parent: Parent, names: tuple[str, ...], known: Timeline, k: int
) -> NDArray[np.int64] | None:
    """The best k items of viewers by the parent's item factors, without those in the history.

    Args:
        parent: The version.
        names: Item ids of this data, in the order of their rows. Those that the parent does not
            know are in none of its lists and nothing in its tastes.
        known: Histories, in this data's rows.
        k: Length of a ranking.

    Returns:
        Rows of this data, (n, k); None if the parent knows no item of it.
    """
    model = parent.model
    row_of = {str(name): row for row, name in enumerate(model.items.ids)}
    theirs = np.array([row_of.get(name, NO_ITEM) for name in names], dtype=np.int64)
    ours = np.flatnonzero(theirs != NO_ITEM)
    if not len(ours):
        return None
    kept = known.part(theirs[known.rows] != NO_ITEM)
    told = Timeline(kept.indptr, theirs[kept.rows], kept.confidences, len(model.item_factors))
    weighed = told.matrix(model.weighing.served(told.rows, told.confidences, told.indptr))
    if model.weights.unclicked and (unclicked := known.unclicked()) is not None:
        weighed = (weighed + _in_rows_of(model, theirs, unclicked)).tocsr()
    users = fold_in_users(model.item_factors, model.gram, weighed, model.regularization)
    column_of = np.full(len(names), NO_ITEM, dtype=np.int64)
    column_of[ours] = np.arange(len(ours))
    seen = column_of[kept.rows]
    ranked = top_k(users, model.item_factors[theirs[ours]], kept.indptr, seen, k).rows
    return np.where(ranked == NO_ITEM, NO_ITEM, ours[ranked])


def _in_rows_of(model: LiveModel, theirs: NDArray[np.int64], unclicked: csr_matrix) -> csr_matrix:
    """What viewers never took, in the model's rows and with its own confidence."""
    pairs = unclicked.tocoo()
    rows = theirs[pairs.col]
    left = rows != NO_ITEM
    confidence = 1 + model.weights.alpha * model.weights.unclicked
    values = np.full(int(left.sum()), -confidence, dtype=np.float32)
    shape = (unclicked.shape[0], len(model.item_factors))
    return csr_matrix((values, (pairs.row[left], rows[left])), shape=shape)


def share_known(parent: Parent, data: Interactions, split: TemporalSplit) -> float:
    """Share of the targets that are not newer than the newest event of the parent's training.

    They, or what came with them, may have taught the parent what is asked of it.
    """
    times = data.matrix.__class__(
        (data.last_times.astype(np.float64), data.matrix.indices, data.matrix.indptr),
        shape=data.matrix.shape,
    )[split.users]
    asked = times.multiply(split.targets).tocsr()
    return float((asked.data <= parent.newest_event).mean())
