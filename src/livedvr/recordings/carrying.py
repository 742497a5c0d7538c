"""Carries the recordings of one channel on: what their media, what is heard in it, and time make of each.

Everything that is done here can be done again: after a crash the next start carries an unfinished recording on. What
has been heard is not stored, it is listened to again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from livedvr.clips.slices import edges_of
from livedvr.recordings.asked import is_sound_alone
from livedvr.recordings.end_point import EndPoint, EndReason, Heard, Task, end_of
from livedvr.recordings.kept import Kept
from livedvr.recordings.listening import Listening
from livedvr.recordings.making import Made, Making
from livedvr.recordings.placing import Placing
from livedvr.recordings.preroll import Preroll
from livedvr.recordings.queue import ahead_of
from livedvr.recordings.rendering import Rendered
from livedvr.recordings.spans import Spans, begin, close
from livedvr.recordings.states import ENDED, RUNNING, Event, State
from livedvr.recordings.view import file_of, spans_of, trimmed
from livedvr.resources.errors import LiveDvrError, StorageError
from livedvr.resources.models import to_datetime, to_micros
from livedvr.resources.recording import Recording
from livedvr.resources.times import SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.timeline.segment import Window

AFTER = SECOND // 10  # so far behind a picture its sound may come


class Carrying:
    """One channel's. Who changes a recording holds a lock: one change at a time.

    Args:
        facts: what is so in the channel's ingest at an instant.
        preroll: plays what is heard before.
        wake: has `look` come again soon.
    """

    def __init__(
        self,
        held: HeldChannel,
        facts: Callable[[int], Facts],
        kept: Kept,
        preroll: Preroll,
        wake: Callable[[], None],
    ) -> None:
        self._known, self._clock = held.known, held.clock
        self._facts = facts
        self._kept = kept
        self._preroll = preroll
        self._wake = wake
        self._making = Making(held.channel, held.known, wake)
        self._listening = Listening(held.channel, held.known)
        for row in kept.open.values():
            self.listen(row)

    async def look(self, busy: asyncio.Lock) -> None:
        """At each segment that has been listened to: what it ends, ends there, however much more there is."""
        heard_more = True
        while heard_more:
            heard_more = await self._listening.listen()
            for recording_id in list(self._kept.open):
                async with busy:
                    row = self._kept.open.get(recording_id)
                    if row is not None:
                        await self.advance(row)

    async def close(self) -> None:
        """Nothing is played and made any more."""
        await self._preroll.close()
        await self._making.close()

    async def put(
        self, row: Recording, event: Event | None, *, spans: Spans | None = None, **changes: Any
    ) -> Recording:
        """See `Kept.put`; what is not needed for it any more ends."""
        row = await self._kept.put(row, event, spans=spans, **changes)
        if row.state != State.PROMPTING:
            self._preroll.forget(row.recording_id)
        if row.state in ENDED:
            self._listening.end(row.recording_id)
        self._wake()
        return row

    async def give_up(self, row: Recording) -> None:
        """Its files go, also those that are being made."""
        await self._making.give_up(row.recording_id)
        await asyncio.to_thread(Placing(row).take_back)
        self._listening.end(row.recording_id)
        self._preroll.forget(row.recording_id)

    async def call(self, row: Recording) -> Recording:
        """If it is its turn, it begins."""
        ahead = ahead_of(row, self._kept.open.values())
        if row.spec.barge_in:
            for one in reversed(ahead):  # the last first: none of them gets its turn
                await self.put(one, Event.CANCEL)
        elif ahead:
            return row
        return await self.put(row, Event.CALLED)

    async def _prompt(self, row: Recording) -> None:
        """Have its prompts played; what is recorded begins where they end."""
        try:
            played = self._preroll.played(row)
        except LiveDvrError as error:
            await self.put(row, Event.REFUSED, error=_error(error), end_reason=EndReason.PROMPT_FAILED.value)
            return
        if played is None:
            return
        if not row.spec.formats:
            await self.put(row, Event.RENDERED)
            return
        self.listen(await self.put(row, Event.PLAYED, spans=(Window(played, None),)))

    def listen(self, row: Recording) -> None:
        """Listen to what is recorded of it."""
        if not row.spans:  # its turn is still to come
            return
        longest = row.spec.limits.max_silence
        patience = None if longest is None else longest // timedelta(microseconds=1)
        self._listening.begin(row.recording_id, spans_of(row)[0].start, patience)

    async def advance(self, row: Recording) -> None:
        """What has become of it by now."""
        state, now = State(row.state), self._clock.now()
        refused = self._facts(now).storage_error
        if refused is not None and state in RUNNING:
            await self.put(row, Event.REFUSED, error=_error(StorageError(refused)))
            return
        if state in RUNNING and row.start_time is None and self._known.timeline.has_media(spans_of(row)):
            start = self._edges(spans_of(row))[0]
            began = begin(spans_of(row), start)
            row = await self.put(row, Event.MEDIA, spans=began, start_time=to_datetime(start))
        if state in RUNNING:
            found = self.end_of(row, None)
            if found is not None:
                await self.end(row, found)
        elif state is State.FINALIZING:
            await self._finish(row)
        elif state is State.QUEUED:
            await self.call(row)
        elif state is State.PROMPTING:
            await self._prompt(row)

    def end_of(self, row: Recording, stopped: tuple[int, EndReason] | None) -> EndPoint | None:
        """Where it ends by now, if it does. ``stopped``: see `Task`."""
        now, newest = self._clock.now(), self._known.timeline.last(self._known.timeline.reference)
        task = Task(to_micros(row.create_time), spans_of(row), row.spec.limits, stopped)
        heard = self._listening.heard(row.recording_id, spans_of(row), self._arrived())
        return end_of(task, newest.end if newest else None, self._facts(now).frontier, heard, now)

    async def end(self, row: Recording, found: EndPoint | None) -> Recording:
        """It ends there."""
        assert found is not None
        return await self.put(row, Event.END, spans=close(spans_of(row), found.at), end_reason=found.reason.value)

    def _arrived(self) -> int | None:
        """Up to which instant all media is on the timeline, as far as that can be told."""
        now = self._clock.now()
        facts = self._facts(now)
        return now if facts.drained else facts.frontier

    async def _finish(self, row: Recording) -> None:
        """Have its files made when all of its media is there; one after another."""
        if self._making.is_busy:
            done = self._making.take()
            if done is not None:
                await self._made(*done)
            return
        spans, arrived = spans_of(row), self._arrived()
        end = max((one.end or 0 for one in spans), default=0)
        heard = self._listening.heard(row.recording_id, spans, arrived)
        if arrived is None or arrived < end + AFTER or (heard is not None and heard.until < end):
            return
        windows = trimmed(spans, heard) if row.spec.trim_silence and heard is not None else spans
        if not self._known.timeline.has_media(spans) or not windows or self._is_silent(row, heard):
            await self.put(row, Event.SILENT)
            return
        self._making.begin(row, windows)

    @staticmethod
    def _is_silent(row: Recording, heard: Heard | None) -> bool:
        """Whether there is nothing in it: where there are pictures, they are something."""
        may_be = not row.spec.keep_silence and is_sound_alone(row.spec)
        return may_be and heard is not None and not heard.is_audible

    async def _made(self, recording_id: str, task: asyncio.Task[Made]) -> None:
        row = self._kept.open.get(recording_id)
        if row is None:
            return  # it has been given up meanwhile
        error = task.exception()
        if error is None:
            await self._keep(row, *task.result())
        elif isinstance(error, StorageError) and error.passing:
            await self.put(row, None, error=_error(error))  # shown, and tried again at the next look
        elif isinstance(error, LiveDvrError):
            with suppress(StorageError):  # what cannot go now goes when it is deleted
                await asyncio.to_thread(Placing(row).take_back)
            await self.put(row, Event.REFUSED, error=_error(error))
        else:
            raise error

    async def _keep(self, row: Recording, rendered: list[Rendered], length: int) -> None:
        spans = spans_of(row)
        heard = self._listening.heard(row.recording_id, spans, None)
        edges = self._edges(trimmed(spans, heard) if row.spec.trim_silence and heard is not None else spans)
        start, end = map(to_datetime, edges)
        files = tuple(file_of(row, one) for one in rendered)
        duration = timedelta(microseconds=length)
        await self.put(row, Event.RENDERED, files=files, duration=duration, start_time=start, end_time=end, error=None)
        with suppress(StorageError):  # the note names nothing but what is its own
            await asyncio.to_thread(Placing(row).keep)

    def _edges(self, spans: Spans) -> tuple[int, int]:
        edges = edges_of(spans, self._known.timeline, exact=True)
        return edges[0][0], edges[-1][1]


def _error(error: LiveDvrError) -> str:
    return f"{error.code}: {error}"
