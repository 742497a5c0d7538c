"""A channel's sessions as the catalog alone tells them, for a channel that nobody runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from livedvr.catalog import segment_rows, session_rows
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.resources.layout import multivariant_name
from livedvr.resources.models import DvrSession
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.view import to_resource


def stored_sessions(db: sqlite3.Connection, row: ChannelRow, uri: Callable[[str], str]) -> list[DvrSession]:
    """The sessions by creation, each with what its present edition holds; ``uri`` tells where an object is."""
    channel = row.channel
    sessions = [OpenSession(stored, channel) for stored in session_rows.list_sessions(db, channel.channel_id)]
    drawn = [session for session in sessions if session.row.summary is None and session.row.target is not None]
    known = segment_rows.load_timeline(db, row) if drawn else None
    for session in drawn:
        assert known is not None
        session.grow(known)
    return [
        to_resource(
            session.row,
            session.row.summary or session.summary(),
            uri(multivariant_name(session.row.id, channel.manifest(session.row.manifest_key).file_name)),
        )
        for session in sessions
    ]
