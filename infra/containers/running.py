"""Other programs, run to their end: their output is for the one who has to mend what fails."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from topshelf.errors import UnavailableError

__all__ = ["lines_of", "run"]

_SHOWN_LINES: Final = 15


def run(
    command: Sequence[str],
    *,
    seconds: float = 60,
    env: Mapping[str, str] | None = None,
) -> str:
    """Runs a program.

    Args:
        command: The program and its arguments.
        seconds: Longest time that it may take.
        env: Its whole environment; this process's own when None.

    Returns:
        What it wrote to its standard output.

    Raises:
        UnavailableError: It is not installed, took too long or failed; the text has its last lines.
    """
    shown = " ".join(command[:3])
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            env=env,
            check=False,
        )
    except FileNotFoundError as error:
        raise UnavailableError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"`{shown}` was not done after {seconds:.0f} s") from error
    if done.returncode:
        said = "\n".join(lines_of(f"{done.stdout}\n{done.stderr}")[-_SHOWN_LINES:])
        raise UnavailableError(f"`{shown}` failed ({done.returncode}):\n{said}")
    return done.stdout


def lines_of(output: str) -> list[str]:
    """The lines of an output that hold something."""
    return [line for line in output.splitlines() if line.strip()]
