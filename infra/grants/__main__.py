"""Writes docs/grants.md, or says whether it is in step with the template.

Usage: ``python -m infra.grants [--check]``.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from infra.grants.table import page
from topshelf.errors import TopshelfError

__all__ = ["main"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Writes the page; with ``--check`` writes nothing and gives 1 where it differs."""
    parser = argparse.ArgumentParser(prog="python -m infra.grants", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--template", type=Path, default=_ROOT / "template.yaml")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "grants.md")
    given = parser.parse_args(arguments)
    try:
        wanted = page(given.template)
    except TopshelfError as error:
        sys.stderr.write(f"grants: {error}\n")
        return 1
    same = given.page.exists() and given.page.read_text("utf-8") == wanted
    if given.check and not same:
        sys.stderr.write(
            f"{given.page} is not what {given.template.name} says; run `make grants`\n"
        )
        return 1
    if not same:
        given.page.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
