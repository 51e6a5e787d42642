"""How the emulator's process says why it ended; apart, so that reading it does not load moto."""

from typing import Final

__all__ = ["NOT_BEGUN", "NOT_KEPT"]

NOT_BEGUN: Final = 3
"""The folder's state cannot be brought back; the last line of output says why."""

NOT_KEPT: Final = 4
"""What was held in the end could not be kept; the last line of output says why."""
