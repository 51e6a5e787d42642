"""What low ratings are worth: as weak evidence, beside leaving them out.

``python -m tests.benchmarks.weak_signals --data <ml1m.npz>``. Viewers and targets are those of
protocol A (see tests.benchmarks.splits): a random fifth of what a held-out viewer liked. A rating
under 4 is never asked for. Nothing that a viewer rated is ranked, in either model, so that the one
that knows low ratings wins nothing by leaving them out. All parameters are those of protocol A,
which were chosen for likes alone; the weight of a low rating was chosen on validation viewers:
``--validation`` prints the figures of each weight.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tests.benchmarks.protocols import SPLITS
from tests.benchmarks.splits import MIN_LIKES, Asked, MovieLens, strong_split
from topshelf.damping import Damping
from topshelf.metrics import hit_matrix, ndcg_at_k, paired_bootstrap_ratio
from topshelf.ranking import top_k
from topshelf.recency import Recency
from training.als import ALSParameters
from training.evaluate import fit, tastes
from training.selection import Timeline

__all__ = ["Choice", "Told", "WeakSplit", "gains", "main", "weak_split"]

_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of viewers; both matrices hold ones, CSR (n, n_items).

    Attributes:
        liked: Ratings of 4 and 5.
        others: Ratings under 4.
    """

    liked: csr_matrix
    others: csr_matrix


@dataclass(frozen=True, slots=True)
class WeakSplit:
    """Protocol A with all ratings.

    Attributes:
        train: Of the viewers who are not held out.
        validation: Of those for choosing parameters, and what they are asked.
        test: Of those of the test, and what they are asked.
    """

    train: Told
    validation: tuple[Told, csr_matrix]
    test: tuple[Told, csr_matrix]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model.

    Attributes:
        weight: Strength of a rating under 4, where that of a like is 1; 0 leaves them out.
        alpha: Confidence of a like beyond 1.
        als: Of the training.
        damping: Of what is common.
        recency: Gain and restraint of the served taste; the order of ratings is not read.
    """

    weight: float
    alpha: float
    als: ALSParameters
    damping: Damping
    recency: Recency

    def histories(self, told: Told) -> Timeline:
        """Confidences of viewers."""
        strengths = told.liked + told.others * np.float32(self.weight)
        strengths.eliminate_zeros()
        strengths.sort_indices()
        confidences = (1.0 + self.alpha * strengths.data).astype(np.float32)
        return Timeline(strengths.indptr, strengths.indices, confidences, strengths.shape[1])


_LIKES_ONLY = Choice(
    weight=0.0,
    alpha=3.73,
    als=ALSParameters(factors=64, regularization=0.0089, exponent=1.0, iterations=18),
    damping=Damping(items=0.29, users=0.40),
    recency=Recency(gain=0.63, restraint=0.59),
)
_WEAK = replace(_LIKES_ONLY, weight=0.05)
_TRIED = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


def weak_split(
    data: MovieLens, seed: int, *, n_test: int = 1000, n_validation: int = 500
) -> WeakSplit:
    """The viewers and targets of strong_split by the same seed, with their other ratings."""
    split = strong_split(data, seed, n_test=n_test, n_validation=n_validation)
    others = _matrix(data, ~data.likes)
    liked = _matrix(data, data.likes)
    # The first draw of strong_split: who is held out.
    eligible = np.flatnonzero(np.diff(liked.indptr) >= MIN_LIKES)
    known = np.random.default_rng(seed).permutation(eligible)
    test, validation, train = np.split(known, [n_test, n_test + n_validation])

    def asked(viewers: NDArray[np.int64], found: Asked) -> tuple[Told, csr_matrix]:
        if (found.history + found.targets != liked[viewers]).nnz:
            raise ValueError("strong_split drew other viewers")
        return Told(found.history, others[viewers]), found.targets

    return WeakSplit(
        train=Told(split.train, others[train]),
        validation=asked(validation, split.validation),
        test=asked(test, split.test),
    )


def gains(choice: Choice, train: Told, told: Told, targets: csr_matrix) -> NDArray[np.float64]:
    """NDCG@100 of each viewer, (n,); everything that was rated, but the targets, is masked."""
    model = fit(choice.histories(train), choice.als, recency=choice.recency, damping=choice.damping)
    users = tastes(model, choice.histories(told))
    rated = (told.liked + told.others).tocsr()
    ranked = top_k(users, model.factors.items, rated.indptr, rated.indices, _DEPTH).rows
    hits = hit_matrix(ranked, targets.indptr, targets.indices)
    return ndcg_at_k(hits, np.diff(targets.indptr), _DEPTH)


def _matrix(data: MovieLens, rows: NDArray[np.bool_]) -> csr_matrix:
    users, items = data.users[rows], data.items[rows]
    ones = np.ones(len(users), dtype=np.float32)
    return csr_matrix((ones, (users, items)), shape=(data.n_users, data.n_items))


def main(arguments: list[str] | None = None) -> int:
    """Prints both figures and their ratio; 1 unless weak evidence wins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", action="store_true")
    chosen = parser.parse_args(arguments)
    data = MovieLens.read(chosen.data)
    splits = [weak_split(data, seed) for seed in range(SPLITS)]

    def judged(choice: Choice, *, validation: bool) -> NDArray[np.float64]:
        asked = [(s.train, *(s.validation if validation else s.test)) for s in splits]
        found = np.concatenate([gains(choice, *one) for one in asked])
        told = "likes only" if choice.weight == 0 else f"low ratings {choice.weight:g}"
        sys.stdout.write(f"  {told:<20}{found.mean():.4f}\n")
        sys.stdout.flush()
        return found

    sys.stdout.write(f"NDCG@100, f=64, mean of {SPLITS} splits, all that was rated masked\n")
    if chosen.validation:
        for weight in _TRIED:
            judged(replace(_LIKES_ONLY, weight=weight), validation=True)
        return 0
    plain, weak = (judged(choice, validation=False) for choice in (_LIKES_ONLY, _WEAK))
    ratio = paired_bootstrap_ratio(weak, plain, np.random.default_rng(0))
    sys.stdout.write(
        f"  ratio {ratio.ratio:.4f} (95% interval {ratio.low:.4f} to {ratio.high:.4f})\n"
    )
    return 0 if ratio.low > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
