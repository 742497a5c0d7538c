"""The sessions of a data dir, through the channel's owner or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from livedvr.cli.remote import Listing
from livedvr.cli.reported import note
from livedvr.cli.session_source import Shown
from livedvr.cli.session_text import cooldown
from livedvr.control.wire import Request
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import DvrSession, TimeInterval
from livedvr.resources.session_patch import SessionPatch
from livedvr.session_access import SessionAccess
from livedvr.sessions.view import to_json
from livedvr.storage.open_store import place_of


def access_of(data_dir: str | None, output: str | None, channel: str) -> SessionAccess:
    """The channel that --channel, --data-dir and --output name; INVALID_ARGUMENT, or NOT_FOUND."""
    place = None if output is None else place_of(output)
    where = Path(data_dir) if data_dir else place.default_data_dir if place else None
    if where is None:
        raise InvalidArgument("name the channel's output", field="--output", hint="or its data dir, by --data-dir")
    access = SessionAccess(where, channel)
    if place is not None and place != access.place:
        raise InvalidArgument(f"channel '{channel}' of this data dir writes to {access.place.uri}", field="--output")
    return access


class LocalSessions:
    """By the control socket, from the catalog, or by a visit."""

    def __init__(self, data_dir: str | None, output: str | None, channel: str) -> None:
        self._channel = channel
        self._access = access_of(data_dir, output, channel)
        self.last: Shown | None = None
        self._said: set[str] = set()

    def list(self, listing: Listing) -> list[Shown]:
        """All of them: there is no other listing here."""
        for name in ("filter", "order_by", "page_size", "limit"):
            if getattr(listing, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise InvalidArgument("it needs a server", field=option, hint="with --server")
        return [*self._ask(Request(method="list"))]

    def get(self, session_id: str) -> Shown:
        """As the owner says, or the catalog."""
        return self._ask(Request(method="get", session=session_id))[0]

    def player_url(self, session: Shown) -> str | None:
        """None: no server is asked."""
        return None

    def create(self, session_id: str, windows: Sequence[TimeInterval], manifest: str, labels: dict[str, str]) -> Shown:
        """Not possible: who owns the channel here made it for a session of its own."""
        raise InvalidArgument("new sessions need a server", field="create", hint="--server, or `livedvr record`")

    def update(self, session_id: str, patch: SessionPatch) -> Shown:
        """Waits until it is at rest where nobody else owns the channel."""
        return self._ask(Request(method="update", session=session_id, patch=patch))[0]

    def delete(self, session_id: str) -> None:
        """The session and its manifest."""
        self._ask(Request(method="delete", session=session_id))

    def _ask(self, request: Request) -> Sequence[Shown]:
        found = asyncio.run(self._access.ask(request, self._seen))
        if not found.owned and any(one.state not in ("FINISHED", "FAILED") for one in found.sessions):
            self._note(f"nobody runs channel '{self._channel}'; `livedvr record --resume` takes it up")
        return [to_json(one) for one in found.sessions]

    def _seen(self, one: DvrSession) -> None:
        """Says what an update waits for that is carried out without an owner."""
        self.last = to_json(one)
        if one.state == "COOLDOWN":
            text = f"COOLDOWN: {cooldown(self.last)}; waiting for it"
            self._note(f"{text} (Ctrl-C leaves it to the next controller)")

    def _note(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            note(text)
