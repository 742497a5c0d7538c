"""Follows a live presentation: loads it again and again as a player does, and examines every version of it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from livedvr.check.examination import Examination, Loaded
from livedvr.check.load import Presentation, load
from livedvr.check.report import Report
from livedvr.fetch import Fetcher, address_of
from livedvr.resources.errors import SourceError
from livedvr.resources.times import SECOND

_TYPICAL_TARGET = 6 * SECOND  # 6.2.1; where no playlist says
_SHORTEST_PAUSE = SECOND // 2  # whatever the playlist says, its server is not flooded


@dataclass(frozen=True, slots=True)
class Progress:
    """How far following has come."""

    reloads: int
    segments: int
    findings: int


def follow(
    target: str,
    *,
    duration: int,
    deep: bool,
    now: Callable[[], int],
    wait: Callable[[int], bool],
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Report:
    """Check a presentation while it grows.

    It ends when `duration` has passed, when every playlist has its EXT-X-ENDLIST, or when `wait` says so.

    Args:
        target: path, ``file:///`` or http(s) address of a multivariant or media playlist.
        duration: microseconds.
        deep: also open every segment, when it appears.
        now: microseconds of a clock that does not jump.
        wait: lets that many microseconds pass, and returns whether to stop; it is asked with 0 as well.
        on_progress: called after each load.

    Raises:
        InvalidArgument: the target is of no kind that can be read here.
        SourceError: the target cannot be read at the beginning, or is no HLS playlist. Later that is a finding.
    """
    address = address_of(target)
    fetcher = Fetcher(address)
    examination = Examination(target, fetcher, deep=deep, following=True, stopped=lambda: wait(0))
    until = now() + duration
    loads = _Loads(lambda: load(address, target, fetcher), examination, now)
    while True:
        due = loads.again()
        on_progress(Progress(loads.reloads, examination.segments, len(examination.findings)))
        if due is None or due > until or wait(max(0, due - now())):
            return examination.report(loads.reloads)


class _Loads:
    """Loads a presentation and has it examined, once a call."""

    def __init__(self, load: Callable[[], Presentation], examination: Examination, now: Callable[[], int]) -> None:
        self.reloads = -1  # the first load is none
        self._load = load
        self._examination = examination
        self._now = now
        self._presentation: Presentation | None = None

    def again(self) -> int | None:
        """Load it; returns when it is due again, None when every playlist has ended."""
        self.reloads += 1
        began = self._now()
        changed = False
        try:
            self._presentation = self._load()
        except SourceError as error:
            if self._presentation is None:
                raise
            self._examination.miss(error)
        else:
            changed = self._examination.take(Loaded(self._presentation, began, self._now()))
        return None if _has_ended(self._presentation) else began + _pause(self._presentation, changed)


def _pause(presentation: Presentation, changed: bool) -> int:
    """Microseconds from the beginning of one load to the next (6.3.4).

    A target duration after a load that found a change, half of it after one that did not; the playlists are loaded
    together, so a change in one of them counts.
    """
    running = [media.playlist for media in presentation.media if not media.playlist.ended]
    told = [playlist.target * SECOND for playlist in running if playlist.target is not None]
    target = min(told, default=_TYPICAL_TARGET)
    return max(_SHORTEST_PAUSE, target if changed else target // 2)


def _has_ended(presentation: Presentation) -> bool:
    return bool(presentation.media) and all(media.playlist.ended for media in presentation.media)


def monotonic() -> int:
    """The machine's clock that does not jump, microseconds."""
    return time.monotonic_ns() // 1000


class Interruption:
    """SIGINT as something to wait for, as long as this is entered; a second one is a KeyboardInterrupt again."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()  # an Event could deadlock: the handler runs in the thread that waits
        self._handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, micros: int) -> bool:
        """Let that much time pass; returns at once, and True, when SIGINT has come."""
        ready, _, _ = select.select([self._read], [], [], micros / SECOND)
        return bool(ready)

    def _interrupt(self, *_: object) -> None:
        os.write(self._write, b"!")
        signal.signal(signal.SIGINT, signal.default_int_handler)
