"""The sessions of a channel of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from livedvr.cli.arguments import in_json
from livedvr.cli.kinds import last
from livedvr.cli.remote import Listing, Message, Remote
from livedvr.cli.session_source import Shown
from livedvr.resources.models import DvrSession, TimeInterval
from livedvr.resources.session_patch import SessionPatch
from livedvr.sessions.view import to_json

# What the API does not tell of a session: unknown, not zero.
UNTOLD = ("cooldown_end", "actual_start", "actual_end", "segments", "duration", "bytes", "gaps")


class RemoteSessions:
    """Over REST. No update waits there."""

    last: Shown | None = None

    def __init__(self, remote: Remote, channel: str) -> None:
        self._remote = remote
        self._collection = f"channels/{channel}/dvrSessions"

    def list(self, listing: Listing) -> list[Shown]:
        """As the server lists them."""
        return [shown(one) for one in self._remote.list(self._collection, listing)]

    def get(self, session_id: str) -> Shown:
        """As it stands."""
        return shown(self._remote.get(self._name(session_id)))

    def player_url(self, session: Shown) -> str | None:
        """Below ``/media``, of an output ``gs://`` in a server's directory: where a path lies in it is not told."""
        uri, rest = session["output_uri"], self._remote.rest
        path = f"/media/{quote(uri.removeprefix('gs://'))}"
        return rest.server + path if uri.startswith("gs://") and rest.serves(path) else None

    def create(self, session_id: str, windows: Sequence[TimeInterval], manifest: str, labels: dict[str, str]) -> Shown:
        """Accepted and scheduled."""
        body = {"dvrManifests": [{"manifestKey": manifest}], **_windows(windows), "labels": labels}
        return shown(self._remote.wait(self._remote.create(self._collection, session_id, body)))

    def update(self, session_id: str, patch: SessionPatch) -> Shown:
        """What is named of the patch is sent; the server knows no relative ones."""
        name = self._name(session_id)
        now = session_of(self._remote.get(name))
        windows, labels = patch.windows_of(now), patch.labels_of(now)
        body = ({} if windows is None else _windows(windows)) | ({} if labels is None else {"labels": labels})
        return shown(self._remote.wait(self._remote.update(name, body, ",".join(body))))

    def delete(self, session_id: str) -> None:
        """Its manifest, too."""
        self._remote.wait(self._remote.delete(self._name(session_id)))

    def _name(self, session_id: str) -> str:
        return self._remote.name(self._collection, session_id)


def shown(message: Message) -> Shown:
    """The API's session as the command line shows sessions."""
    return to_json(session_of(message)) | dict.fromkeys(UNTOLD)


def session_of(message: Message) -> DvrSession:
    """The API's session as the domain's, with what the API tells."""
    (manifest,) = message["dvrManifests"]
    return DvrSession(
        session_id=last(message["name"]),
        channel_id=message["name"].split("/")[-3],
        manifest_key=manifest["manifestKey"],
        output_uri=manifest.get("outputUri", ""),
        dvr_windows=tuple(TimeInterval(**one.get("timeInterval", {})) for one in message["dvrWindows"]),
        state=message.get("state", "PENDING"),
        error=message.get("error", {}).get("message"),
        create_time=message["createTime"],
        update_time=message["updateTime"],
        labels=message.get("labels", {}),
    )


def _windows(windows: Sequence[TimeInterval]) -> dict[str, Any]:
    return {"dvrWindows": [{"timeInterval": in_json(one)} for one in windows]}
