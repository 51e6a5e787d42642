from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.benchmarks import quality
from tests.unit.test_als import two_tastes
from topshelf.errors import InvalidInputError
from topshelf.factors import IdMap
from training.als import ALSParameters
from training.evaluate import evaluate, ranking_metrics, split_by_time
from training.interactions import Interactions


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def data_of(matrix: csr_matrix) -> Interactions:
    return Interactions(
        users=IdMap.of(f"u{i:03d}" for i in range(matrix.shape[0])),
        items=IdMap.of(f"m{i:03d}" for i in range(matrix.shape[1])),
        matrix=matrix,
        last_times=np.random.default_rng(2).permutation(matrix.nnz) + 10**12,
        newest_event=10**12 + matrix.nnz,
    )


def test_the_newest_fifth_is_held_out() -> None:
    # The first user has 10 items, seen in the order 9, 8, ... 0; the second 4: too few for a fifth.
    matrix = csr_matrix(np.array([[1.5] * 10, [1.5] * 4 + [0] * 6], dtype=np.float32))
    times = np.array([*range(100, 90, -1), 1, 2, 3, 4])
    split = split_by_time(matrix, times, rng())
    assert split.users.tolist() == [0]
    assert split.targets[0].indices.tolist() == [0, 1]
    assert split.history[0].indices.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert split.history[1].indices.tolist() == [0, 1, 2, 3]
    assert set(split.history.data) == {1.5}


@pytest.mark.parametrize(("n", "held"), [(4, 0), (5, 1), (9, 1), (10, 2), (15, 3)])
def test_a_fifth_is_rounded_down(n: int, held: int) -> None:
    matrix = csr_matrix(np.ones((1, n), dtype=np.float32))
    assert split_by_time(matrix, np.arange(n), rng()).targets.nnz == held


def test_users_are_sampled_by_the_generator() -> None:
    matrix = csr_matrix(np.ones((50, 5), dtype=np.float32))
    first, second = (split_by_time(matrix, np.arange(250), rng(), max_users=7) for _ in range(2))
    assert first.users.tolist() == second.users.tolist()
    assert len(first.users) == 7
    assert first.targets.nnz == 50


def test_metrics_carry_the_names_of_personalize() -> None:
    ranked = np.full((2, 25), -1)
    ranked[0, :2], ranked[1, :1] = [3, 1], [0]
    metrics, gains = ranking_metrics(ranked, csr_matrix(np.eye(2, 4, 1)), 4)
    # Targets: item 1 for the first, found second; item 2 for the other, not found.
    assert metrics["mean_reciprocal_rank_at_25"] == pytest.approx(0.25)
    assert metrics["coverage"] == pytest.approx(3 / 4)
    assert metrics["precision_at_5"] == pytest.approx(0.1)
    assert metrics["precision_at_25"] == pytest.approx(0.02)
    assert gains == pytest.approx([1 / np.log2(3), 0])
    expected = {"coverage", "mean_reciprocal_rank_at_25"}
    for k in (5, 10, 25):
        expected |= {f"normalized_discounted_cumulative_gain_at_{k}", f"precision_at_{k}"}
        assert metrics[f"normalized_discounted_cumulative_gain_at_{k}"] == pytest.approx(
            0.5 / np.log2(3)
        )
    assert set(metrics) == expected


def test_als_beats_popularity_where_tastes_differ() -> None:
    parameters = ALSParameters(factors=4, iterations=5)
    outcome = evaluate(data_of(two_tastes()), parameters, lambda _: None)
    assert outcome.ndcg_ratio.low > 1
    assert outcome == evaluate(data_of(two_tastes()), parameters, lambda _: None)


def test_nobody_with_five_items_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="five items"):
        evaluate(data_of(csr_matrix(np.eye(9, dtype=np.float32))), ALSParameters(), print)


@pytest.mark.data
def test_als_beats_popularity_on_real_ratings(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.main(["--data", str(data_dir / "ml-latest-small")]) == 0
    assert "95% interval" in capsys.readouterr().out
