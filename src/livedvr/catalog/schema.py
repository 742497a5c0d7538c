"""The catalog's tables, as numbered migrations. Times are microseconds since the Unix epoch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from livedvr.resources.errors import FailedPrecondition

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE channels (
        id TEXT PRIMARY KEY,
        resource TEXT NOT NULL,              -- the Channel as JSON
        started INTEGER NOT NULL DEFAULT 0,  -- what the user wants: 1 after start, 0 after stop
        stopping INTEGER NOT NULL DEFAULT 0, -- 1 from a stop until its sessions are sealed (S11)
        target INTEGER,                      -- target duration in seconds, fixed at the first settled run (P3)
        owner_epoch INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        channel TEXT NOT NULL REFERENCES channels (id),
        created INTEGER NOT NULL,
        clock TEXT,                          -- the RunClock as JSON, from the first commit on
        media TEXT,                          -- the RunMedia as JSON, from the first commit on
        ended INTEGER,
        end_reason TEXT
    );
    CREATE INDEX runs_of_channel ON runs (channel, created);
    CREATE TABLE segments (
        channel TEXT NOT NULL REFERENCES channels (id),
        mux TEXT NOT NULL,
        number INTEGER NOT NULL,
        run TEXT NOT NULL REFERENCES runs (id),
        idx INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        start INTEGER NOT NULL,
        media_start INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (channel, mux, number),
        UNIQUE (run, mux, idx)               -- a journal row becomes a segment once
    ) WITHOUT ROWID;
    CREATE TABLE sessions (
        channel TEXT NOT NULL REFERENCES channels (id),
        id TEXT NOT NULL,
        manifest_key TEXT NOT NULL,
        windows TEXT NOT NULL,               -- [[start, end or null], ...]
        labels TEXT NOT NULL,
        state TEXT NOT NULL,
        error TEXT,
        edition INTEGER NOT NULL,
        target INTEGER,                      -- EXT-X-TARGETDURATION of the edition, from its first publication on
        summary TEXT,                        -- what a sealed session holds, as JSON
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        PRIMARY KEY (channel, id)
    ) WITHOUT ROWID;
    CREATE TABLE editions (                  -- numbers of an id never restart (O6), so they outlive the session
        channel TEXT NOT NULL,
        session TEXT NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (channel, session)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        channel TEXT NOT NULL REFERENCES channels (id),
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE sessions ADD COLUMN edition_windows TEXT NOT NULL DEFAULT '[]'; -- its present edition's
    UPDATE sessions SET edition_windows = windows;
    ALTER TABLE sessions ADD COLUMN cooldown_until INTEGER;  -- in COOLDOWN: when the new edition may come (S7)
    ALTER TABLE sessions ADD COLUMN ended INTEGER;           -- when it became FINISHED or FAILED (R3)
    ALTER TABLE segments ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0; -- 1: nothing may list it any more (R4)
    CREATE INDEX leaving_segments ON segments (channel) WHERE leaving;
    ALTER TABLE channels ADD COLUMN deleting INTEGER NOT NULL DEFAULT 0; -- 1: on its way out, nothing else is possible
    CREATE TABLE retired (                   -- editions that have been replaced or deleted: what they keep (R4, O6)
        channel TEXT NOT NULL REFERENCES channels (id),
        session TEXT NOT NULL,
        edition INTEGER NOT NULL,
        windows TEXT NOT NULL,               -- the segments it listed are those that meet these
        grace INTEGER NOT NULL,              -- microseconds: min(its playlist's duration, 1 h)
        playlist_until INTEGER,              -- its playlist stays until then, null: it stays, or has gone
        segments_until INTEGER,              -- its segments stay until then, null: main.m3u8 points at it
        PRIMARY KEY (channel, session, edition)
    ) WITHOUT ROWID;
    """,
    """
    UPDATE runs SET media = (                -- several renditions: {mux key: the RunMedia}
        SELECT json_object(json_extract(resource, '$.mux_streams[0].key'), json(runs.media))
        FROM channels WHERE channels.id = runs.channel
    ) WHERE media IS NOT NULL;
    UPDATE sessions SET summary = (          -- and how many segments of each a sealed session lists
        SELECT json_set(summary, '$.listed', json_object(
            json_extract(resource, '$.mux_streams[0].key'), json_extract(summary, '$.segments')))
        FROM channels WHERE channels.id = sessions.channel
    ) WHERE summary IS NOT NULL;
    UPDATE channels SET resource = json_remove(json_set(resource, '$.elementary_streams', json(
        CASE json_extract(resource, '$.video')
        WHEN 'h264' THEN
        '[{"key":"video","video_stream":{"codec":"h264"}},{"key":"audio","audio_stream":{"codec":"aac"}}]'
        ELSE '[{"key":"video","video_stream":{}},{"key":"audio","audio_stream":{}}]' END
    )), '$.video');
    """,
    """
    ALTER TABLE channels ADD COLUMN active_input TEXT NOT NULL DEFAULT 'primary'; -- the one on air
    ALTER TABLE runs ADD COLUMN input TEXT NOT NULL DEFAULT 'primary';            -- the one it is of
    """,
    """
    ALTER TABLE runs ADD COLUMN cues INTEGER NOT NULL DEFAULT 0; -- how many of its SCTE-35 messages are dealt with
    CREATE TABLE range_tags (                -- the RangeTags: what playlists say beside the segments (P9)
        channel TEXT NOT NULL REFERENCES channels (id),
        serial INTEGER NOT NULL,
        id TEXT NOT NULL,
        event TEXT NOT NULL,
        start INTEGER NOT NULL,
        planned INTEGER,
        returns INTEGER NOT NULL,
        ends INTEGER,
        carrier TEXT,
        section BLOB NOT NULL,
        places TEXT NOT NULL,                -- {mux key: number of the segment before which it stands}
        PRIMARY KEY (channel, serial)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE given_up (                  -- what was recorded and never stored: the spool was full (P8)
        channel TEXT NOT NULL REFERENCES channels (id),
        start INTEGER NOT NULL,              -- UTC microseconds of the stream, [start, end)
        end INTEGER NOT NULL,
        PRIMARY KEY (channel, start)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE break_orders (              -- ad breaks that are asked for and wait for their segment (P9)
        channel TEXT NOT NULL REFERENCES channels (id),
        event INTEGER NOT NULL,
        at INTEGER NOT NULL,
        duration INTEGER,                    -- null: there the program is returned to
        PRIMARY KEY (channel, event, at)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE api_resources (             -- what the Live Stream API has beside the tables above
        name TEXT PRIMARY KEY,               -- projects/p/locations/l/inputs/i
        parent TEXT NOT NULL,                -- projects/p/locations/l/inputs
        resource TEXT NOT NULL,              -- the message as JSON
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        domain TEXT                          -- the id of the channel that it is
    ) WITHOUT ROWID;
    CREATE INDEX api_resources_of_parent ON api_resources (parent, name);
    CREATE UNIQUE INDEX api_resource_of_channel ON api_resources (domain) WHERE domain IS NOT NULL;
    CREATE TABLE api_operations (
        name TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        target TEXT NOT NULL,                -- the resource's name
        verb TEXT NOT NULL,                  -- create, update, delete, start, stop
        created INTEGER NOT NULL,
        ended INTEGER,
        cancelled INTEGER NOT NULL,          -- 1: its cancellation has been asked for
        outcome TEXT                         -- response or error of google.longrunning.Operation, as JSON
    ) WITHOUT ROWID;
    CREATE INDEX api_operations_of_parent ON api_operations (parent, name);
    CREATE INDEX api_open_operations ON api_operations (created) WHERE ended IS NULL;
    CREATE TABLE api_answers (                   -- the same request id, the same answer (AIP-155)
        request TEXT PRIMARY KEY,
        digest TEXT NOT NULL,                -- of the request
        answer BLOB NOT NULL,
        time INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE clips (
        serial INTEGER PRIMARY KEY,          -- by creation
        channel TEXT NOT NULL REFERENCES channels (id),
        id TEXT NOT NULL,
        output_uri TEXT NOT NULL,
        manifest_key TEXT NOT NULL,
        file_name TEXT NOT NULL,             -- of what is played, below output_uri
        output_type TEXT NOT NULL,           -- MANIFEST or MP4
        exact INTEGER NOT NULL,              -- 1: cut to the frame
        windows TEXT NOT NULL,               -- the slices: [[start, end], ...]
        labels TEXT NOT NULL,
        state TEXT NOT NULL,
        error TEXT,
        made TEXT,                           -- what a clip that SUCCEEDED holds, as JSON
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        started INTEGER,                     -- when it became CREATING
        UNIQUE (channel, id)
    );
    """,
    """
    CREATE TABLE recordings (
        serial INTEGER PRIMARY KEY,          -- by creation
        channel TEXT NOT NULL REFERENCES channels (id),
        id TEXT NOT NULL,
        state TEXT NOT NULL,
        resource TEXT NOT NULL,              -- the Recording as JSON
        told INTEGER NOT NULL DEFAULT 0,     -- how many messages there have been to those who are told of it
        UNIQUE (channel, id)
    );
    CREATE TABLE notifications (             -- what is still to be told of recordings
        serial INTEGER PRIMARY KEY,
        channel TEXT NOT NULL REFERENCES channels (id),
        recording TEXT NOT NULL,
        dialect TEXT NOT NULL,
        uri TEXT NOT NULL,
        secret TEXT,
        event TEXT NOT NULL,
        body BLOB NOT NULL,                  -- as it is signed and sent, each time the same
        created INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next INTEGER NOT NULL                -- when it is to be sent
    );
    CREATE TABLE facade_resources (          -- what other systems' clients call by names of their own
        serial INTEGER PRIMARY KEY,          -- by creation
        facade TEXT NOT NULL,
        kind TEXT NOT NULL,                  -- a task, a call, an operation ...
        id TEXT NOT NULL,
        channel TEXT,                        -- of the recording behind it
        recording TEXT,
        created INTEGER NOT NULL,
        resource TEXT NOT NULL,              -- JSON
        UNIQUE (facade, kind, id)
    );
    CREATE INDEX facade_resources_by_recording ON facade_resources (channel, recording);
    """,
)


def check_version(connection: sqlite3.Connection) -> int:
    """How many migrations are done; FAILED_PRECONDITION when they are more than there are here."""
    done: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if done > len(MIGRATIONS):
        raise FailedPrecondition(
            f"the catalog has schema {done}, this livedvr knows {len(MIGRATIONS)}", hint="use a newer livedvr"
        )
    return done


def migrate(connection: sqlite3.Connection, keep: Callable[[], object] = lambda: None) -> None:
    """Bring the database to the newest schema; ``user_version`` counts the migrations done.

    ``keep`` is called before one that has an older schema is changed; nobody else changes it meanwhile.
    """
    connection.execute("BEGIN IMMEDIATE")  # two controllers may open a new data dir at the same moment
    try:
        done = check_version(connection)
        if 0 < done < len(MIGRATIONS):
            keep()
        for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
