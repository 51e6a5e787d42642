"""Is every resource of a deployed template what the template says? Asked of each service itself."""

from infra.stack_check.check import Examination, check_stack, examine_stack, standing
from infra.stack_check.differences import WHOLE, Difference, Gap
from infra.stack_check.services import Services

__all__ = [
    "WHOLE",
    "Difference",
    "Examination",
    "Gap",
    "Services",
    "check_stack",
    "examine_stack",
    "standing",
]
