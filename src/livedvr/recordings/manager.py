"""The recordings of one channel: takes requests, ends what is to end, has files made, and says how they stand.

What is decided here is durable before it is done, and everything that is done can be done again: after a crash the next
start carries an unfinished recording on. What has been heard is not stored, it is listened to again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from livedvr.catalog import channel_rows, recording_rows
from livedvr.catalog.catalog import Also
from livedvr.clips.place import absolute, check_place
from livedvr.clips.slices import edges_of
from livedvr.recordings.asked import check_files, is_sound_alone
from livedvr.recordings.downlink import Downlink
from livedvr.recordings.end_point import EndPoint, EndReason, Heard, Task, end_of
from livedvr.recordings.listening import Listening
from livedvr.recordings.outbox import Outbox
from livedvr.recordings.place import local_root
from livedvr.recordings.placing import Placing
from livedvr.recordings.preroll import Preroll
from livedvr.recordings.queue import ahead_of
from livedvr.recordings.rendering import Rendered, check_free, render
from livedvr.recordings.spans import Spans, close, resume
from livedvr.recordings.states import ENDED, RUNNING, WAITING, Event, Notice, State, advance
from livedvr.recordings.view import file_of, interval_of, spans_of, trimmed
from livedvr.resources.errors import AlreadyExists, LiveDvrError, NotFound, StorageError
from livedvr.resources.layout import check_id
from livedvr.resources.models import TimeInterval, to_datetime, to_micros
from livedvr.resources.recording import Recording, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.timeline.segment import Window

LOOK_AGAIN = SECOND // 5  # at limits that are near, and media that is still on its way
AFTER = SECOND // 10  # so far behind a picture its sound may come

Files = list[Rendered]
Made = tuple[Files, int]


class RecordingManager:
    """The recordings of one channel. `run` is a task.

    Args:
        facts: what is so in the channel's ingest at an instant.
        nothing_goes: inside it, retention lets nothing go.
        outbox: keeps what is to be told of them.
        webhooks: from where prompts may come, too.
    """

    def __init__(
        self,
        held: HeldChannel,
        facts: Callable[[int], Facts],
        nothing_goes: Callable[[], AbstractAsyncContextManager[Any]],
        outbox: Outbox,
        webhooks: WebhookPolicy = PUBLIC,
    ) -> None:
        self._held = held
        self._channel, self._known = held.channel, held.known
        self._catalog, self._clock = held.catalog, held.clock
        self._facts = facts
        self._nothing_goes = nothing_goes
        self._outbox = outbox
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._closed = False
        self._busy = asyncio.Lock()  # one change at a time
        self._making: tuple[str, asyncio.Task[Made]] | None = None
        channel = held.channel.channel_id
        rows = held.catalog.read(lambda db: recording_rows.unfinished_recordings(db, channel))
        self._open = {row.recording_id: row for row in rows}
        self._listening = Listening(held.channel, held.known)
        self._preroll = Preroll(held.clock, webhooks, self.wake)
        for row in rows:
            self._listen(row)

    async def run(self) -> None:
        """Carry every recording on, until cancelled."""
        try:
            while True:
                self._wake.clear()
                await self._look()
                await self._clock.wait(self._wake, LOOK_AGAIN if self._open else None)
        finally:
            await self._preroll.close()
            if self._making is not None:
                await _end(self._making[1])

    def wake(self) -> None:
        """The timeline has grown, or ingest has changed."""
        self._wake.set()

    def held(self) -> list[Window]:
        """The windows whose segments retention may not touch: those of recordings that have not ended."""
        return [window for row in self._open.values() for window in spans_of(row)]

    def manifests_in_use(self) -> set[str]:
        """The keys of the manifests of recordings that have not ended."""
        return {row.spec.manifest_key for row in self._open.values() if row.spec.manifest_key is not None}

    # requests

    async def start(self, recording_id: str, spec: RecordingSpec, also: Also[Recording] | None = None) -> Recording:
        """Record from now on. ``also`` is stored with it, or neither is."""
        check_id(recording_id, field="recordingId")
        spec = self._checked(spec)
        now = self._clock.now()
        waits = spec.queue != ""
        row = Recording(
            recording_id=recording_id,
            channel_id=self._channel.channel_id,
            spec=spec,
            state=State.QUEUED if waits else State.IDLE,
            spans=() if waits else (TimeInterval(start_time=to_datetime(now)),),
            create_time=to_datetime(now),
            update_time=to_datetime(now),
        )
        async with self._busy:
            if self._find(recording_id) is not None:
                raise AlreadyExists(
                    f"recording '{recording_id}' exists already", field="recordingId", hint="use another id"
                )
            channels = [one.channel for one in self._catalog.read(channel_rows.list_channels)]
            await asyncio.to_thread(check_place, spec.output_uri, channels)
            await asyncio.to_thread(check_free, row)

            def work(db: sqlite3.Connection) -> None:
                recording_rows.add_recording(db, row)
                self._outbox.tell(db, row)
                if also is not None:
                    also(db, row)

            async with self._nothing_goes():  # from now on its media is held
                self._open[recording_id] = row
                try:
                    await self._held.write(work)
                except BaseException:
                    del self._open[recording_id]
                    raise
            self._listen(row)
            if waits:
                row = await self._call(row)
        self._outbox.wake()
        self._wake.set()
        self._tell()
        return row

    def _checked(self, spec: RecordingSpec) -> RecordingSpec:
        """With its place; INVALID_ARGUMENT where the channel cannot give what is asked for."""
        own = local_root(self._channel.output.uri)
        uri = spec.output_uri or str(own / "recordings")
        local_root(uri)
        if spec.manifest_key is not None:
            self._channel.manifest(spec.manifest_key)
        check_files(spec, self._channel)
        for i, notify in enumerate(spec.notify):
            self._outbox.check(notify, field=f"notify[{i}]")
        return spec.model_copy(update={"output_uri": absolute(uri)})

    async def stop(self, recording_id: str) -> Recording:
        """It ends now; its files are made from what has been recorded. FAILED_PRECONDITION: it has ended."""
        async with self._busy:
            row = self._running(recording_id, Event.END)
            return await self._end(row, self._end_of(row, (self._clock.now(), EndReason.REQUESTED)))

    async def pause(self, recording_id: str) -> Recording:
        """What comes from now on is not in it. FAILED_PRECONDITION: it does not record."""
        async with self._busy:
            row = self._running(recording_id, Event.PAUSE)
            return await self._put(row, Event.PAUSE, spans=close(spans_of(row), self._clock.now()))

    async def resume(self, recording_id: str) -> Recording:
        """What comes from now on is in it again. FAILED_PRECONDITION: it is not paused."""
        async with self._busy:
            row = self._running(recording_id, Event.RESUME)
            return await self._put(row, Event.RESUME, spans=resume(spans_of(row), self._clock.now()))

    async def cancel(self, recording_id: str) -> Recording:
        """It ends, and nothing of it is kept but its record. FAILED_PRECONDITION: it has ended."""
        async with self._busy:
            row = self._running(recording_id, Event.CANCEL)
            row = await self._put(row, Event.CANCEL)
        await self._give_up(row)
        return row

    async def tell(self, recording_id: str, notice: Notice) -> None:
        """Tell those who are told of it, while it runs."""
        async with self._busy:
            row = self._open.get(recording_id)
            if row is not None and row.state in RUNNING:
                await self._held.write(lambda db: self._outbox.tell(db, row, notice))
                self._outbox.wake()

    def get(self, recording_id: str) -> Recording:
        """As it stands, or NOT_FOUND."""
        found = self._find(recording_id)
        if found is None:
            raise NotFound(
                f"there is no recording '{recording_id}' on channel '{self._channel.channel_id}'", field="recording"
            )
        return found

    def list(self) -> list[Recording]:
        """The channel's by creation."""
        rows = self._catalog.read(lambda db: recording_rows.list_recordings(db, self._channel.channel_id))
        return [self._open.get(row.recording_id, row) for row in rows]

    async def delete(self, recording_id: str) -> Recording:
        """Delete the record, and the files of one that has them; one that has not ended is given up."""
        async with self._busy:
            row = self.get(recording_id)
            self._open.pop(recording_id, None)
            channel = self._channel.channel_id
            await self._held.write(lambda db: recording_rows.delete_recording(db, channel, recording_id))
        await self._give_up(row)
        self._tell()
        return row

    async def watch(self, recording_id: str) -> AsyncGenerator[Recording, None]:
        """It now and after each change, until it has ended or gone."""
        shown: Recording | None = None
        current: Recording | None = self.get(recording_id)
        while current is not None:
            changed = self._changed  # taken now: what changes while the reader works is not missed
            if current != shown:
                yield current
                shown = current
            if State(current.state) in ENDED or self._closed:
                return
            await changed.wait()
            current = self._find(recording_id)

    async def channel_stopped(self) -> None:
        """The channel has been stopped, and all that it brought is on the timeline: what runs ends here."""
        async with self._busy:
            for row in [one for one in self._open.values() if one.state in RUNNING | WAITING]:
                await self._end(row, self._end_of(row, (self._clock.now(), EndReason.CHANNEL_STOPPED)))

    def downlink(self, queue: str) -> Downlink:
        """What is heard on a call."""
        return self._preroll.downlink(queue)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._closed = True
        self._tell()

    # carrying them on

    async def _look(self) -> None:
        """At each segment that has been listened to: what it ends, ends there, however much more there is."""
        heard_more = True
        while heard_more:
            heard_more = await self._listening.listen()
            for recording_id in list(self._open):
                async with self._busy:
                    row = self._open.get(recording_id)
                    if row is not None:
                        await self._advance(row)

    async def _call(self, row: Recording) -> Recording:
        """If it is its turn, it begins."""
        ahead = ahead_of(row, self._open.values())
        if row.spec.barge_in:
            for one in reversed(ahead):  # the last first: none of them gets its turn
                await self._put(one, Event.CANCEL)
        elif ahead:
            return row
        return await self._put(row, Event.CALLED)

    async def _prompt(self, row: Recording) -> None:
        """Have its prompts played; what is recorded begins where they end."""
        try:
            played = self._preroll.played(row)
        except LiveDvrError as error:
            await self._put(row, Event.REFUSED, error=_error(error), end_reason=EndReason.PROMPT_FAILED.value)
            return
        if played is None:
            return
        if not row.spec.formats:
            await self._put(row, Event.RENDERED)
            return
        self._listen(await self._put(row, Event.PLAYED, spans=(Window(played, None),)))

    def _listen(self, row: Recording) -> None:
        if not row.spans:  # its turn is still to come
            return
        longest = row.spec.limits.max_silence
        patience = None if longest is None else longest // timedelta(microseconds=1)
        self._listening.begin(row.recording_id, spans_of(row)[0].start, patience)

    async def _advance(self, row: Recording) -> None:
        state, now = State(row.state), self._clock.now()
        refused = self._facts(now).storage_error
        if refused is not None and state in RUNNING:
            await self._put(row, Event.REFUSED, error=str(_error(StorageError(refused))))
            return
        if state is State.IDLE and self._known.timeline.has_media(spans_of(row)):
            start = self._edges(spans_of(row))[0]
            began = (Window(start, None),)  # the time before its first media is not recorded
            row = await self._put(row, Event.MEDIA, spans=began, start_time=to_datetime(start))
        if state in RUNNING:
            found = self._end_of(row, None)
            if found is not None:
                await self._end(row, found)
        elif state is State.FINALIZING:
            await self._finish(row)
        elif state is State.QUEUED:
            await self._call(row)
        elif state is State.PROMPTING:
            await self._prompt(row)

    def _end_of(self, row: Recording, stopped: tuple[int, EndReason] | None) -> EndPoint | None:
        now, newest = self._clock.now(), self._known.timeline.last(self._known.timeline.reference)
        task = Task(to_micros(row.create_time), spans_of(row), row.spec.limits, stopped)
        heard = self._listening.heard(row.recording_id, spans_of(row), self._arrived())
        return end_of(task, newest.end if newest else None, self._facts(now).frontier, heard, now)

    async def _end(self, row: Recording, found: EndPoint | None) -> Recording:
        assert found is not None
        return await self._put(row, Event.END, spans=close(spans_of(row), found.at), end_reason=found.reason.value)

    def _arrived(self) -> int | None:
        """Up to which instant all media is on the timeline, as far as that can be told."""
        now = self._clock.now()
        facts = self._facts(now)
        return now if facts.drained else facts.frontier

    async def _finish(self, row: Recording) -> None:
        """Have its files made when all of its media is there; one after another."""
        if self._making is not None:
            if self._making[1].done():
                await self._made(*self._making)
            return
        spans, arrived = spans_of(row), self._arrived()
        end = max((one.end or 0 for one in spans), default=0)
        heard = self._listening.heard(row.recording_id, spans, arrived)
        if arrived is None or arrived < end + AFTER or (heard is not None and heard.until < end):
            return
        windows = trimmed(spans, heard) if row.spec.trim_silence and heard is not None else spans
        if not self._known.timeline.has_media(spans) or not windows or self._is_silent(row, heard):
            await self._put(row, Event.SILENT)
            return
        work = render(row, windows, self._channel, self._known)
        task = asyncio.create_task(work, name=f"recording {row.recording_id}")
        task.add_done_callback(lambda _: self._wake.set())
        self._making = (row.recording_id, task)

    @staticmethod
    def _is_silent(row: Recording, heard: Heard | None) -> bool:
        """Whether there is nothing in it: where there are pictures, they are something."""
        may_be = not row.spec.keep_silence and is_sound_alone(row.spec)
        return may_be and heard is not None and not heard.is_audible

    async def _made(self, recording_id: str, task: asyncio.Task[Made]) -> None:
        self._making = None
        row = self._open.get(recording_id)
        if row is None:
            return  # it has been given up meanwhile
        error = task.exception()
        if error is None:
            await self._keep(row, *task.result())
        elif isinstance(error, StorageError) and error.passing:
            await self._put(row, None, error=_error(error))  # shown, and tried again at the next look
        elif isinstance(error, LiveDvrError):
            await asyncio.to_thread(Placing(row).take_back)
            await self._put(row, Event.REFUSED, error=_error(error))
        else:
            raise error

    async def _keep(self, row: Recording, rendered: Files, length: int) -> None:
        spans = spans_of(row)
        heard = self._listening.heard(row.recording_id, spans, None)
        edges = self._edges(trimmed(spans, heard) if row.spec.trim_silence and heard is not None else spans)
        start, end = map(to_datetime, edges)
        files = tuple(file_of(row, one) for one in rendered)
        duration = timedelta(microseconds=length)
        await self._put(row, Event.RENDERED, files=files, duration=duration, start_time=start, end_time=end, error=None)
        await asyncio.to_thread(Placing(row).keep)

    def _edges(self, spans: Spans) -> tuple[int, int]:
        edges = edges_of(spans, self._known.timeline, exact=True)
        return edges[0][0], edges[-1][1]

    async def _put(
        self, row: Recording, event: Event | None, *, spans: Spans | None = None, **changes: Any
    ) -> Recording:
        """The recording with what has happened: in the catalog first, then here."""
        if event is not None:
            changes |= {"state": advance(State(row.state), event), "update_time": to_datetime(self._clock.now())}
        if spans is not None:
            changes["spans"] = tuple(interval_of(one) for one in spans)
        if all(getattr(row, name) == value for name, value in changes.items()):
            return row
        row = row.model_copy(update=changes)

        def work(db: sqlite3.Connection) -> None:
            recording_rows.put_recording(db, row)
            if event is not None:
                self._outbox.tell(db, row, event)

        await self._held.write(work)
        self._outbox.wake()
        if row.state != State.PROMPTING:
            self._preroll.forget(row.recording_id)
        if row.state in ENDED:
            self._open.pop(row.recording_id, None)
            self._listening.end(row.recording_id)
        else:
            self._open[row.recording_id] = row
        self._wake.set()
        self._tell()
        return row

    async def _give_up(self, row: Recording) -> None:
        """Its files go, also those that are being made."""
        self._listening.end(row.recording_id)
        self._preroll.forget(row.recording_id)
        if self._making is not None and self._making[0] == row.recording_id:
            await _end(self._making[1])
            self._making = None
        await asyncio.to_thread(Placing(row).take_back)

    def _running(self, recording_id: str, event: Event) -> Recording:
        """One to which that may happen now, else FAILED_PRECONDITION."""
        row = self.get(recording_id)
        advance(State(row.state), event)
        return row

    def _find(self, recording_id: str) -> Recording | None:
        if recording_id in self._open:
            return self._open[recording_id]
        channel = self._channel.channel_id
        return self._catalog.read(lambda db: recording_rows.find_recording(db, channel, recording_id))

    def _tell(self) -> None:
        """Wake everybody who waits for a change of a recording."""
        self._changed.set()
        self._changed = asyncio.Event()


def _error(error: LiveDvrError) -> str:
    return f"{error.code}: {error}"


async def _end(task: asyncio.Task[Made]) -> None:
    task.cancel()
    await asyncio.wait([task])
