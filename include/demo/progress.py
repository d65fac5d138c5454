"""A progress bar for a person, plain lines for a log."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """What is running and how far it is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._chapters: list[tuple[str, float]] = []
        self._bar = Bar(
            TextColumn("{task.percentage:>3.0f} %"),
            BarColumn(30),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=1.0)

    @contextmanager
    def shown(self) -> Iterator[None]:
        if self.is_live:
            with self._bar:
                yield
        else:
            yield

    @property
    def is_live(self) -> bool:
        """Whether somebody sees the bar."""
        return self._console.is_terminal

    def chapter(self, text: str) -> None:
        self._chapters.append((text, time.monotonic()))
        self.say(text)
        self._bar.update(self._task, description=text)

    def say(self, text: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._began:4.0f} s[/dim]  {text}", highlight=False)

    def took(self) -> list[tuple[str, float]]:
        """Each chapter with its seconds; the last one lasts until now."""
        ends = [*(began for _, began in self._chapters[1:]), time.monotonic()]
        return [(text, end - began) for (text, began), end in zip(self._chapters, ends, strict=True)]

    def update(self, done: int, total: int, running: Counter[str]) -> None:
        names = ", ".join(f"{name} x{count}" if count > 1 else name for name, count in sorted(running.items()))
        self._bar.update(self._task, completed=min(done / total, 0.99), description=f"running: {names or 'scheduling'}")
