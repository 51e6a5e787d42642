"""Which partition each event goes to, so that what belongs together is in one.

Every process has to say the same: keys are text, for numbers of ids are those of one process.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["by_event", "by_session", "by_viewer"]

type _Target = Callable[[pl.DataFrame], NDArray[np.int64]]

_USER, _SESSION, _EVENT = (
    pl.col(name).cast(pl.String) for name in ("user_id", "session_id", "event_id")
)


def by_session(parts: int) -> _Target:
    """A session's events together; those without one by their viewer."""
    return _by_hash(pl.coalesce(_SESSION, _USER), parts)


def by_event(parts: int) -> _Target:
    """The events of one id together; those without an id by their viewer."""
    return _by_hash(pl.coalesce(_EVENT, _USER), parts)


def by_viewer(parts: int) -> _Target:
    """A user's events together; those before sign-in by their session."""
    return _by_hash(pl.coalesce(_USER, _SESSION), parts)


def _by_hash(key: pl.Expr, parts: int) -> _Target:
    def target(frame: pl.DataFrame) -> NDArray[np.int64]:
        hashes = frame.select(key.hash(seed=0)).to_series().to_numpy()
        return (hashes % np.uint64(parts)).astype(np.int64)

    return target
