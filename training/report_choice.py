"""The chapters of a report on what was chosen, and what each part is worth."""

from html import escape

from training.charts import Line, lines
from training.judging import DEEPEST, NDCG
from training.page import figure, section, table
from training.shrinkage import ShrinkageChoice
from training.study_findings import Findings

__all__ = ["COLUMNS", "ablations", "validation"]

COLUMNS = (
    (NDCG, "NDCG@10", 4, max),
    ("precision_at_10", "precision@10", 4, max),
    (f"mean_reciprocal_rank_at_{DEEPEST}", "MRR@25", 4, max),
    ("coverage", "coverage@25", 4, max),
    (f"novelty_at_{DEEPEST}", "novelty@25, bits", 2, max),
    (f"intra_list_diversity_at_{DEEPEST}", "diversity@25", 3, max),
    (f"exposure_gini_at_{DEEPEST}", "Gini@25", 3, min),
)
"""Metrics of a table: key, head, digits, and what is better."""


def validation(findings: Findings) -> str:
    """What was chosen on the validation, and what could be."""
    choice = findings.choice
    if not choice.users:
        return section(
            "Chosen on the validation",
            "<p>No viewer has enough titles for a validation, so nothing was tried on one.</p>",
        )
    curve = lines(
        "NDCG@10 on the validation by iteration",
        [Line("this model", choice.curve)],
        x_name="iterations",
    )
    parts = [
        f"<p>By {choice.users:,} viewers, on the newest fifth before what the test asks for.</p>",
        figure(curve, "A curve that still rises at its end asks for more iterations."),
        _shrinkage(findings.shrinkage),
    ]
    if choice.trials:
        keys = [column for column in COLUMNS if column[0] in choice.plain][3:]
        rows = [
            [
                "none",
                f"{choice.plain[NDCG]:.4f}",
                "",
                *(f"{choice.plain[k]:.{d}f}" for k, _, d, _ in keys),
                "",
            ]
        ]
        for trial in choice.trials:
            ratio = trial.ndcg_ratio
            rows.append(
                [
                    trial.reranking.names(),
                    f"{trial.metrics[NDCG]:.4f}",
                    f"{ratio.ratio:.3f} ({ratio.low:.3f} to {ratio.high:.3f})",
                    *(f"{trial.metrics[k]:.{d}f}" for k, _, d, _ in keys),
                    "yes" if trial.wins else "no",
                ]
            )
        heads = [
            "stage",
            "NDCG@10",
            "times none (95% interval)",
            *(h for _, h, _, _ in keys),
            "wins",
        ]
        on = findings.reranking.names() or "none"
        parts += [
            table("Re-ranking stages, tried and not kept unless asked for", heads, rows),
            f"<p>A stage wins where the whole interval is above 1. On in this model: "
            f"{escape(on)}.</p>",
        ]
    return section("Chosen on the validation", *parts)


def _shrinkage(choice: ShrinkageChoice | None) -> str:
    """How much noise the factors leave out; empty where it was given."""
    if choice is None:
        return ""
    if not choice.users:
        return (
            f"<p>Shrinkage {choice.shrinkage:.3g}, the usual: too few viewers to choose it by.</p>"
        )
    rows = [[f"{shrinkage:.3g}", f"{ndcg:.4f}"] for shrinkage, ndcg in choice.tried]
    return table("Shrinkage: how much of the noise is left out", ["shrinkage", "NDCG@10"], rows) + (
        f"<p>Chosen: {choice.shrinkage:.3g}, by {choice.users:,} viewers.</p>"
    )


def ablations(findings: Findings) -> str:
    """What leaving things out costs; empty where nobody tried."""
    if not findings.ablations:
        return ""
    rows = [
        [
            one.name,
            f"{one.ndcg:.4f}",
            f"{one.ratio.ratio:.3f} ({one.ratio.low:.3f} to {one.ratio.high:.3f})",
        ]
        for one in findings.ablations
    ]
    return section(
        "What each feature is worth",
        table(
            "Left out, or (+) put in, on the validation",
            ["what", "NDCG@10", "times the whole (95% interval)"],
            rows,
        ),
    )
