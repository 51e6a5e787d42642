"""``python -m infra.pipeline.declarative [JENKINSFILE]``: exit 1 where it has faults."""

import sys
from pathlib import Path

from infra.pipeline.declarative.check import faults_in

__all__ = ["main"]


def main(path: Path) -> int:
    """Prints each fault as ``file:line: what``.

    Args:
        path: The Jenkinsfile.

    Returns:
        0 for a good file, 1 for one with faults, 2 where it cannot be read.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        sys.stderr.write(f"{path} cannot be read: {error.strerror}\n")
        return 2
    faults = faults_in(source)
    for fault in faults:
        sys.stderr.write(f"{path}:{fault.line}: {fault.text}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "Jenkinsfile")))
