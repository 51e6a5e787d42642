"""The simulated streaming platform: an invented catalogue and the viewers who watch it."""

from infra.simulator.catalogue import catalogue
from infra.simulator.lines import Progress, interactions, write_lines
from infra.simulator.options import SimulatorOptions

__all__ = ["Progress", "SimulatorOptions", "catalogue", "interactions", "write_lines"]
