"""What must be true of sessions, whatever happens: held against each commit and each write as they take place."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from livedvr.catalog import segment_rows, session_rows
from livedvr.catalog.range_rows import list_tags
from livedvr.catalog.session_rows import SessionRow
from livedvr.hls.date_range import date_range_line
from livedvr.hls.rules import Level, check_media_playlist, check_multivariant
from livedvr.resources.layout import Container, segment_name
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.segment import Segment, Window
from simulation.catalog import Database, Told
from simulation.live import LivePlaylist
from simulation.playlists import MUX, Published, Truth
from simulation.slowly import holes_of, peak_of
from simulation.storage import FOR_GOOD, Bucket
from simulation.world import World

CHANNEL = "live"
COOLDOWN = 60 * SECOND
_ENDINGS = {"POST_PROCESSING", "STOPPING", "FAILED", "DELETING"}

# The table of SEMANTICS S as the catalog shows it: what plan() passes through in one step has its own entry.
ALLOWED: dict[str | None, set[str | None]] = {
    None: {"PENDING"},  # S1
    "PENDING": {"SCHEDULED", "LIVE", "UPDATING"} | _ENDINGS,  # S2 S3 S5 S6, S3 + S11
    "SCHEDULED": {"LIVE", "UPDATING"} | _ENDINGS,  # S3 S5 S6, S3 + S11
    "LIVE": {"COOLDOWN"} | _ENDINGS,  # S5 S7 S11 S14
    "COOLDOWN": {"UPDATING", "DELETING"},  # S7 S13
    "UPDATING": {"SCHEDULED", "LIVE"} | _ENDINGS,  # S6 S10
    "POST_PROCESSING": {"FINISHED", "FAILED", "DELETING"},  # S5 S14
    "STOPPING": {"FINISHED", "FAILED", "DELETING"},  # S11
    "FINISHED": {"UPDATING", "DELETING"},  # S10
    "FAILED": {"DELETING"},  # S15
    "DELETING": {None},
}
TERMINAL = {"FINISHED", "FAILED"}


@dataclass
class Watched:
    """A session as the oracle has followed it."""

    row: SessionRow
    opened: int | None
    stopped: bool = False  # it went through STOPPING: what comes later is not for it (S11)
    listed_until: int | None = None  # the timeline's length when it was decided what the edition lists
    cut: bool = False


@dataclass
class Oracle:
    """Checks the world. The session-hours are counted here: the time while a session is open."""

    world: World
    database: Database
    bucket: Bucket
    container: Container
    retention: int
    thorough: float  # the probability that a sealed playlist is held against all rules of RFC 8216
    open_micros: int = 0
    sessions: dict[str, Watched] = field(default_factory=dict)
    playlists: dict[str, Published] = field(default_factory=dict)
    editions: dict[str, int] = field(default_factory=dict)
    mains: dict[str, int] = field(default_factory=dict)  # the edition that main.m3u8 points at
    promised: dict[str, tuple[Window, ...]] = field(default_factory=dict)  # ended windows: no media may come for them
    asked: set[str] = field(default_factory=set)  # the sessions of which somebody has asked that they go
    disk_was_full: bool = False

    def __post_init__(self) -> None:
        self.truth = Truth(self.container)
        self.live = LivePlaylist(self.world, self.bucket, self.truth)
        self.digest = hashlib.blake2b()
        self.bucket.on_replace = self.replaced
        self.bucket.on_delete = self.deleted

    # commits

    def committed(self, told: list[Told]) -> None:
        """A commit has changed this."""
        listable = len(self.truth.segments)
        for change in told:
            if change.what == "segment":
                self._segment_added(int(change.id))
            elif change.what == "range tag":
                self._tag_added(int(change.id), listable)
            elif change.what == "segment leaving":
                self._segment_leaving(int(change.id))
            elif change.what == "segment gone":
                self._segment_gone(int(change.id))
            elif change.what == "event" and change.was == "TARGET_DURATION_EXCEEDED":
                said = re.search(r" lasts (\d+)\.(\d{6}) s", change.id)
                assert said is not None, change.id
                rounded = (2 * int(said[1] + said[2]) + SECOND) // (2 * SECOND)
                self.truth.announced = max(self.truth.announced, rounded)
            elif change.what == "session":
                self._session_changed(change)

    def _segment_added(self, number: int) -> None:
        row = self.database.connection.execute(
            "SELECT number, run, idx, epoch, start, media_start, duration, size FROM segments WHERE number = ?",
            (number,),
        ).fetchone()
        segment, check = Segment(*row), self.world.check
        before = self.truth.segments[-1] if self.truth.segments else None
        check("C3 numbers", number == len(self.truth.segments), lambda: f"{number} after {before}")
        if before is not None:
            check("C3 dates never go backwards", segment.start >= before.start, lambda: f"{segment} after {before}")
            check("P4 epochs rise", segment.epoch - before.epoch in (0, 1), lambda: f"{segment} after {before}")
        self.truth.add(segment)
        for session, windows in list(self.promised.items()):
            end = windows[-1].end
            if end is not None and end <= segment.start:
                del self.promised[session]
                continue
            check(
                "S5 nothing comes for a session that is over",
                not any(window.meets(segment) for window in windows),
                lambda session=session: f"{session} has ended, and {segment} meets {self.promised[session]}",
            )

    def _tag_added(self, serial: int, listable: int) -> None:
        """P9: it stands before a segment that nobody could list before this commit."""
        tag = next(tag for tag in list_tags(self.database.connection, CHANNEL) if tag.serial == serial)
        line, place, check = date_range_line(tag), tag.places[MUX], self.world.check
        check("P9 no place is published yet", place >= listable, lambda: f"{line} at {place}, {listable} are listable")
        same = self.truth.ranges.get(tag.id, [])
        told = len(same) < 2 and all(other.start == tag.start and other.end is None for other in same)
        check("P9 a beginning and an end, once", told, lambda: f"{line}\n{same}")
        self.truth.add_tag(tag, line)

    def _session_going(self, before: SessionRow) -> None:
        """Nobody has asked for it: retention or disk pressure takes the session (R3, R5)."""
        check, id = self.world.check, before.id
        check("R3 what goes had ended", before.state in TERMINAL, lambda: f"{before}")
        check("R3 a pin keeps", before.labels.get("livedvr-pin") != "true", lambda: f"{id} was pinned")
        start = (before.summary or {}).get("actual_start")
        first = 0 if start is None else self.truth.starting_at(start).end
        ended = before.ended or before.updated
        due = first + self.retention if first + self.retention > ended else ended + self.retention
        check(
            "R3 not before its first segment expires",
            due <= self.world.now or self.disk_was_full,
            lambda: f"{id} goes {(due - self.world.now) / SECOND} s early",
        )

    def _segment_leaving(self, number: int) -> None:
        """From here on nothing may list it (R1, R2, R4)."""
        self.truth.left.add(number)
        segment, check = self.truth.segments[number], self.world.check
        check(
            "R1 kept for the retention window",
            segment.end <= self.world.now - self.retention or self.disk_was_full,
            lambda: f"{segment} leaves {(segment.end + self.retention - self.world.now) / SECOND} s early",
        )
        for watched in self.sessions.values():
            row = watched.row
            if row.state == "DELETING":
                continue
            is_open = row.state not in TERMINAL and any(w.meets(segment) for w in (*row.windows, *row.edition_windows))
            playlist = self._published(row)
            is_listed = playlist is not None and playlist.lists(number)
            check(
                "R2 what a session holds stays",
                not (is_open and watched.listed_until is None) and not is_listed,
                lambda row=row: f"number {number} leaves, {row.id} is {row.state} and holds it: {row}",
            )

    def _segment_gone(self, number: int) -> None:
        segment = self.truth.segments[number]
        name = segment_name(MUX, segment.run, segment.index, self.container)
        self.world.check("R4 the object, then the row", not self.bucket.has(name), lambda: f"{name} is left")

    def _session_changed(self, change: Told) -> None:
        id, world = change.id, self.world
        if change.was != change.became:
            world.note("session %s: %s -> %s", id, change.was, change.became)
            world.check(
                f"S {change.was} -> {change.became}",
                change.became in ALLOWED[change.was],
                lambda: f"{id}: {change.was} -> {change.became}",
            )
        if change.edition is not None and change.edition != change.edition_was:
            last = self.editions.get(id, 0)
            world.check("O6 editions rise", change.edition > last, lambda: f"{id}: {change.edition} after {last}")
            self.editions[id] = change.edition
        row = session_rows.find_session(self.database.connection, CHANNEL, id)
        watched = self.sessions.get(id)
        if change.became is None:
            self._session_gone(id)
        elif watched is None:
            if row is not None:
                self.sessions[id] = Watched(row, world.now)
        elif row is not None:
            self._follow(watched, row, change)

    def _session_gone(self, id: str) -> None:
        watched = self.sessions.pop(id)
        self._closed(watched)
        left = self.bucket.names(f"dvr/{id}/")
        self.world.check("S15 nothing is left", not left, lambda: f"{id} is gone, and there are {left}")
        self.promised.pop(id, None)
        self.mains.pop(id, None)
        self.asked.discard(id)

    def _follow(self, watched: Watched, row: SessionRow, change: Told) -> None:
        before, watched.row = watched.row, row
        if row.edition != before.edition or row.state == "UPDATING":
            watched.listed_until = None
        if row.summary is not None and before.summary is None:
            watched.listed_until = len(self.truth.segments)
        if change.was == change.became:
            return
        if row.state == "DELETING" and row.id not in self.asked:
            self._session_going(before)
        if row.state == "STOPPING":
            watched.stopped = True
        if row.state == "UPDATING":
            watched.stopped = False
            self.promised.pop(row.id, None)
            if change.was == "COOLDOWN":
                self._check_cooled(before)
        if row.state in TERMINAL:
            self._closed(watched)
            (self._check_finished if row.state == "FINISHED" else self._check_failed)(watched)
        elif change.was in TERMINAL and row.state != "DELETING":
            watched.opened = self.world.now

    def _closed(self, watched: Watched) -> None:
        if watched.opened is not None:
            self.open_micros += self.world.now - watched.opened
            watched.opened = None

    def open_until_now(self) -> int:
        """Microseconds that sessions have been open, those that still are included."""
        return self.open_micros + sum(self.world.now - s.opened for s in self.sessions.values() if s.opened is not None)

    # endings

    def _published(self, row: SessionRow) -> Published | None:
        return self.playlists.get(f"dvr/{row.id}/{MUX}/index-{row.edition}.m3u8")

    def _check_cooled(self, before: SessionRow) -> None:
        old = self._published(before)
        refused = self.bucket.forbidden is not None or old is None or not old.sealed
        self.world.check(
            "S7 sealed, then 60 s",
            refused or (old is not None and self.world.now >= old.sealed_at + COOLDOWN),
            lambda: f"{before.id}: the cooldown was over at {self.world.now}, sealed {old and old.sealed_at}",
        )

    def _check_finished(self, watched: Watched) -> None:
        row, world = watched.row, self.world
        playlist = self._published(row)
        stored = playlist is not None and playlist.sealed and self.bucket.has(playlist.address)
        world.check("S5 FINISHED is sealed", stored, lambda: f"{row.id} is FINISHED, stored is {playlist}")
        world.check(
            "O6 FINISHED is what main.m3u8 points at",
            self.mains.get(row.id) == row.edition,
            lambda: f"{row.id}: edition {row.edition}, main.m3u8 says {self.mains.get(row.id)}",
        )
        if playlist is None:
            return
        until = watched.listed_until if watched.listed_until is not None else len(self.truth.segments)
        wanted = self.truth.meeting(row.edition_windows, until)
        world.check(
            "W5 FINISHED lists all of its windows",
            playlist.numbers == wanted,
            lambda: f"{row.id} lists {_ranges(playlist.numbers)}, its windows meet {_ranges(wanted)}",
        )
        world.check("S10 FINISHED honours the windows", row.windows == row.edition_windows, lambda: str(row))
        self._check_summary(row, playlist)
        if not watched.stopped:
            self._promise(row)

    def _check_summary(self, row: SessionRow, playlist: Published) -> None:
        held = row.summary or {}
        said = (held.get("segments"), held.get("duration"))
        is_so = (len(playlist.numbers), playlist.duration)
        self.world.check("P8 the summary is what is listed", said == is_so, lambda: f"{row.id}: {said} {is_so}")
        listed = [self.truth.segments[number] for number in playlist.numbers]
        wanted = holes_of(row.edition_windows, listed)
        found = [(start, end) for start, end, _ in held.get("gaps", ())]
        self.world.check(
            "P8 the ledger is what is missing",
            found == wanted,
            lambda: f"{row.id}: {found[-3:]}, wanted {wanted[-3:]} of {row}",
        )

    def _check_failed(self, watched: Watched) -> None:
        row, world = watched.row, self.world
        error = row.error or ""
        world.check(
            "S14 FAILED says why", "NOT_FOUND" in error or FOR_GOOD in error or "412" in error, lambda: f"{row}"
        )
        if "NOT_FOUND" in error:
            met = self.truth.meeting(row.windows, len(self.truth.segments))
            world.check("S5 FAILED has no media", not met, lambda: f"{row.id} is NOT_FOUND, {_ranges(met)} meet it")
            if not watched.stopped:
                self._promise(row)

    def _promise(self, row: SessionRow) -> None:
        end = row.windows[-1].end
        if end is not None:
            self.promised[row.id] = row.windows

    # objects

    def replaced(self, name: str, data: bytes) -> None:
        """An object has been written."""
        if not name.startswith("dvr/"):
            self.digest.update(f"{self.world.now} {name}\n".encode() + data)
            self.live.replaced(name, data, thorough=self.world.rng.random() < self.thorough)
            return
        _, id, *rest = name.split("/")
        watched = self.sessions.get(id)
        before = self.playlists.get(name)
        fresh = data[len(before.data) :] if before else data
        self.digest.update(f"{self.world.now} {name} {len(data)}\n".encode() + fresh)
        self.world.note("written %s: %d bytes, %d new", name, len(data), len(fresh))
        self.world.check("S15 nothing is written without a session", watched is not None, lambda: name)
        if watched is None:
            return
        if len(rest) == 1:
            self._main_replaced(id, data, watched)
            return
        if before is None:
            before = self.playlists[name] = Published(self.world, self.bucket, self.truth, name)
        was_sealed = before.sealed
        before.replaced(data, watched.row.edition_windows)
        if before.sealed and not was_sealed:
            self._sealed(before, watched)

    def _sealed(self, playlist: Published, watched: Watched) -> None:
        held = watched.row.summary
        self.world.check(
            "P2 the summary is stored before ENDLIST is published",
            held is not None and held["segments"] == len(playlist.numbers),
            lambda: f"{playlist.address}: {len(playlist.numbers)} listed, stored is {held}",
        )
        if self.world.rng.random() < self.thorough:
            self.check_rules(playlist)

    def check_rules(self, playlist: Published) -> None:
        """All rules of `livedvr check` that need nothing but the text."""
        found = [
            finding
            for finding in check_media_playlist(playlist.data.decode(), playlist.address)
            if finding.level is Level.MUST
            and not (finding.rule_id == "targetduration-exceeded" and self.truth.announced)
        ]
        self.world.check("RFC 8216 media playlist", not found, lambda: f"{found[:3]}")

    def _main_replaced(self, id: str, data: bytes, watched: Watched) -> None:
        text, check = data.decode(), self.world.check
        pointed = re.search(rf"^({MUX}/index-(\d+)\.m3u8)$", text, re.MULTILINE)
        check("O6 main.m3u8 points at an edition", pointed is not None, lambda: f"{id}: {text}")
        if pointed is None:
            return
        address, edition = f"dvr/{id}/{pointed[1]}", int(pointed[2])
        check("O6 renditions first, then main.m3u8", self.bucket.has(address), lambda: f"{id}: no {address}")
        check("O6 main.m3u8 never goes back", edition >= self.mains.get(id, 0), lambda: f"{id}: {edition}")
        check("O6 main.m3u8 is the present edition", edition == watched.row.edition, lambda: f"{id}: {edition}")
        self.mains[id] = edition
        playlist = self.playlists.get(address)
        if playlist is not None and playlist.sealed and len(playlist.numbers) < 100:
            listed = [self.truth.segments[number] for number in playlist.numbers]
            peak = peak_of(listed, playlist.target)
            declared = re.search(r":BANDWIDTH=(\d+),", text)
            check("P6 BANDWIDTH", declared is not None and int(declared[1]) >= peak, lambda: f"{id}: {text} {peak}")
        found = [f for f in check_multivariant(text, id) if f.level is Level.MUST]
        check("RFC 8216 multivariant playlist", not found, lambda: f"{found[:3]}")

    def deleted(self, name: str) -> None:
        """An object has gone."""
        self.digest.update(f"{self.world.now} {name} gone\n".encode())
        self.world.note("deleted %s", name)
        if not name.startswith("dvr/"):
            self._segment_deleted(name)
            return
        _, id, *rest = name.split("/")
        if len(rest) == 1:
            self.mains.pop(id, None)
            return
        self.playlists[name].deleted_at = self.world.now
        pointed_at = f"dvr/{id}/{MUX}/index-{self.mains.get(id)}.m3u8"
        self.world.check("R4 main.m3u8 goes first", name != pointed_at, lambda: f"{name} has gone, main.m3u8 is there")

    def _segment_deleted(self, name: str) -> None:
        segment = self.truth.by_name.get(name)
        if segment is None:
            return
        self.live.deleted(segment, early=self.disk_was_full)
        check = self.world.check
        check("R4 marked, then deleted", segment.number in self.truth.left, lambda: name)
        for playlist in self.playlists.values():
            if not playlist.lists(segment.number):
                continue
            gone = playlist.deleted_at
            check("R4 manifest first", gone is not None, lambda p=playlist: f"{name} has gone, {p.address} lists it")
            grace = min(playlist.duration, HOUR)
            check(
                "R4 then a grace",
                gone is None or self.world.now >= gone + grace or self.disk_was_full,
                lambda p=playlist, g=grace: (
                    f"{name} has gone {(self.world.now - (p.deleted_at or 0)) / SECOND} s after "
                    f"{p.address}, whose grace is {g / SECOND} s"
                ),
            )

    # when faults have ceased

    def check_converged(self, last_ends_only: bool) -> None:
        """No session is on its way any more; with ``last_ends_only`` the channel is stopped as well."""
        moving = {"PENDING", "UPDATING", "POST_PROCESSING", "COOLDOWN", "DELETING", "STOPPING"}
        if last_ends_only:
            moving.add("LIVE")
        for id, watched in self.sessions.items():
            self.world.check(
                "S16 everything converges",
                watched.row.state not in moving,
                lambda id=id, watched=watched: f"{id} is stuck in {watched.row.state}: {watched.row}",
            )
            playlist = self._published(watched.row)
            if watched.row.state == "LIVE":
                wanted = self.truth.meeting(watched.row.edition_windows, len(self.truth.segments) - 2)
                listed = playlist.numbers if playlist else []
                self.world.check(
                    "S3 LIVE is caught up and can be fetched",
                    listed[: len(wanted)] == wanted and self.mains.get(id) == watched.row.edition,
                    lambda id=id, listed=listed, wanted=wanted: (
                        f"{id}: {_ranges(listed)}, wanted {_ranges(wanted)}, main.m3u8 {self.mains.get(id)}"
                    ),
                )
            if playlist is not None and self.world.rng.random() < self.thorough:
                self.check_rules(playlist)

    def check_orphans(self) -> None:
        """Nothing stands in the store that no session knows, and the live manifest has come to its end."""
        self.live.check_settled()
        orphans = [name for name in self.bucket.names("dvr") if name.split("/")[1] not in self.sessions]
        self.world.check("R4 nothing is orphaned", not orphans, lambda: str(orphans[:5]))
        stored = list(segment_rows.list_segments(self.database.connection, CHANNEL, MUX))
        kept = [segment for segment in self.truth.segments if segment.number not in self.truth.left]
        self.world.check("S16 the catalog is what was committed", stored == kept, lambda: f"{len(stored)} {len(kept)}")


def _ranges(numbers: list[int]) -> str:
    """``0-3, 7`` of sorted numbers."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] + 1 == number:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in parts) or "nothing"
