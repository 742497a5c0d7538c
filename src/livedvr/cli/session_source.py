"""Where `livedvr session` finds sessions: a data dir, or a server. Both show a session as the same flat object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from livedvr.cli.remote import Listing
from livedvr.resources.models import TimeInterval
from livedvr.resources.session_patch import SessionPatch

Shown = dict[str, Any]
"""A session as `livedvr.sessions.view.to_json` has it; None where the source does not tell."""


class SessionSource(Protocol):
    """The sessions of one channel. Raises LiveDvrError. ``last``: the session as an update that waits has seen it."""

    last: Shown | None

    def list(self, listing: Listing) -> list[Shown]:
        """By creation, unless the listing says otherwise."""

    def get(self, session_id: str) -> Shown:
        """NOT_FOUND when there is none."""

    def player_url(self, session: Shown) -> str | None:
        """The HTTP address at which its playlist plays; None: nobody hands it out, or it is not there yet."""

    def create(self, session_id: str, windows: Sequence[TimeInterval], manifest: str, labels: dict[str, str]) -> Shown:
        """The session as it has been accepted."""

    def update(self, session_id: str, patch: SessionPatch) -> Shown:
        """The session as it stands afterwards."""

    def delete(self, session_id: str) -> None:
        """Returns when it is gone."""
