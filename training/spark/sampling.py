"""A sample of the viewers, brought to the driver: what one machine chooses by."""

from collections.abc import Iterable, Iterator

import numpy as np
from pyspark import RDD

from training.selection import Timeline

__all__ = ["sample_shared"]


def sample_shared(timelines: RDD[Timeline], seed: int, max_entries: int) -> Timeline:
    """Viewers drawn until their histories have about max_entries; all where that is enough.

    As training.selection.sample_users, by shares: each viewer is drawn or not.

    Args:
        timelines: Histories, in the columns of all items.
        seed: Draws; the same shares give the same viewers.
        max_entries: Bound on the entries that the driver takes, in expectation.
    """
    entries = timelines.map(lambda own: len(own.rows)).sum()
    share = min(1.0, max_entries / max(entries, 1))

    def drawn(index: int, some: Iterable[Timeline]) -> Iterator[Timeline]:
        rng = np.random.default_rng([seed, index])
        for own in some:
            yield own.of(np.flatnonzero(rng.random(own.n_users) < share))

    parts = timelines.mapPartitionsWithIndex(drawn).collect()
    lengths = np.concatenate([part.lengths() for part in parts])
    return Timeline(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.confidences for part in parts]),
        parts[0].n_items,
    )
