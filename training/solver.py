"""Which solver moves the factors: the compiled kernel, or implicit's where numba is absent."""

from importlib.util import find_spec

__all__ = ["SOLVER", "half_step"]

SOLVER = "numba" if find_spec("numba") else "implicit"
"""Which one it is: their results differ, so a training is continued by the one that began it."""

if SOLVER == "numba":
    from training.kernel import half_step
else:
    from training.bucketed import half_step
