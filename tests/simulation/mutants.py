"""Deliberately broken products: the simulation has to find each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from livedvr.catalog import segment_rows, session_rows
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.ingest.intake import Intake
from livedvr.sessions import maker
from livedvr.sessions.live import LiveManifests
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.timeline.gaps import GapLedger
from livedvr.timeline.segment import Segment
from livedvr.timeline.segments import Segments
from livedvr.timeline.timeline import Passage, Timeline

Patch = pytest.MonkeyPatch


def list_before_commit(patch: Patch) -> None:
    """A segment is listed before it is committed (step 5)."""

    async def commit(self: Any, open_run: Any, placed: Any, clock: Any, told: Any) -> None:
        for segment in placed["av"].segments:
            self._known.timeline.append("av", segment)
        self._on_append()
        await original(self, open_run, placed, clock, told)
        for segment in placed["av"].segments:
            self._known.timeline.forget("av", {segment.number})

    original = Intake._commit
    patch.setattr(Intake, "_commit", commit)


def list_without_object(patch: Patch) -> None:
    """A segment is committed although storage has not taken it (step 3)."""

    async def store_objects(self: Any, open_run: Any, placed: Any) -> None:
        try:
            await original(self, open_run, placed)
        except Exception:  # noqa: BLE001 - that is the mutation
            return

    original = Intake._store_objects
    patch.setattr(Intake, "_store_objects", store_objects)


def reuse_editions(patch: Patch) -> None:
    """Edition numbers restart with the session (O6)."""
    patch.setattr(session_rows, "_next_edition", lambda db, session: session.edition + 1)


def rewrite_in_place(patch: Patch) -> None:
    """A patch of a FINISHED session draws its new windows at the old address (O6)."""

    def begin_edition(db: Any, session: Any, grace: int) -> Any:
        fresh = replace(session, edition_windows=session.windows, target=None, summary=None, cooldown_until=None)
        session_rows.put_session(db, fresh)
        return fresh

    patch.setattr(session_rows, "begin_edition", begin_edition)


def forget_fencing(patch: Patch) -> None:
    """A controller that has been taken over goes on writing to the catalog."""
    patch.setattr("livedvr.catalog.catalog._fence", lambda connection, owner: None)


def forget_discontinuities(patch: Patch) -> None:
    """A new epoch has no EXT-X-DISCONTINUITY (P4)."""
    original = Timeline.passages

    def passages(self: Any, *given: Any) -> Iterable[Passage]:
        for passage in original(self, *given):
            yield Passage(passage.segments, False, passage.joined)

    patch.setattr(Timeline, "passages", passages)


def seal_early(patch: Patch) -> None:
    """ENDLIST as soon as the present instant is behind the end, whatever is still to come (S5)."""
    patch.setattr("livedvr.sessions.plan.is_over", lambda windows, frontier: _is_past(windows, frontier))


def _is_past(windows: Any, frontier: int | None) -> bool:
    end = windows[-1].end
    return end is not None and frontier is not None and frontier + 30_000_000 >= end


def seal_without_summary(patch: Patch) -> None:
    """What a sealed session holds is not stored before its ENDLIST: after a crash it may grow (P2)."""

    async def seal(self: Any, session: Any, reason: str) -> None:
        session.seal(reason)

    patch.setattr(SessionManager, "_seal", seal)


def passing_is_final(patch: Patch) -> None:
    """A passing fault of storage ends a session (S14)."""
    never = property(lambda self: False, lambda self, _: None)
    patch.setattr("livedvr.resources.errors.StorageError.passing", never, raising=False)


def short_cooldown(patch: Patch) -> None:
    """The new edition comes at once (S7)."""
    patch.setattr(maker, "COOLDOWN", 0)


def main_first(patch: Patch) -> None:
    """main.m3u8 is replaced before the playlist that it points at (O6)."""
    original = SessionManager._publish

    async def publish(self: Any, session: Any) -> None:
        if not session.declared:
            name = f"dvr/{session.row.id}/main.m3u8"
            text = multivariant(self.channel, session.renditions.values(), session.row.edition, self._known)
            self._store.replace(name, text)
        await original(self, session)

    patch.setattr(SessionManager, "_publish", publish)


def rough_dates(patch: Patch) -> None:
    """A date only after discontinuities: what is slewed in between drifts away (P5)."""
    patch.setattr("livedvr.hls.media_playlist._DATE_TOLERANCE", 10**12)


def no_map(patch: Patch) -> None:
    """EXT-X-MAP only when the run changes, not after each discontinuity (P4)."""
    original = MediaPlaylist.append

    def append(self: Any, passage: Passage, tags: Any = ()) -> None:
        before = len(self._text)
        original(self, passage, tags)
        if passage.discontinuity and b"#EXT-X-MAP" in self._text[before:] and self._run == passage.first.run:
            lines = self._text[before:].split(b"\n")
            self._text[before:] = b"\n".join(line for line in lines if not line.startswith(b"#EXT-X-MAP"))

    patch.setattr(MediaPlaylist, "append", append)


def forget_holes(patch: Patch) -> None:
    """The ledger passes over what is missing at the end (P8)."""
    patch.setattr(GapLedger, "close", lambda self, until, reason: None)


def list_twice(patch: Patch) -> None:
    """A segment that meets two windows is listed twice (W6)."""

    def passages(self: Any, mux: str, windows: Any, after: Any = None, most: Any = None) -> Iterable[Passage]:
        segments, previous, passed = self.segments(mux), after, segments_after(self, mux, after)
        for window in windows:
            low, high = self.span(mux, window)
            for segment in segments[max(low, passed) : high]:
                joined = previous is not None and (
                    previous.number + 1 != segment.number or previous.epoch != segment.epoch
                )
                yield Passage(Segments([segment]), joined, joined)
                previous = segment

    def segments_after(timeline: Timeline, mux: str, after: Segment | None) -> int:
        return timeline.segments(mux).position(after.number + 1) if after else 0

    patch.setattr(Timeline, "passages", passages)


def forget_holds(patch: Patch) -> None:
    """Retention does not look at sessions (R2)."""
    patch.setattr("livedvr.sessions.sweeper.held_windows", lambda row: ())


def no_grace(patch: Patch) -> None:
    """Objects go together with the manifest (R4)."""
    patch.setattr(SessionManager, "_grace", lambda self, row: 0)


def redraw_from_now(patch: Patch) -> None:
    """After a restart an edition's target duration is the channel's present one (S16, P1)."""
    original = OpenSession.grow

    def grow(self: Any, known: Any) -> None:
        if not self.renditions:
            self.row = replace(self.row, target=None)
        original(self, known)

    patch.setattr(OpenSession, "grow", grow)


def live_main_first(patch: Patch) -> None:
    """The channel's own main.m3u8 comes before what it points at (O5)."""

    async def write_list(self: Any, one: Any) -> None:
        await asyncio.to_thread(self._store.replace, self._channel.manifests[0].file_name, b"#EXTM3U\n")
        await original(self, one)

    original = LiveManifests._write_list
    patch.setattr(LiveManifests, "_write_list", write_list)


def live_begins_anew(patch: Patch) -> None:
    """A restart forgets what players of the live manifest have seen (O5)."""
    patch.setattr(LiveManifests, "_still_known", lambda self, mux, found: ())


def forget_places(patch: Patch) -> None:
    """After a restart a date range stands as early as it can (P9, P1)."""

    def list_tags(db: Any, channel: str) -> Any:
        return [replace(tag, places={}) for tag in original(db, channel)]

    original = segment_rows.list_tags
    patch.setattr(segment_rows, "list_tags", list_tags)


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    list_before_commit,
    list_without_object,
    reuse_editions,
    rewrite_in_place,
    forget_fencing,
    forget_discontinuities,
    seal_early,
    seal_without_summary,
    passing_is_final,
    short_cooldown,
    main_first,
    rough_dates,
    no_map,
    forget_holes,
    list_twice,
    forget_holds,
    no_grace,
    redraw_from_now,
    live_main_first,
    live_begins_anew,
    forget_places,
)
