"""What the command line shows: progress with counts, rates and time left, one-line failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

__all__ = ["About", "Progress", "Stages", "err", "out", "stages"]


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Takes the stage, the things done and the things in all; 0 where nobody knows."""


class About(int):
    """Things in all, reckoned and not counted: shown with a ``~``."""


out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class _Count(ProgressColumn):
    """Things done, of those there are where somebody knows."""

    def render(self, task: Task) -> Text:
        done, total = task.fields["done"], task.fields["of"]
        about = "~" if isinstance(total, About) else ""
        known = f"/{about}{total:,}" if total else ""
        return Text(f"{done:,}{known}", style="progress.download")


class _Rate(ProgressColumn):
    """Things a second, once it means something."""

    def render(self, task: Task) -> Text:
        done, total = task.fields["done"], task.fields["of"]
        if task.finished_time:
            speed = done / task.finished_time
        else:
            speed = (task.speed or 0.0) * (total or 1)
        return Text(f"{speed:,.0f}/s" if speed and total != 1 else "", style="dim")


class _Left(ProgressColumn):
    """The time that is left, where it can be told from what is left."""

    # Slower than the eye would like, so that it can be read.
    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        seconds = None if task.finished else task.time_remaining
        if seconds is None:
            return Text("")
        return Text(f"{timedelta(seconds=int(seconds))} left", style="progress.remaining")


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
            total: Things in all; 0 where nobody knows, About where it is reckoned.
        """
        task = self._tasks.get(stage)
        if task is None:
            task = self._tasks[stage] = self._progress.add_task(
                stage, total=1.0 if total else None, done=0, of=total
            )
            if not self._progress.console.is_terminal:
                self._progress.console.print(f"{stage} ...")
        # By shares: whenever its total changes, a bar forgets how fast it was.
        self._progress.update(
            task,
            completed=done / total if total else done,
            total=1.0 if total else None,
            done=done,
            of=total,
        )


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress lines for as long as the block runs."""
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Count(),
        _Rate(),
        TimeElapsedColumn(),
        _Left(),
    )
    # Without a terminal, bars would be lines of noise: each stage is named once instead.
    with Bars(*columns, console=err, transient=False, disable=not err.is_terminal) as progress:
        yield Stages(progress)
