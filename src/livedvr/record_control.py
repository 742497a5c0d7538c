"""How a recording is followed and ended by whoever has begun it, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livedvr.resources.errors import LiveDvrError
from livedvr.resources.models import DvrSession
from livedvr.sessions.view import NO_SESSION, to_json


@dataclass(frozen=True, slots=True)
class Progress:
    """How a recording stands. ``lag``: microseconds from the end of what is listed to now, None before there is any."""

    channel: str
    session: DvrSession | None
    lag: int | None


@dataclass(slots=True)
class RecordControl:
    """How a caller follows and ends a recording.

    ``stop`` seals the manifest and ends; ``kill`` ends ffmpeg at once, too. ``on_progress`` is called at each change
    and once a second, ``on_note`` with lines that are worth reading once, ``on_state`` at each change of a session's
    state.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    kill: asyncio.Event = field(default_factory=asyncio.Event)
    on_progress: Callable[[Progress], None] = lambda _: None
    on_note: Callable[[str], None] = lambda _: None
    on_state: Callable[[DvrSession], None] | None = None


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of a recording. ``error`` is set when it did not go as asked, also if something was recorded."""

    session_id: str
    session: DvrSession | None
    error: LiveDvrError | None

    def to_json(self) -> dict[str, Any]:
        """One flat object, see `livedvr.sessions.view.to_json`; nothing but id and error when there is no session."""
        shown = to_json(self.session) if self.session else {**NO_SESSION, "session": self.session_id}
        return {**shown, "error": str(self.error) if self.error else shown["error"]}
