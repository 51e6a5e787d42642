import numpy as np
import pytest
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import csr_matrix

from tests.unit.test_als import two_tastes
from topshelf.errors import InvalidInputError
from topshelf.ranking import NO_ITEM
from training.baselines import (
    Limits,
    Neighbours,
    bm25,
    cosine,
    ease,
    ease_weights,
    popularity,
    rank_neighbours,
)

LIMITS = Limits(ridge=2.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_popularity_ranks_by_viewers_then_rows() -> None:
    seen = csr_matrix(np.array([[1, 0, 1, 1], [0, 0, 1, 1], [1, 0, 0, 0]], dtype=np.float32))
    model = popularity(seen)
    # Viewers 2, 0, 2, 2; the third viewer has seen item 0.
    assert rank_neighbours(model, seen[2], 2).tolist() == [[2, 3]]
    assert rank_neighbours(model, seen, 4).tolist() == [
        [1, NO_ITEM, NO_ITEM, NO_ITEM],
        [0, 1, NO_ITEM, NO_ITEM],
        [2, 3, 1, NO_ITEM],
    ]
    assert rank_neighbours(model, seen[2], 6).tolist() == [[2, 3, 1, -1, -1, -1]]


def test_ties_of_scores_are_settled_by_popularity() -> None:
    # The history (item 0) says 5 for item 3, and 1 for items 1 and 2, of which 2 has more viewers.
    weights = np.zeros((5, 5), dtype=np.float32)
    weights[0] = [0, 1, 1, 5, 0]
    model = Neighbours(weights, np.arange(5), np.array([9, 1, 2, 1, 3]))
    history = csr_matrix(np.array([[1, 0, 0, 0, 0]], dtype=np.float32))
    assert rank_neighbours(model, history, 5).tolist() == [[3, 2, 1, 4, NO_ITEM]]
    assert rank_neighbours(model, history, 2).tolist() == [[3, 2]]


@pytest.mark.filterwarnings("ignore:Method expects CSR")
@pytest.mark.parametrize(
    ("make", "oracle"), [(cosine, CosineRecommender(K=20)), (bm25, BM25Recommender(K=100))]
)
def test_item_models_rank_as_implicit_does(make, oracle) -> None:  # type: ignore[no-untyped-def]
    matrix = two_tastes()
    oracle.fit(csr_matrix(matrix, copy=True).sign(), show_progress=False)
    expected = oracle.recommend(np.arange(60), matrix.sign(), N=5)[1]
    model = make(matrix, rng(), LIMITS)
    found = rank_neighbours(model, matrix.sign(), 5)
    scores = (matrix.sign() @ model.weights).toarray()
    assert model.note == ""
    np.testing.assert_allclose(np.take_along_axis(scores, found, axis=1), expected, rtol=1e-5)


def test_ease_solves_its_equation() -> None:
    matrix = two_tastes().sign()
    found = ease_weights(matrix, 2.0).astype(np.float64)
    assert np.abs(np.diag(found)).max() == 0
    # Steck, equation 4: but for the diagonal (X'X + lambda) B = X'X, so the gradient is 0 there.
    gram = (matrix.T @ matrix).toarray()
    gradient = gram @ found + 2.0 * found - gram
    np.fill_diagonal(gradient, 0.0)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-4)


def test_ease_of_two_items_by_hand() -> None:
    # Seen together by 1 of 3 viewers each: X'X + 1 = [[3, 1], [1, 3]], its inverse [[3, -1], [-1,
    # 3]] / 8, so the weights are 1/3.
    seen = csr_matrix(np.array([[1, 1], [1, 0], [0, 1]], dtype=np.float32))
    assert ease_weights(seen, 1.0).tolist() == pytest.approx(np.array([[0, 1 / 3], [1 / 3, 0]]))


def test_ease_wants_a_ridge() -> None:
    with pytest.raises(InvalidInputError, match="ridge above 0"):
        ease_weights(csr_matrix(np.array([[1, 1]], dtype=np.float32)), 0.0)


def test_beyond_its_items_ease_knows_the_most_viewed() -> None:
    matrix = two_tastes()
    model = ease(matrix, rng(), Limits(ease_items=10))
    viewers = np.bincount(matrix.indices, minlength=40)
    assert len(model.items) == 10
    assert viewers[model.items].min() >= np.sort(viewers)[-10]
    assert model.note == "over the 10 most viewed of 40 items"
    # Items that it does not know can still fill a list, after those it speaks for.
    assert (rank_neighbours(model, matrix.sign(), 25) != NO_ITEM).all()


def test_beyond_its_pairs_a_model_says_how_many_viewers_it_saw() -> None:
    matrix = two_tastes()
    pairs = int((np.diff(matrix.indptr) ** 2).sum())
    model = cosine(matrix, rng(), Limits(pairs=pairs // 2))
    told = int(model.note.split()[2])
    assert 20 < told < 40
    assert model.note == f"fitted to {told} of 60 viewers, drawn at random"
    both = ease(matrix, rng(), Limits(pairs=pairs // 2, ease_items=10))
    assert both.note.startswith("over the 10 most viewed of 40 items; fitted to ")
    assert cosine(matrix, rng(), Limits(pairs=pairs)).note == ""


def test_values_of_the_matrix_do_not_matter() -> None:
    matrix = two_tastes()
    louder = matrix * 3
    assert (ease(matrix, rng(), LIMITS).weights == ease(louder, rng(), LIMITS).weights).all()
