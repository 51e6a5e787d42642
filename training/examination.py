"""The examination of a training's data and parameters: everything that its report tells.

In this order: what is chosen is judged on the validation, before the test; then the test, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from topshelf.catalog import Movie
from topshelf.damping import Damping
from topshelf.ports import Champion, FactorStore
from topshelf.recency import Recency
from training.als import ALSParameters
from training.checkpoints import Checkpoints
from training.evaluate import Evaluation, evaluate
from training.interactions import Interactions
from training.judging import DEEPEST, Judged, genre_vectors
from training.lake import Progress
from training.parameters import TrainingParameters
from training.parent import Parent, rank_parent, read_parent, share_known
from training.selection import Timeline
from training.shrinkage import ShrinkageChoice
from training.stages import Reranking
from training.study import StudyOptions, choose, compare_baselines, over_seeds
from training.study_findings import AblationFigures, Findings

__all__ = ["Examined", "examine", "examined_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is examined.

    Attributes:
        als: Of the factorization. Where they name no regularization, every training derives its own
            from the histories that it is given: that of all data has seen the test.
        recency: Of served tastes.
        damping: Of evidence.
        reranking: Stages that are on.
        study: How much is studied.
        told: All parameters, as the manifest keeps them.
        parent: The last version; None where there is none to ask.
        parent_note: Why not, where there is a last version.
    """

    als: ALSParameters
    recency: Recency = field(default_factory=Recency)
    damping: Damping = field(default_factory=Damping)
    reranking: Reranking = field(default_factory=Reranking)
    study: StudyOptions = field(default_factory=StudyOptions)
    told: Mapping[str, Any] = field(default_factory=dict)
    parent: Parent | None = None
    parent_note: str = ""


def examined_of(
    given: TrainingParameters,
    settled: TrainingParameters,
    champion: Champion | None,
    artefacts: FactorStore,
) -> Examined:
    """What is examined of a training.

    Args:
        given: Its parameters as they were given.
        settled: As the manifest keeps them.
        champion: The last version; None for none.
        artefacts: Where that is.

    Raises:
        UnavailableError: The store does not answer.
    """
    parent, note = read_parent(artefacts, champion.version) if champion else (None, "")
    return Examined(
        als=given.als,
        recency=given.recency,
        damping=given.damping,
        reranking=given.reranking,
        study=given.study,
        told=asdict(settled),
        parent=parent,
        parent_note=note,
    )


def examine(
    data: Interactions,
    timeline: Timeline,
    catalogue: Mapping[str, Movie],
    examined: Examined,
    progress: Progress,
    *,
    checkpoints: Checkpoints | None = None,
    ablations: Sequence[AblationFigures] = (),
    shrinkage: ShrinkageChoice | None = None,
) -> Findings:
    """Finds out all that a report tells. The same arguments give the same findings.

    Args:
        data: All interactions.
        timeline: Their histories, see training.selection.timeline_of.
        catalogue: Movies by item id.
        examined: See Examined.
        progress: Told of ``evaluate`` (iterations of the test's training) and ``compare``.
        checkpoints: Of the test's training.
        ablations: Of features, where somebody made them.
        shrinkage: How it was chosen, where nobody said it.

    Raises:
        InvalidInputError: Nobody has five items, or the parameters lead to no usable factors.
    """
    als, recency, damping = examined.als, examined.recency, examined.damping
    genres = genre_vectors(data.items.ids, catalogue)
    outcome = evaluate(
        data,
        als,
        lambda done: progress("evaluate", done, als.iterations),
        checkpoints,
        recency=recency,
        damping=damping,
        vectors=genres,
        reranking=examined.reranking,
        timeline=timeline,
    )
    steps = examined.study.seeds + 1
    progress("compare", 0, steps)
    sampled = len(timeline.rows) > examined.study.sample_entries
    choice = choose(
        outcome.split.history,
        als,
        recency=recency,
        damping=damping,
        genres=genres,
        options=examined.study,
    )
    progress("compare", 1, steps)
    judged, notes = compare_baselines(outcome, als.seed)
    asked_parent, more = _parent(data, examined, outcome)
    seeds = over_seeds(
        timeline,
        als,
        recency=recency,
        damping=damping,
        outcome=outcome,
        options=examined.study,
        reranking=examined.reranking,
        genres=genres,
        on_seed=lambda done: progress("compare", done, steps),
    )
    progress("compare", steps, steps)
    return Findings(
        models={**outcome.models, **judged, **asked_parent},
        ratio=outcome.ndcg_ratio,
        asked=outcome.users,
        notes={**notes, **more},
        seeds=seeds,
        sampled=sampled,
        choice=choice,
        reranking=examined.reranking,
        ablations=ablations,
        shrinkage=shrinkage,
        diversity_of="genres" if genres.shape[1] else "factors",
        users=len(data.users),
        items=len(data.items),
        interactions=data.matrix.nnz,
        newest_event=data.newest_event,
        parameters=examined.told,
        study=examined.study,
    )


def _parent(
    data: Interactions, examined: Examined, outcome: Evaluation
) -> tuple[dict[str, Judged], dict[str, str]]:
    """What is said of the last version, and what must be known of it."""
    if examined.parent is None:
        return {}, {"parent": examined.parent_note} if examined.parent_note else {}
    known = outcome.split.known()
    ranked = rank_parent(examined.parent, data.items.ids, known, DEEPEST)
    if ranked is None:
        return {}, {"parent": "it knows no item of this data"}
    share = share_known(examined.parent, data, outcome.split)
    note = (
        "its item factors as they were released, with the histories of this test folded in; "
        f"{share:.0%} of what the test asks for is not newer than what it was trained on, so it "
        "may have been taught the answers, and lists of its own time are not compared"
    )
    if asdict(examined.parent.model.weights) != examined.told.get("confidence"):
        note += "; the events of this test are weighed for it as for this model, not as for itself"
    return {"parent": outcome.judge.judge(ranked)}, {"parent": note}
