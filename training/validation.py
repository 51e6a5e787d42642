"""What parameters are worth on the validation split: what tuning and ablation ask.

The newest fifth of each history is the test's, and is cut off before anything else; the newest
fifth of what is left is asked for. Which viewers are asked does not depend on the parameters, so
that any two of them compare viewer by viewer.
"""

from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray

from topshelf.errors import InvalidInputError
from topshelf.metrics import hit_matrix, ndcg_at_k
from training.evaluate import fit, rank
from training.interactions import build_interactions
from training.parameters import TrainingParameters
from training.selection import sample_users, split_by_time, timeline_of
from training.shrinkage import settle_shrinkage

__all__ = ["Validation"]

_DEPTH = 10


class Validation:
    """Judges parameters on the same viewers.

    Args:
        events: As clean_events gives them.
        shown: As clean_events gives it; None for nothing.
        seed: Draws the viewers.
        max_entries: Of the histories together; viewers are drawn where there are more.
    """

    def __init__(
        self,
        events: pl.DataFrame,
        shown: pl.DataFrame | None = None,
        *,
        seed: int = 0,
        max_entries: int = 2_000_000,
    ) -> None:
        self._events = events
        self._shown = shown
        self._seed = seed
        self._max_entries = max_entries

    @property
    def signals(self) -> set[str]:
        """Event types of the data, and ``impression`` where something was shown."""
        shown = self._shown is not None and not self._shown.is_empty()
        return {*self._events["event_type"].unique(), *(["impression"] if shown else [])}

    @property
    def fingerprint(self) -> str:
        """Differs where the data or the viewers who are asked do."""
        digest = sha256(f"{self._seed} {self._max_entries}".encode())
        for frame in (self._events, self._shown):
            if frame is not None:
                # In any order, as the rows may be. Codes are those of one run, names of every run.
                named = frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
                rows = np.sort(named.hash_rows(seed=0).to_numpy())
                digest.update(f"{frame.columns} {frame.height}".encode())
                digest.update(rows.tobytes())
        return digest.hexdigest()

    def settled(self, parameters: TrainingParameters) -> TrainingParameters:
        """The parameters with the shrinkage that a training of them would choose."""
        data = build_interactions(self._events, parameters.confidence, self._shown)
        found, _ = settle_shrinkage(lambda: timeline_of(data), parameters, lambda *_: None)
        return found

    def gains(self, parameters: TrainingParameters) -> NDArray[np.float64]:
        """NDCG@10 of each viewer who is asked, (n,), in the same order whatever the parameters.

        Raises:
            InvalidInputError: Nobody has enough items, or the parameters lead to no model.
        """
        rng = np.random.default_rng(self._seed)
        data = build_interactions(self._events, parameters.confidence, self._shown)
        timeline = sample_users(timeline_of(data), rng, self._max_entries)
        split = split_by_time(split_by_time(timeline, rng).history, rng)
        if len(split.users) == 0:
            raise InvalidInputError(
                "events",
                f"none of {timeline.n_users:,} viewers has the six items that a validation takes; "
                "bring more events, or draw more of them (--entries)",
            )
        model = fit(
            split.history,
            parameters.als,
            recency=parameters.recency,
            damping=parameters.damping,
        )
        ranked = rank(model, split.known(), _DEPTH)
        hits = hit_matrix(ranked.rows, split.targets.indptr, split.targets.indices)
        return ndcg_at_k(hits, np.diff(split.targets.indptr), _DEPTH)
