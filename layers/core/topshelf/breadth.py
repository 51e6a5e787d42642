"""What rankings are like besides being right: how new, how varied, and how fairly spread.

Castells, Hurley and Vargas, "Novelty and Diversity in Recommender Systems" (Recommender Systems
Handbook, 2nd edition, 2015) define what is measured here. Rankings are as in topshelf.metrics: item
rows, best first, negative where a ranking is shorter.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "decile_of",
    "exposure_gini",
    "found_targets",
    "intra_list_diversity",
    "mean_by_decile",
    "novelty",
    "self_information",
]

_DECILES = 10


def self_information(viewers: NDArray[np.integer], n_users: int) -> NDArray[np.float64]:
    """How surprising it is that somebody has seen an item: -log2 of the share that has.

    Args:
        viewers: Of each item, (n_items,); 0 counts as 1, for nobody is infinitely surprised.
        n_users: Viewers in all.

    Returns:
        Bits, (n_items,); 0 for what everybody has seen.
    """
    information: NDArray[np.float64] = np.log2(n_users / np.maximum(viewers, 1))
    return information


def novelty(ranked: NDArray[np.integer], information: NDArray[np.float64], k: int) -> float:
    """Mean self-information of what stands at the first k places, in bits.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems" (PNAS
    2010). Places count alike, whoever's list they are in; 0 where there is none.

    Args:
        ranked: (n, at least k).
        information: See self_information, (n_items,).
        k: Cut-off.
    """
    head = ranked[:, :k]
    shown = head[head >= 0]
    return float(information[shown].mean()) if len(shown) else 0.0


def intra_list_diversity(
    ranked: NDArray[np.integer], vectors: NDArray[np.floating], k: int
) -> float:
    """1 - the mean cosine of two items of the same list, mean over lists of two items or more.

    Ziegler et al., "Improving recommendation lists through topic diversification" (WWW 2005).

    Args:
        ranked: (n, at least k).
        vectors: What an item is like: its factors or its genres, (n_items, d). An item whose
            vector is zero is like nothing.
        k: Cut-off.

    Returns:
        0 where all items of each list are alike (or no list has two), 1 where none has anything
        in common; up to 2 with factors that point opposite ways.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1.0)
    head = ranked[:, :k]
    shown = head >= 0
    counts = shown.sum(axis=1)
    several = counts > 1
    if not several.any():
        return 0.0
    # All pairs at once: the square of a sum is the squares and each product twice. A place at a
    # time, so that memory holds one vector a list.
    total = np.zeros((len(head), vectors.shape[1]))
    squares = np.zeros(len(head))
    for rows, there in zip(head.T, shown.T, strict=True):
        own = unit[rows] * there[:, None]
        total += own
        squares += (own**2).sum(axis=1)
    alike = (total**2).sum(axis=1) - squares
    cosines = alike[several] / (counts[several] * (counts[several] - 1))
    return float(1.0 - cosines.mean())


def exposure_gini(ranked: NDArray[np.integer], n_items: int, k: int) -> float:
    """Gini coefficient of how often each item of the catalogue is among the first k places.

    Args:
        ranked: (n, at least k).
        n_items: Items of the catalogue; those never shown count, with 0.
        k: Cut-off.

    Returns:
        0 where all are shown alike (or none at all), near 1 where one has all the places.
    """
    head = ranked[:, :k]
    shown = np.sort(np.bincount(head[head >= 0], minlength=n_items))
    total = int(shown.sum())
    if total == 0:
        return 0.0
    places = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float((places * shown).sum() / (n_items * total))


def found_targets(
    ranked: NDArray[np.integer],
    target_indptr: NDArray[np.integer],
    target_indices: NDArray[np.integer],
    k: int,
) -> NDArray[np.bool_]:
    """Which targets are among the first k places of their viewer's ranking.

    Args:
        ranked: (n, at least k).
        target_indptr: CSR row pointers of the targets, (n + 1,).
        target_indices: CSR column indices: item rows, (nnz,).
        k: Cut-off.

    Returns:
        (nnz,).
    """
    head = ranked[:, :k]
    width = int(max(head.max(initial=-1), target_indices.max(initial=-1))) + 1
    owners = np.repeat(np.arange(len(head)), np.diff(target_indptr))
    places = np.arange(len(head))[:, None] * width + head
    found: NDArray[np.bool_] = np.isin(owners * width + target_indices, places[head >= 0])
    return found


def decile_of(keys: NDArray[np.integer]) -> NDArray[np.int64]:
    """Which tenth of all an entry belongs to: 0 for the smallest keys, 9 for the greatest.

    Equal keys are in the same tenth, that of their middle, so tenths may differ in size.

    Args:
        keys: Such as the length of a history, (n,).
    """
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    tenths: NDArray[np.int64] = np.floor(_DECILES * middles / max(len(keys), 1)).astype(np.int64)
    return tenths[inverse]


def mean_by_decile(
    values: NDArray[np.floating] | NDArray[np.bool_], keys: NDArray[np.integer]
) -> list[tuple[int, int, int, int, float]]:
    """The mean of values in each tenth of keys.

    Args:
        values: (n,).
        keys: (n,), see decile_of.

    Returns:
        For each tenth that has entries, ascending: its number 1..10, the smallest and greatest key
        in it, how many entries, and the mean of their values.
    """
    tenths = decile_of(keys)
    rows = []
    for tenth in range(_DECILES):
        own = tenths == tenth
        if own.any():
            inside = keys[own]
            rows.append(
                (
                    tenth + 1,
                    int(inside.min()),
                    int(inside.max()),
                    int(own.sum()),
                    float(values[own].mean()),
                )
            )
    return rows
