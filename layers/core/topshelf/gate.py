"""The gate of a release: is a model good enough, by its own offline metrics?

Each model was measured on the newest fifth of its own data, so the figures of two models are not of
one test: the tolerance leaves room for that. It stops a model that learned next to nothing, not one
that is a little worse; for that, compare models by an experiment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Verdict", "judge"]

_NDCG = "normalized_discounted_cumulative_gain_at_10"
# A model exactly at the limit passes, whatever the last bit of the division says.
_ROUNDING = 1e-9

Metrics = Mapping[str, Mapping[str, float]]
"""Of a manifest: by model (``als``, ``popularity``) and name."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Attributes:
        refusal: Why the model does not pass; empty where it does.
        figures: What was compared, by name, for the record.
    """

    refusal: str
    figures: Mapping[str, str]


def judge(candidate: Metrics, champion: Metrics | None, tolerance: float) -> Verdict:
    """Compares a model with popularity, and with the live model.

    Args:
        candidate: Metrics of the model.
        champion: Those of the live model; None where there is none.
        tolerance: How much lower than the champion's NDCG@10 the model's may be, a fraction of it.
    """
    own, popularity = _ndcg(candidate, "als"), _ndcg(candidate, "popularity")
    live = _ndcg(champion, "als") if champion is not None else None
    found = {
        "ndcg_at_10": own,
        "popularity_ndcg_at_10": popularity,
        "champion_ndcg_at_10": live,
    }
    figures = {name: f"{value:.6f}" for name, value in found.items() if value is not None}
    return Verdict(_refusal(own, popularity, live, tolerance), figures)


def _refusal(
    own: float | None, popularity: float | None, live: float | None, tolerance: float
) -> str:
    if own is None or popularity is None:
        return "its manifest tells no NDCG@10 of the model and of popularity to judge it by"
    if own < popularity:
        return f"its NDCG@10 of {own:.4f} is below that of popularity, {popularity:.4f}"
    # A champion whose manifest tells no figure is no measure.
    if live and 1 - own / live > tolerance + _ROUNDING:
        return (
            f"its NDCG@10 of {own:.4f} is {1 - own / live:.1%} below the live model's "
            f"{live:.4f}; {tolerance:.1%} are tolerated"
        )
    return ""


def _ndcg(metrics: Metrics, model: str) -> float | None:
    return metrics.get(model, {}).get(_NDCG)
