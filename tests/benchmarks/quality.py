"""Is ALS worth more than popularity on real ratings?

``python -m tests.benchmarks.quality --data <folder of MovieLens CSV files>``: each user's newest
20% of ratings is the target; NDCG@10 of ALS with the default parameters, of popularity, and the
ratio with its paired-bootstrap 95% interval. Exits 1 unless the lower end is above 1. Then, on the
validation, what each part is worth: left out, or with a plus what is off put in.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import polars as pl

from topshelf.features import ConfidenceWeights
from training.ablation import ablate
from training.als import ALSParameters
from training.evaluate import Evaluation, evaluate
from training.interactions import Interactions, build_interactions, clean_events
from training.lake import EVENT_SCHEMA
from training.parameters import TrainingParameters
from training.selection import timeline_of
from training.shrinkage import settle_shrinkage
from training.validation import Validation

__all__ = ["load_movielens", "main", "measure", "rated"]

NDCG_AT_10 = "normalized_discounted_cumulative_gain_at_10"


def load_movielens(folder: Path) -> pl.DataFrame:
    """MovieLens' ratings.csv as events with the columns that training reads."""
    found = pl.read_csv(folder / "ratings.csv")
    return rated(*(found[name] for name in ("userId", "movieId", "rating", "timestamp")))


def rated(users: Any, items: Any, stars: Any, seconds: Any) -> pl.DataFrame:
    """Ratings as events with the columns that training reads.

    Args:
        users: Numbers, (n,), as the others; they become ids with a letter before them.
        items: Likewise.
        stars: Of the rating.
        seconds: Since 1970.
    """
    found = pl.DataFrame({"user": users, "item": items, "stars": stars, "at": seconds}).select(
        pl.format("u{}", "user").alias("user_id"),
        pl.lit(None).alias("session_id"),
        pl.format("m{}", "item").alias("item_id"),
        pl.lit("rating").alias("event_type"),
        pl.col("stars").alias("event_value"),
        (pl.col("at").cast(pl.Int64) * 1000).alias("timestamp"),
        pl.lit(None).alias("event_id"),
    )
    return found.cast(EVENT_SCHEMA)  # type: ignore[arg-type]  # names are names of columns


def measure(data: Interactions, parameters: ALSParameters) -> Evaluation:
    """The evaluation of the training job, with its defaults for what is served."""
    timeline, given = timeline_of(data), TrainingParameters(als=parameters)
    settled, _ = settle_shrinkage(lambda: timeline, given, lambda *_: None)
    return evaluate(
        data,
        settled.als,
        lambda _done: None,
        recency=settled.recency,
        damping=settled.damping,
        timeline=timeline,
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; 0 if ALS is better than popularity beyond doubt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=ALSParameters().seed)
    chosen = parser.parse_args(arguments)
    events = clean_events(load_movielens(chosen.data)).events
    data = build_interactions(events, ConfidenceWeights())
    outcome = measure(data, ALSParameters(seed=chosen.seed))
    ratio = outcome.ndcg_ratio
    sys.stdout.write(
        f"users       {outcome.users}\n"
        f"als         NDCG@10 {outcome.metrics['als'][NDCG_AT_10]:.4f}\n"
        f"popularity  NDCG@10 {outcome.metrics['popularity'][NDCG_AT_10]:.4f}\n"
        f"ratio       {ratio.ratio:.3f}  95% interval {ratio.low:.3f}..{ratio.high:.3f}\n"
    )
    parameters = TrainingParameters(als=ALSParameters(seed=chosen.seed))
    for one in ablate(Validation(events, seed=chosen.seed), parameters, {"rating"}):
        worth = f"{one.ratio.ratio:.3f} ({one.ratio.low:.3f}..{one.ratio.high:.3f})"
        sys.stdout.write(f"{one.name:<34} NDCG@10 {one.ndcg:.4f}  times the whole {worth}\n")
    return 0 if ratio.low > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
