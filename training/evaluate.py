"""Offline evaluation: what ALS is worth beside popularity, on the newest part of the data.

Each user's newest 20% of items is held out as the target and the rest is the history, the temporal
split that the field uses; the names of the metrics are Amazon Personalize's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.metrics import (
    RatioInterval,
    catalog_coverage,
    hit_matrix,
    mean_reciprocal_rank_at_k,
    ndcg_at_k,
    paired_bootstrap_ratio,
    precision_at_k,
)
from topshelf.ranking import top_k
from training.als import ALSParameters, fit_als
from training.checkpoints import Checkpoints
from training.interactions import Interactions

__all__ = ["Evaluation", "TemporalSplit", "evaluate", "ranking_metrics", "split_by_time"]

DEEPEST = 25
"""Deepest cut-off that Amazon Personalize reports; coverage is that of the first 25 places."""

_CUT_OFFS = (5, 10, 25)


@dataclass(frozen=True, slots=True)
class TemporalSplit:
    """Histories and targets, both in the columns of the whole data.

    Attributes:
        history: Confidences of the older items, float32 CSR (n_users, n_items).
        targets: Ones at the newest items, float32 CSR (n_users, n_items).
        users: Rows that have targets, at most as many as were asked for, ascending.
    """

    history: csr_matrix
    targets: csr_matrix
    users: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome.

    Attributes:
        metrics: By model (``als``, ``popularity``) and Personalize's metric name.
        ndcg_ratio: NDCG@10 of ALS over that of popularity, with its 95% interval.
        users: Number of users evaluated.
    """

    metrics: dict[str, dict[str, float]]
    ndcg_ratio: RatioInterval
    users: int


def split_by_time(
    matrix: csr_matrix,
    last_times: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    share: float = 0.2,
    max_users: int = 20_000,
) -> TemporalSplit:
    """Holds out each user's newest items.

    Args:
        matrix: Confidences, CSR (n_users, n_items).
        last_times: Newest event of each stored entry, (nnz,).
        rng: Chooses the evaluated users where there are more than max_users.
        share: Of a user's items, rounded down: who has fewer than five has no targets.
        max_users: Most users to evaluate; the others' newest items are held out all the same.
    """
    counts = np.diff(matrix.indptr)
    owners = np.repeat(np.arange(matrix.shape[0]), counts)
    order = np.lexsort((matrix.indices, last_times, owners))
    places = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], counts)
    held = np.zeros(len(order), dtype=np.bool_)
    # The small addition keeps 0.2 * 5 from falling below 1.
    n_held = np.floor(counts * share + 1e-9).astype(np.int64)
    held[order] = places >= np.repeat(counts - n_held, counts)
    users = np.flatnonzero(n_held)
    if len(users) > max_users:
        users = np.sort(rng.choice(users, size=max_users, replace=False))
    return TemporalSplit(
        history=_kept(matrix, owners, ~held, matrix.data),
        targets=_kept(matrix, owners, held, np.ones(matrix.nnz, dtype=np.float32)),
        users=users.astype(np.int64),
    )


def ranking_metrics(
    ranked: NDArray[np.int64], targets: csr_matrix, n_items: int
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The metrics that Amazon Personalize reports for a solution version.

    Args:
        ranked: Item rows, best first, (n, 25).
        targets: CSR (n, n_items), each row with at least one entry.
        n_items: Items of the catalogue.

    Returns:
        Metrics by name, and NDCG@10 of each user, (n,).
    """
    hits = hit_matrix(ranked, targets.indptr, targets.indices)
    n_targets = np.diff(targets.indptr)
    metrics = {
        "coverage": catalog_coverage(ranked, n_items, DEEPEST),
        f"mean_reciprocal_rank_at_{DEEPEST}": mean_reciprocal_rank_at_k(hits, DEEPEST),
    }
    for k in _CUT_OFFS:
        gains = ndcg_at_k(hits, n_targets, k)
        metrics[f"normalized_discounted_cumulative_gain_at_{k}"] = float(gains.mean())
        metrics[f"precision_at_{k}"] = float(precision_at_k(hits, k).mean())
    return metrics, ndcg_at_k(hits, n_targets, 10)


def evaluate(
    data: Interactions,
    parameters: ALSParameters,
    on_iteration: Callable[[int], None],
    checkpoints: Checkpoints | None = None,
) -> Evaluation:
    """Trains on the histories and compares ALS with popularity on the targets.

    Args:
        data: All interactions.
        parameters: Of the training; its seed also samples users and draws the bootstrap.
        on_iteration: See training.als.fit_als.
        checkpoints: See training.als.fit_als.

    Raises:
        InvalidInputError: Nobody has five items, or the parameters lead to no usable factors.
    """
    rng = np.random.default_rng(parameters.seed)
    split = split_by_time(data.matrix, data.last_times, rng)
    if len(split.users) == 0:
        raise InvalidInputError(
            "events", "no user has five items, so none can be held out; bring more events"
        )
    factors = fit_als(split.history, parameters, on_iteration, checkpoints)
    history, targets = split.history[split.users], split.targets[split.users]
    viewers = np.bincount(split.history.indices, minlength=len(data.items)).astype(np.float32)
    ones = np.ones((len(split.users), 1), dtype=np.float32)
    models = {
        "als": (factors.users[split.users], factors.items),
        # Popularity is the same ranking problem with one factor: how many viewers an item had.
        "popularity": (ones, viewers[:, None]),
    }
    metrics, gains = {}, {}
    for name, (users, items) in models.items():
        ranked = top_k(users, items, history.indptr, history.indices, DEEPEST)
        metrics[name], gains[name] = ranking_metrics(ranked.rows, targets, len(data.items))
    ratio = paired_bootstrap_ratio(gains["als"], gains["popularity"], rng)
    return Evaluation(metrics, ratio, len(split.users))


def _kept(
    matrix: csr_matrix,
    owners: NDArray[np.int64],
    kept: NDArray[np.bool_],
    values: NDArray[np.float32],
) -> csr_matrix:
    counts = np.bincount(owners[kept], minlength=matrix.shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return csr_matrix((values[kept], matrix.indices[kept], indptr), shape=matrix.shape)
