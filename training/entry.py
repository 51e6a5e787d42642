"""What the entries of both training jobs, of one machine and on Spark, do alike."""

import sys
from collections.abc import Callable

from topshelf.errors import TopshelfError
from topshelf.features import ConfidenceWeights
from topshelf.settings import TrainingSettings
from training.parameters import TrainingParameters, parameters_of

__all__ = ["exit_code", "parameters_in", "print_stage"]


def parameters_in(settings: TrainingSettings) -> TrainingParameters:
    """The parameters that a deployment asks for; ratings are on its scale.

    Raises:
        InvalidInputError: There are no such parameters.
    """
    scale = ConfidenceWeights(rating_min=settings.rating_min, rating_max=settings.rating_max)
    return parameters_of(settings.parameters, TrainingParameters(confidence=scale))


def exit_code(run: Callable[[], str]) -> int:
    """Runs a job and prints its last line; 1, with the reason on stderr, if it fails."""
    try:
        told = run()
    except TopshelfError as error:
        sys.stderr.write(f"training failed: {error}\n")
        return 1
    sys.stdout.write(f"{told}\n")
    return 0


def print_stage(stage: str, done: int, total: int) -> None:
    """A Progress for logs: one line a stage, at its end."""
    if done == total:
        sys.stdout.write(f"{stage}: {done}\n")
        sys.stdout.flush()
