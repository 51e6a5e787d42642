"""What the report of a training on Spark tells, as training.examination does for one machine.

The test is of all data, and judged already. Other models are fitted on a sample of the viewers that
comes to the driver, whole where it is small enough, and are asked what the test asks. Where it is
a sample, this model is trained on it too, to be beside them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD

from training.evaluate import Evaluation, fit, rank
from training.examination import Examined
from training.judging import DEEPEST, Judged
from training.lake import Progress
from training.parent import rank_parent
from training.selection import Timeline
from training.shrinkage import ShrinkageChoice
from training.spark.judging import tested_histories
from training.spark.sampling import sample_shared
from training.study import choose, compare_baselines
from training.study_findings import ALS_SAMPLE, Findings

__all__ = ["SharedData", "examine_shared"]

_STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedData:
    """What is examined.

    Attributes:
        timelines: All histories, in the columns of all items.
        items: Ids, in the order of the columns.
        users: Viewers in all.
        interactions: Pairs of viewer and item.
        newest_event: UTC milliseconds.
        genres: Ones, (n_items, genres); no columns where none is known.
    """

    timelines: RDD[Timeline]
    items: tuple[str, ...]
    users: int
    interactions: int
    newest_event: int
    genres: NDArray[np.float32]


def examine_shared(
    data: SharedData,
    outcome: Evaluation,
    examined: Examined,
    progress: Progress,
    *,
    shrinkage: ShrinkageChoice | None,
) -> Findings:
    """Finds out what a report tells. The same arguments, and shares, give the same findings.

    Args:
        data: See SharedData.
        outcome: Of the test, see training.spark.judging.evaluate_shared.
        examined: See training.examination.Examined; no seeds and no ablations are made.
        progress: Told of ``compare``.
        shrinkage: How it was chosen, where nobody said it.
    """
    als, recency, damping, study = (
        examined.als,
        examined.recency,
        examined.damping,
        examined.study,
    )
    progress("compare", 0, _STEPS)
    tested = tested_histories(data.timelines)
    sample = sample_shared(tested, als.seed, study.sample_entries)
    choice = choose(
        sample, als, recency=recency, damping=damping, genres=data.genres, options=study
    )
    progress("compare", 1, _STEPS)
    judged, notes = compare_baselines(outcome, als.seed, history=sample)
    told = notes | _absent(examined)
    if sample.n_users < data.users:
        model = fit(sample, als, recency=recency, damping=damping)
        ranked = rank(model, outcome.split.known(), DEEPEST).rows
        judged = {ALS_SAMPLE: outcome.judge.judge(ranked), **judged}
        told = _of_sample(notes, sample.n_users, data.users) | _absent(examined)
    progress("compare", 2, _STEPS)
    parent, more = _parent(data, examined, outcome)
    progress("compare", _STEPS, _STEPS)
    return Findings(
        models={**outcome.models, **judged, **parent},
        ratio=outcome.ndcg_ratio,
        asked=outcome.users,
        notes={**told, **more},
        seeds={},
        sampled=False,
        choice=choice,
        reranking=examined.reranking,
        shrinkage=shrinkage,
        diversity_of="genres" if data.genres.shape[1] else "factors",
        users=data.users,
        items=len(data.items),
        interactions=data.interactions,
        newest_event=data.newest_event,
        parameters=examined.told,
        study=study,
    )


def _of_sample(notes: Mapping[str, str], users: int, total: int) -> dict[str, str]:
    """The notes on what was fitted to a sample, before what else is said of each."""
    of = f"fitted on a sample of {users:,} of the {total:,} viewers"
    told = {
        ALS_SAMPLE: f"this model, {of}, as the simple models are; compare them with this, for "
        "with all viewers they might be better, too"
    }
    for name in ("item_cosine", "bm25", "ease"):
        told[name] = f"{of}; {notes[name]}" if name in notes else of
    return told


def _absent(examined: Examined) -> dict[str, str]:
    """What the single machine's report has, and this one has not."""
    told = {}
    if examined.study.seeds > 1:
        told["seeds"] = (
            "on Spark one training is made of all data, so how much is chance is not told"
        )
    if examined.study.ablations:
        told["ablations"] = "the job on Spark leaves no part out in turn; ask one machine for it"
    return told


def _parent(
    data: SharedData, examined: Examined, outcome: Evaluation
) -> tuple[dict[str, Judged], dict[str, str]]:
    """What is said of the last version, and what must be known of it."""
    if examined.parent is None:
        return {}, {"parent": examined.parent_note} if examined.parent_note else {}
    ranked = rank_parent(examined.parent, data.items, outcome.split.known(), DEEPEST)
    if ranked is None:
        return {}, {"parent": "it knows no item of this data"}
    note = (
        "its item factors as they were released, with the histories of this test folded in; how "
        "much of what the test asks for it was trained on is not counted on Spark: it may have "
        "been taught the answers"
    )
    if asdict(examined.parent.model.weights) != examined.told.get("confidence"):
        note += "; the events of this test are weighed for it as for this model, not as for itself"
    return {"parent": outcome.judge.judge(ranked)}, {"parent": note}
