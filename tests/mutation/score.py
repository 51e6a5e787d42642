"""The mutation score: of how many changes to a module a test tells, and which it lets pass.

Reads what ``mutmut run`` leaves in its folder.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

# By exit code of the tests: a failure, an error inside pytest, no end in sight.
KILLED = {1, 3, 24, 36, 152, 255, -24}


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a module's mutants.

    Attributes:
        module: Its path below ``src``.
        total: How many there are.
        survivors: Names of those that no test told from the code.
    """

    module: str
    total: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> float:
        """How many of a hundred were killed."""
        return 100 * (1 - len(self.survivors) / self.total)

    def __str__(self) -> str:
        killed = self.total - len(self.survivors)
        return f"{self.module:42} {killed:6} {self.total:5} {self.percent:6.1f}%"


def scores_in(folder: Path) -> Iterator[Score]:
    """The score of each module that has mutants; those that were not run do not count."""
    source = folder / "mutants" / "src"
    for results in sorted(source.rglob("*.py.meta")):
        said: dict[str, int | None] = json.loads(results.read_text())["exit_code_by_key"]
        codes = {name: code for name, code in said.items() if code is not None}
        if codes:
            module = results.relative_to(source).with_suffix("").as_posix()
            left = tuple(name for name, code in codes.items() if code not in KILLED)
            yield Score(module, len(codes), left)


def diff_of(folder: Path, mutant: str) -> str:
    """What the mutant changes."""
    with chdir(folder):
        # It reads its settings in the working folder as it is imported.
        from mutmut.mutation.diff_apply import get_diff_for_mutant

        return get_diff_for_mutant(mutant).strip()


def main() -> None:
    """Writes the survivors, then the table; exits with 1 where a module is below the bound."""
    arguments = argparse.ArgumentParser(description="the mutation score")
    arguments.add_argument("folder", type=Path, help="where mutmut ran")
    arguments.add_argument("--fail-under", type=float, default=0, metavar="PERCENT")
    said = arguments.parse_args()
    scores = list(scores_in(said.folder))
    if not scores:
        sys.exit(f"{said.folder} holds no results; run `make mutation`")
    survivors = tuple(name for score in scores for name in score.survivors)
    for name in survivors:
        sys.stdout.write(f"# {name}\n{diff_of(said.folder, name)}\n\n")
    sys.stdout.write(f"{'module':42} killed    of   score\n")
    for score in (*scores, Score("all", sum(score.total for score in scores), survivors)):
        sys.stdout.write(f"{score}\n")
    if low := [score.module for score in scores if score.percent < said.fail_under]:
        sys.exit(f"below {said.fail_under:g}%: {', '.join(low)}")


if __name__ == "__main__":
    main()
