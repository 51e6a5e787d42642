"""MovieLens 1M, split as the field splits it.

Protocol A, strong generalisation: Liang et al., "Variational Autoencoders for Collaborative
Filtering" (WWW 2018), section 4. Whole viewers are held out; a model meets them with 80% of what
they liked and is asked for the rest.

Protocol B, temporal: the newest fifth of each viewer's rows is asked for, and all else is known;
with a gap, the tenth before it is neither.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = ["Asked", "MovieLens", "StrongSplit", "strong_split", "temporal_split"]

MIN_LIKES = 5


@dataclass(frozen=True, slots=True)
class MovieLens:
    """Rows in each viewer's order of time.

    Attributes:
        users: Viewer rows, ascending, (n,).
        items: Item rows, (n,).
        likes: Whether the rating is 4 or 5, (n,).
        n_users: Viewers.
        n_items: Items of the catalogue.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    likes: NDArray[np.bool_]
    n_users: int
    n_items: int

    @classmethod
    def read(cls, path: Path) -> "MovieLens":
        """Reads ml1m.npz; viewers and items are numbered by their ascending ids."""
        with np.load(path) as file:
            users, user_rows = np.unique(file["user"], return_inverse=True)
            items, item_rows = np.unique(file["item"], return_inverse=True)
            order = np.argsort(user_rows, kind="stable")
            likes = file["like"][order]
        return cls(user_rows[order], item_rows[order], likes, len(users), len(items))


@dataclass(frozen=True, slots=True)
class Asked:
    """Viewers of whom something is asked.

    Attributes:
        history: What a model is told, ones, CSR (n, n_items).
        age: For each stored entry of history how many of the viewer's rows are newer, (nnz,).
        targets: What it is asked for, ones, CSR (n, n_items); no row is empty.
    """

    history: csr_matrix
    age: NDArray[np.int64]
    targets: csr_matrix


@dataclass(frozen=True, slots=True)
class StrongSplit:
    """Protocol A. The item rows are those of the whole data.

    Attributes:
        train: Of the viewers who are not held out, ones, CSR.
        validation: 500 viewers, for choosing parameters.
        test: 1,000 viewers.
    """

    train: csr_matrix
    validation: Asked
    test: Asked


def strong_split(
    data: MovieLens, seed: int, *, n_test: int = 1000, n_validation: int = 500
) -> StrongSplit:
    """Holds out viewers, and a random fifth of what each of them liked."""
    rng = np.random.default_rng(seed)
    users, items = data.users[data.likes], data.items[data.likes]
    counts = np.bincount(users, minlength=data.n_users)
    known = rng.permutation(np.flatnonzero(counts >= MIN_LIKES))
    test, validation, train = np.split(known, [n_test, n_test + n_validation])
    rows = np.isin(users, train)
    return StrongSplit(
        train=_matrix(users[rows], items[rows], train, data.n_items)[0],
        validation=_asked_at_random(users, items, validation, data.n_items, rng),
        test=_asked_at_random(users, items, test, data.n_items, rng),
    )


def temporal_split(data: MovieLens, *, gap: float = 0.0, hidden: float = 0.0) -> Asked:
    """Protocol B.

    Args:
        data: All rows count, liked or not.
        gap: Share of a viewer's rows between history and targets that is left out.
        hidden: Share of a viewer's newest rows that is left out before all else: parameters are
            chosen with 0.2, so that the rows of the test take no part.
    """
    counts = np.bincount(data.users, minlength=data.n_users)
    firsts = np.cumsum(counts) - counts
    kept = counts - _share(counts, hidden)
    targets = kept - _share(kept, 0.2)
    history = targets - _share(kept, gap)
    places = np.arange(len(data.users)) - firsts[data.users]
    told = places < history[data.users]
    asked = (places >= targets[data.users]) & (places < kept[data.users])
    everybody = np.arange(data.n_users)
    matrix, order = _matrix(data.users[told], data.items[told], everybody, data.n_items)
    age = (history[data.users] - 1 - places)[told][order]
    wanted = _matrix(data.users[asked], data.items[asked], everybody, data.n_items)[0]
    return Asked(matrix, age, wanted)


def _share(counts: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    # The small addition keeps 0.2 * 5 from falling below 1.
    return np.floor(counts * share + 1e-9).astype(np.int64)


def _asked_at_random(
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    chosen: NDArray[np.int64],
    n_items: int,
    rng: np.random.Generator,
) -> Asked:
    rows = np.flatnonzero(np.isin(users, chosen))
    rows = rows[np.lexsort((rng.random(len(rows)), users[rows]))]
    counts = np.bincount(users[rows], minlength=int(chosen.max()) + 1)
    places = np.arange(len(rows)) - (np.cumsum(counts) - counts)[users[rows]]
    asked = places < np.maximum(1, _share(counts, 0.2))[users[rows]]
    told = rows[~asked]
    history, _ = _matrix(users[told], items[told], chosen, n_items)
    targets, _ = _matrix(users[rows[asked]], items[rows[asked]], chosen, n_items)
    return Asked(history, np.zeros(history.nnz, dtype=np.int64), targets)


def _matrix(
    users: NDArray[np.int64], items: NDArray[np.int64], chosen: NDArray[np.int64], n_items: int
) -> tuple[csr_matrix, NDArray[np.int64]]:
    """The rows of the chosen viewers, in their order, and where each stored entry came from."""
    row_of = np.full(int(max(users.max(), chosen.max())) + 1, -1)
    row_of[chosen] = np.arange(len(chosen))
    rows = row_of[users]
    order = np.lexsort((items, rows))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(chosen)))])
    ones = np.ones(len(order), dtype=np.float32)
    shape = (len(chosen), n_items)
    matrix = csr_matrix((ones, items[order].astype(np.int32), indptr.astype(np.int32)), shape=shape)
    return matrix, order
