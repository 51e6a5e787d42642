"""The Jenkinsfile as a list of what is run: stage after stage, each with its commands."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from infra.pipeline.declarative.check import stages_of
from infra.pipeline.declarative.tree import Statement, parse, texts
from tests.conftest import ROOT

__all__ = ["Step", "between", "pipeline", "steps_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """A stage that does something itself.

    Attributes:
        name: Of the stage.
        commands: What its shells run, in order.
        options: Its own options, by name.
    """

    name: str
    commands: tuple[str, ...]
    options: dict[str, Statement]

    @property
    def words(self) -> list[list[str]]:
        return [shlex.split(command) for command in self.commands]


def pipeline() -> Statement:
    """The Jenkinsfile's one block."""
    (found,), faults = parse((ROOT / "Jenkinsfile").read_bytes())
    assert not faults
    return found


def sections(owner: Statement, name: str) -> Iterator[Statement]:
    return (each for each in owner.block or () if each.name == name)


def shells(below: Statement) -> Iterator[str]:
    for each in below.walk():
        if each.name == "sh":
            yield texts(each.named.get("script") or each.arguments[0])


def steps_of(top: Statement) -> list[Step]:
    """The stages that have steps, in the order of the file."""
    return [
        Step(
            stage.label,
            tuple(command for steps in sections(stage, "steps") for command in shells(steps)),
            {one.name: one for block in sections(stage, "options") for one in block.block or ()},
        )
        for stage in stages_of(top)
        if any(sections(stage, "steps"))
    ]


def between(steps: list[Step], first: str, last: str) -> list[Step]:
    """Those from one stage to another; an empty name stands for the first, and for the last."""
    names = [step.name for step in steps]
    for name in filter(None, (first, last)):
        assert name in names, f"the Jenkinsfile has no stage {name!r}; it has {', '.join(names)}"
    start = names.index(first) if first else 0
    stop = names.index(last) + 1 if last else len(names)
    return steps[start:stop]
