"""All that a training found out about its model: for people a report, for programs a file."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Protocol

from topshelf.metrics import RatioInterval
from training.judging import NDCG, Judged
from training.shrinkage import ShrinkageChoice
from training.stages import Reranking
from training.study import Choice, SeedFigures, StudyOptions

__all__ = ["ALS_SAMPLE", "LABELS", "AblationFigures", "Findings", "figures_of", "metrics_of"]

ALS_SAMPLE = "als_sample"
"""This model where the simple models were fitted on a sample of the viewers, and it with them."""

LABELS = {
    "als": "this model",
    ALS_SAMPLE: "this model, on a sample",
    "parent": "last version",
    "popularity": "popularity",
    "item_cosine": "item-item cosine",
    "bm25": "BM25",
    "ease": "EASE",
}
"""Models as people call them, in the order of the tables."""


class AblationFigures(Protocol):
    """What leaving one thing out costs; training.ablation makes them."""

    @property
    def name(self) -> str:
        """What was left out."""

    @property
    def ndcg(self) -> float:
        """NDCG@10 without it."""

    @property
    def ratio(self) -> RatioInterval:
        """NDCG@10 without it over that with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a report tells.

    Attributes:
        models: By name as in LABELS; ``als`` and ``popularity`` at least.
        ratio: NDCG@10 of ALS over that of popularity.
        asked: Viewers of the test.
        notes: What must be known of a model's figures, by name.
        seeds: Of ALS, by metric; empty with one seed.
        sampled: Whether the seeds' trainings were of a sample of the viewers.
        choice: What the validation said.
        reranking: Which stages are on.
        ablations: What leaving things out costs; empty where nobody tried.
        shrinkage: How it was chosen; None where it was given.
        diversity_of: What tells how alike two items are: ``genres`` or ``factors``.
        users: Viewers of the data.
        items: Items of the data.
        interactions: Pairs of viewer and item.
        newest_event: UTC milliseconds.
        parameters: As the manifest keeps them.
        study: How much was studied.
    """

    models: Mapping[str, Judged]
    ratio: RatioInterval
    asked: int
    notes: Mapping[str, str]
    seeds: Mapping[str, SeedFigures]
    sampled: bool
    choice: Choice
    reranking: Reranking
    ablations: Sequence[AblationFigures] = ()
    shrinkage: ShrinkageChoice | None = None
    diversity_of: str
    users: int
    items: int
    interactions: int
    newest_event: int
    parameters: Mapping[str, Any]
    study: StudyOptions


def metrics_of(findings: Findings) -> dict[str, dict[str, float]]:
    """The metrics of every model, as the manifest and metrics.json keep them."""
    ratio = findings.ratio
    interval = {NDCG: ratio.ratio, f"{NDCG}_low": ratio.low, f"{NDCG}_high": ratio.high}
    # JSON has no infinity: against a popularity that hits nothing there is no ratio to tell.
    told = interval if all(map(isfinite, interval.values())) else {}
    metrics = {name: judged.metrics for name, judged in findings.models.items()}
    return {**metrics, "als_to_popularity": told}


def figures_of(findings: Findings) -> dict[str, Any]:
    """The findings beside the metrics of metrics.json, for programs."""
    deciles = {
        name: {
            "by_activity": [asdict(one) for one in judged.by_activity],
            "by_popularity": [asdict(one) for one in judged.by_popularity],
        }
        for name, judged in findings.models.items()
    }
    return {
        "deciles": deciles,
        "notes": dict(findings.notes),
        "seeds": {name: asdict(found) for name, found in findings.seeds.items()},
        "seeds_of_a_sample": findings.sampled,
        "shrinkage": None if findings.shrinkage is None else asdict(findings.shrinkage),
        "validation": {
            "users": findings.choice.users,
            "curve": [list(point) for point in findings.choice.curve],
            "without_a_stage": findings.choice.plain,
            "stages": [
                {
                    "reranking": asdict(trial.reranking),
                    "metrics": trial.metrics,
                    "ndcg_ratio": _told(trial.ndcg_ratio),
                    "wins": trial.wins,
                }
                for trial in findings.choice.trials
            ],
        },
        "ablations": [
            {"name": one.name, "ndcg": one.ndcg, "ratio": _told(one.ratio)}
            for one in findings.ablations
        ],
        "diversity_of": findings.diversity_of,
    }


def _told(ratio: RatioInterval) -> dict[str, float | None]:
    # JSON has no infinity: beside what hits nothing there is no ratio to tell.
    return {name: value if isfinite(value) else None for name, value in asdict(ratio).items()}
