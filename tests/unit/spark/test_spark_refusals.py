"""What the job on Spark cannot do is told before it reads anything."""

from typing import Any

import pytest

from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY
from topshelf.features import ConfidenceWeights
from training.parameters import TrainingParameters
from training.spark.job import train_shared
from training.stages import Reranking


def untouched(*_told: object) -> Any:
    raise AssertionError("nothing is to be asked")


@pytest.mark.parametrize(
    ("parameters", "field", "named"),
    [
        (TrainingParameters(reranking=Reranking(diversity=0.5)), "reranking", "no re-ranking"),
        (
            TrainingParameters(confidence=ConfidenceWeights(rating_centred=1.0)),
            "confidence",
            "set rating_centred",
        ),
        (
            TrainingParameters(confidence=ConfidenceWeights(unclicked=0.1)),
            "confidence",
            "not what was shown",
        ),
    ],
    ids=["reranking", "leniency", "exposures"],
)
def test_parameters_that_it_does_not_know_are_refused(
    parameters: TrainingParameters, field: str, named: str
) -> None:
    nothing: Any = None
    with pytest.raises(InvalidInputError, match=named) as refused:
        train_shared(
            nothing,
            open_lake=untouched,
            open_artefacts=untouched,
            registry=nothing,
            checkpoints=nothing,
            policy=DEFAULT_POLICY,
            parameters=parameters,
            git_commit="abc",
            clock=untouched,
            progress=lambda *_: untouched(),
            parts=2,
        )
    assert refused.value.field == field
