"""What the command line shows: progress with counts and rates, one-line failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

__all__ = ["Progress", "Stages", "err", "out", "stages"]


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Takes the stage, the things done and the things in all; 0 where nobody knows."""


out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class _Rate(ProgressColumn):
    """Things a second, once it means something."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed and (task.total or 0) > 1 else "", style="dim")


@dataclass(slots=True)
class Stages:
    """One progress line a stage; calling it with (stage, done, total) moves that line."""

    _progress: Bars
    _tasks: dict[str, TaskID] = field(default_factory=dict)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows how far a stage is.

        Args:
            stage: Its name; a new name begins a new line.
            done: Things done.
            total: Things in all; 0 where nobody knows.
        """
        task = self._tasks.get(stage)
        if task is None:
            task = self._tasks[stage] = self._progress.add_task(stage, total=total or None)
            if not self._progress.console.is_terminal:
                self._progress.console.print(f"{stage} ...")
        self._progress.update(task, completed=done, total=total or None)


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress lines for as long as the block runs."""
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
    )
    # Without a terminal, bars would be lines of noise: each stage is named once instead.
    with Bars(*columns, console=err, transient=False, disable=not err.is_terminal) as progress:
        yield Stages(progress)
