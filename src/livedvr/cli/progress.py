"""What `livedvr record` shows on stderr: one live line on a terminal, else a line per change of state."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from livedvr.recording import Progress
from livedvr.resources.models import DvrSession, to_micros
from livedvr.resources.times import SECOND, format_time


class Display:
    """Shows progress. Use it as a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        # With a transient display the last line goes at the end: the summary follows on stdout.
        self._live = Live(console=self._console, transient=True, refresh_per_second=4)
        self._on_terminal = self._console.is_terminal
        self._said = ""

    def __enter__(self) -> Self:
        if self._on_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_terminal:
            self._live.stop()

    def note(self, text: str) -> None:
        """A line that stays."""
        self._console.print(Text(text), soft_wrap=True)  # as it is; markup=False would count for the live line, too

    def update(self, progress: Progress) -> None:
        """The recording stands like this now."""
        state = _state(progress)
        if self._on_terminal:
            self._live.update(_line(state, progress))
        elif state != self._said:
            self._said = state
            self.note(state)


def _state(progress: Progress) -> str:
    session = progress.session
    if session is None or (session.state in ("PENDING", "SCHEDULED") and progress.channel != "STREAMING"):
        return {
            "STARTING": "starting",
            "AWAITING_INPUT": "waiting for the source",
            "STREAMING": "receiving; the clock settles",
            "STREAMING_NO_INPUT": "waiting for the source",
        }.get(progress.channel, progress.channel)
    if session.cooldown_end_time is not None:
        return f"{session.state} until {format_time(to_micros(session.cooldown_end_time))}"
    if session.state == "LIVE" and progress.channel in ("AWAITING_INPUT", "STREAMING_NO_INPUT"):
        return "LIVE; waiting for the source"
    return session.state


def _line(state: str, progress: Progress) -> Table:
    grid = Table.grid(padding=(0, 2))  # one line at 80 columns; on a narrower terminal its end is cut off
    cells = [f"[bold]{state}[/bold]"]
    session = progress.session
    if session is not None and session.segments:
        cells += [f"{session.segments} segments", _size(session.size_bytes), _bar(session)]
        if progress.lag is not None:
            cells.append(f"lag {progress.lag / SECOND:.1f} s")
        count = len(session.gaps)
        cells.append(f"[red]{count} gap{'s' if count > 1 else ''}[/red]" if count else "no gaps")
    for _ in cells:
        grid.add_column(no_wrap=True)
    grid.add_row(*cells)
    return grid


def _bar(session: DvrSession, width: int = 12) -> str:
    """How much of the window is there; only the duration when the window is open, or not honoured yet."""
    done = session.duration.total_seconds()
    first, last = session.dvr_windows[0].start_time, session.dvr_windows[-1].end_time
    if first is None or last is None or session.state in ("COOLDOWN", "UPDATING"):
        return f"{done:.1f} s"
    asked = (last - first).total_seconds()
    filled = min(width, round(width * done / asked))
    return f"[green]{'━' * filled}[/green][dim]{'━' * (width - filled)}[/dim] {done:.1f} of {asked:.1f} s"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
