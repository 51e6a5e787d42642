"""Quality by the field's protocols, beside baselines in the same run.

``python -m tests.benchmarks.protocols --data <ml1m.npz>``. Protocols A and B: see
tests.benchmarks.splits. Parameters were chosen on validation viewers (A) and on what was the newest
fifth before the test's rows (B); ``--validation`` prints the figures they were chosen by.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from tests.benchmarks.baselines import (
    Als,
    Factors,
    bm25,
    cosine,
    ease,
    implicit_als,
    irspack_als,
    popularity,
)
from tests.benchmarks.splits import Asked, MovieLens, strong_split, temporal_split
from topshelf.damping import Damping
from topshelf.metrics import catalog_coverage, hit_matrix, ndcg_at_k, recall_at_k
from topshelf.ranking import top_k
from topshelf.recency import Recency
from training.als import ALSParameters
from training.parameters import TrainingParameters

__all__ = ["main", "strong_figures", "temporal_figures"]

type Model = Callable[[csr_matrix, Asked], Factors]

SPLITS = 3


def _scaled(factors: int, regularization: float, iterations: int) -> ALSParameters:
    return ALSParameters(
        factors=factors, regularization=regularization, exponent=1.0, iterations=iterations
    )


_BASELINES: dict[str, Model] = {
    "popularity": popularity,
    "item cosine": cosine,
    "BM25": bm25,
    "implicit, defaults": partial(implicit_als, factors=100, regularization=0.01, alpha=1.0),
    "EASE": ease,
}
_STRONG: dict[str, Model] = _BASELINES | {
    "implicit, tuned": partial(implicit_als, factors=256, regularization=60.0, alpha=5.0),
    "irspack, tuned": partial(
        irspack_als, factors=256, regularization=0.0103, alpha0=0.22, epochs=16
    ),
    "topshelf, defaults": Als(parameters=ALSParameters()),
    "topshelf, f=64": Als(
        parameters=_scaled(64, 0.0089, 18),
        alpha=3.73,
        damping=Damping(items=0.29, users=0.40),
        recency=Recency(gain=0.63, restraint=0.59),
    ),
    "topshelf, f=256": Als(
        parameters=_scaled(256, 0.0097, 11),
        alpha=3.33,
        damping=Damping(items=0.35, users=0.23),
        recency=Recency(gain=0.74, restraint=0.68),
    ),
}
_TEMPORAL: dict[str, Model] = _BASELINES | {
    "topshelf, defaults": Als(
        parameters=TrainingParameters().als, recency=TrainingParameters().recency
    ),
    "topshelf, f=256, recency": Als(
        parameters=_scaled(256, 0.0044, 11),
        alpha=6.5,
        damping=Damping(items=0.10, users=0.02),
        recency=Recency(half_life=1.13, gain=73.0, restraint=29.0),
    ),
}
_TEMPORAL_GAP: dict[str, Model] = _BASELINES | {
    "topshelf, defaults": Als(
        parameters=TrainingParameters().als, recency=TrainingParameters().recency
    ),
    "topshelf, f=256, recency": Als(
        parameters=_scaled(256, 0.0116, 6),
        alpha=19.0,
        recency=Recency(half_life=1.5),
    ),
}


def strong_figures(factors: Factors, asked: Asked) -> dict[str, float]:
    """Protocol A's metrics over the whole catalogue, the history masked."""
    history, n_targets = asked.history, np.diff(asked.targets.indptr)
    ranked = top_k(*factors, history.indptr, history.indices, 100).rows
    hits = hit_matrix(ranked, asked.targets.indptr, asked.targets.indices)
    return {
        "Recall@20": float(recall_at_k(hits, n_targets, 20).mean()),
        "Recall@50": float(recall_at_k(hits, n_targets, 50).mean()),
        "NDCG@100": float(ndcg_at_k(hits, n_targets, 100).mean()),
    }


def temporal_figures(factors: Factors, asked: Asked) -> dict[str, float]:
    """Protocol B's metrics over the whole catalogue, the history masked."""
    history, n_targets = asked.history, np.diff(asked.targets.indptr)
    ranked = top_k(*factors, history.indptr, history.indices, 10).rows
    hits = hit_matrix(ranked, asked.targets.indptr, asked.targets.indices)
    return {
        "NDCG@10": float(ndcg_at_k(hits, n_targets, 10).mean()),
        "Recall@10": float(recall_at_k(hits, n_targets, 10).mean()),
        "coverage@10": catalog_coverage(ranked, history.shape[1], 10),
    }


def _print(title: str, models: Mapping[str, Model], run: Callable[[Model], list[float]]) -> None:
    sys.stdout.write(f"\n{title}\n")
    for name, model in models.items():
        began = time.process_time()
        figures = "  ".join(f"{value:.4f}" for value in run(model))
        sys.stdout.write(f"  {name:<26}{figures}  {time.process_time() - began:6.1f} s of CPU\n")
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--only", default="", help="models whose name holds this")
    parser.add_argument("--protocol", choices=("A", "B"), default=None)
    chosen = parser.parse_args(arguments)
    data = MovieLens.read(chosen.data)

    def named(models: Mapping[str, Model]) -> dict[str, Model]:
        return {name: model for name, model in models.items() if chosen.only in name}

    if chosen.protocol != "B":
        splits = [strong_split(data, seed) for seed in range(SPLITS)]

        def strong(model: Model) -> list[float]:
            rows = []
            for split in splits:
                asked = split.validation if chosen.validation else split.test
                rows.append(list(strong_figures(model(split.train, asked), asked).values()))
            return list(np.mean(rows, axis=0))

        title = f"A: Recall@20, Recall@50, NDCG@100, mean of {SPLITS} splits"
        _print(title, named(_STRONG), strong)
    if chosen.protocol != "A":
        for gap, models in ((0.0, _TEMPORAL), (0.1, _TEMPORAL_GAP)):
            asked = temporal_split(data, gap=gap, hidden=0.2 if chosen.validation else 0.0)

            def temporal(model: Model, asked: Asked = asked) -> list[float]:
                return list(temporal_figures(model(asked.history, asked), asked).values())

            title = f"B: NDCG@10, Recall@10, coverage@10, gap {gap:.0%}"
            _print(title, named(models), temporal)
    return 0


if __name__ == "__main__":
    sys.exit(main())
