"""Takes addresses out of npm's lock file: ``python -m infra.pipeline.lint LOCK``.

What is pinned is the content, by its hash; from where it comes is the business of whoever installs.
"""

import json
import sys
from pathlib import Path
from typing import Final

__all__ = ["main"]

_ADDRESSES: Final = ("resolved", "funding")


def main(lock: Path) -> int:
    """Rewrites the file.

    Args:
        lock: A package-lock.json.

    Returns:
        0, or 1 where a package has no hash.
    """
    content = json.loads(lock.read_text("utf-8"))
    without = []
    for name, package in content["packages"].items():
        for address in _ADDRESSES:
            package.pop(address, None)
        if name and "integrity" not in package:
            without.append(name)
    lock.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    for name in without:
        sys.stderr.write(f"{lock}: {name} has no hash\n")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
