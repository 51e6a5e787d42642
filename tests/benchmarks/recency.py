"""What it is worth that a served taste leans on the end of a history: ``make bench-recency``.

Judged on the validation of each MovieLens set: the newest fifth of each history is the test's and
left out, the newest fifth of what is left is asked for. Once right after what is known, and once
with a gap: the newest eighth of what is known is taken away, and not masked either. What helps then
is no order within one sitting.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from tests.benchmarks.quality import load_movielens, rated
from topshelf.damping import Damping
from topshelf.features import ConfidenceWeights
from topshelf.metrics import hit_matrix, ndcg_at_k
from topshelf.recency import Recency
from training.als import ALSParameters
from training.evaluate import Model, fit, rank
from training.interactions import build_interactions
from training.parameters import TrainingParameters
from training.selection import TemporalSplit, Timeline, split_by_time, timeline_of, weighing_for

__all__ = ["TRIED", "main", "ndcg", "sets"]

_DEPTH = 10
_GAP = 8

TRIED = {
    "all alike": Recency(),
    "half-life 3, gain 4": Recency(half_life=3.0, gain=4.0),
    "half-life 5, gain 1": Recency(half_life=5.0),
    "half-life 5, gain 4": Recency(half_life=5.0, gain=4.0),
    "half-life 10, gain 4": Recency(half_life=10.0, gain=4.0),
    "half-life 20, gain 4": Recency(half_life=20.0, gain=4.0),
}


def sets(folder: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """The MovieLens sets that are there, as events: ml-latest-small, ml100k.npz, ml1m.npz."""
    if (folder / "ml-latest-small").is_dir():
        yield "latest-small", load_movielens(folder / "ml-latest-small")
    if (folder / "ml100k.npz").is_file():
        with np.load(folder / "ml100k.npz") as file:
            yield "100k", rated(file["user"], file["item"], file["rating"], file["ts"])
    if (folder / "ml1m.npz").is_file():
        with np.load(folder / "ml1m.npz") as file:
            # The order is known, the times are not; of ratings, whether they are 4 or more.
            stars = np.where(file["like"], 4.5, 2.0)
            yield "1M", rated(file["user"], file["item"], stars, np.arange(len(stars)))


def ndcg(model: Model, known: Timeline, split: TemporalSplit, recency: Recency) -> float:
    """NDCG@10 of the viewers who are asked, their tastes folded in with this recency."""
    weighing = weighing_for(split.history, recency, Damping())
    ranked = rank(Model(model.factors, weighing), known, _DEPTH).rows
    hits = hit_matrix(ranked, split.targets.indptr, split.targets.indices)
    return float(ndcg_at_k(hits, np.diff(split.targets.indptr), _DEPTH).mean())


def main(arguments: list[str] | None = None) -> int:
    """Prints a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    folder = parser.parse_args(arguments).data
    found = list(sets(folder))
    if not found:
        parser.error(f"{folder} has neither ml-latest-small nor ml100k.npz nor ml1m.npz")
    chosen = TrainingParameters().recency
    for name, events in found:
        timeline = timeline_of(build_interactions(events, ConfidenceWeights()))
        rng = np.random.default_rng(ALSParameters().seed)
        split = split_by_time(split_by_time(timeline, rng).history, rng)
        # Learned with all alike: recency is of what is served, and not of what is learned.
        model = fit(split.history, ALSParameters(), recency=Recency(), damping=Damping())
        known = split.known()
        lengths = known.lengths()
        cut = known.first(lengths - lengths // _GAP)
        sys.stdout.write(f"{name:<22} NDCG@10   with a gap   ({len(split.users):,} viewers)\n")
        for told, recency in TRIED.items():
            at_once, later = (ndcg(model, one, split, recency) for one in (known, cut))
            mark = "  the default" if recency == chosen else ""
            sys.stdout.write(f"{told:<22} {at_once:.4f}    {later:.4f}{mark}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
