from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.benchmarks import quality
from tests.unit.test_als import two_tastes
from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.factors import fold_in
from topshelf.ids import IdMap, ItemId, UserId
from topshelf.recency import Recency
from training.als import ALSParameters
from training.evaluate import evaluate, fit, rank, tastes
from training.interactions import Interactions
from training.selection import timeline_of
from training.stages import Reranking

PARAMETERS = ALSParameters(factors=4, iterations=5)


def data_of(matrix: csr_matrix) -> Interactions:
    return Interactions(
        users=IdMap.of(UserId(f"u{i:03d}") for i in range(matrix.shape[0])),
        items=IdMap.of(ItemId(f"m{i:03d}") for i in range(matrix.shape[1])),
        matrix=matrix,
        last_times=np.random.default_rng(2).permutation(matrix.nnz) + 10**12,
        newest_event=10**12 + matrix.nnz,
    )


def test_als_beats_popularity_where_tastes_differ() -> None:
    outcome = evaluate(data_of(two_tastes()), PARAMETERS, lambda _: None)
    assert outcome.ndcg_ratio.low > 1
    assert set(outcome.metrics) == {"als", "popularity"}
    assert outcome == evaluate(data_of(two_tastes()), PARAMETERS, lambda _: None)


def test_viewers_are_judged_by_the_taste_that_is_served() -> None:
    recency = Recency(half_life=2.0, gain=3.0, restraint=1.5)
    timeline = timeline_of(data_of(two_tastes()))
    model = fit(timeline, PARAMETERS, recency=recency, damping=Damping(users=0.5))
    own = slice(timeline.indptr[7], timeline.indptr[8])
    rows, confidences = timeline.rows[own], timeline.confidences[own]
    items = model.factors.items
    weighed = model.weighing.served(rows, confidences)
    expected = fold_in(
        items, model.factors.gram, rows.astype(np.int64), weighed, model.factors.regularization
    )
    np.testing.assert_allclose(tastes(model, timeline)[7], expected, rtol=2e-4, atol=1e-5)
    best = rank(model, timeline, 3).rows[7]
    scores = items @ expected
    scores[rows] = -np.inf
    assert best.tolist() == np.argsort(-scores)[:3].tolist()


def test_a_stage_that_is_on_is_judged() -> None:
    data = data_of(two_tastes())
    plain, mixed = (
        evaluate(data, PARAMETERS, lambda _: None, reranking=reranking)
        for reranking in (None, Reranking(diversity=0.9))
    )
    name = "intra_list_diversity_at_25"
    # Of 40 items some 20 are left for 25 places: all are shown, so look at what stands first.
    first = "normalized_discounted_cumulative_gain_at_5"
    assert mixed.metrics["als"][first] != plain.metrics["als"][first]
    assert mixed.metrics["popularity"] == plain.metrics["popularity"]
    assert mixed.metrics["als"][name] == pytest.approx(plain.metrics["als"][name], abs=0.2)


def test_nobody_with_five_items_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="five items"):
        evaluate(data_of(csr_matrix(np.eye(9, dtype=np.float32))), ALSParameters(), print)


@pytest.mark.data
def test_als_beats_popularity_on_real_ratings(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.main(["--data", str(data_dir / "ml-latest-small")]) == 0
    assert "95% interval" in capsys.readouterr().out
