"""The recordings of one channel: takes requests, has them carried on, and says how they stand.

What is decided here is durable before it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Also
from livedvr.clips.place import absolute, check_place
from livedvr.recordings.asked import check_files
from livedvr.recordings.carrying import Carrying
from livedvr.recordings.downlink import Downlink
from livedvr.recordings.end_point import EndReason
from livedvr.recordings.kept import Kept
from livedvr.recordings.outbox import Outbox
from livedvr.recordings.place import local_root
from livedvr.recordings.preroll import Preroll
from livedvr.recordings.rendering import check_free
from livedvr.recordings.spans import close, resume
from livedvr.recordings.states import RUNNING, WAITING, Event, Notice, State, advance
from livedvr.recordings.view import spans_of
from livedvr.resources.errors import AlreadyExists
from livedvr.resources.layout import check_id
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.resources.recording import Recording, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.timeline.segment import Window

LOOK_AGAIN = SECOND // 5  # at limits that are near, and media that is still on its way


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
        self._channel, self._catalog, self._clock = held.channel, held.catalog, held.clock
        self._nothing_goes = nothing_goes
        self._outbox = outbox
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()  # one change at a time
        self._kept = Kept(held, outbox)
        self._preroll = Preroll(held.clock, webhooks, self.wake)
        self._carrying = Carrying(held, facts, self._kept, self._preroll, self.wake)

    async def run(self) -> None:
        """Carry every recording on, until cancelled."""
        try:
            while True:
                self._wake.clear()
                await self._carrying.look(self._busy)
                await self._clock.wait(self._wake, LOOK_AGAIN if self._kept.open else None)
        finally:
            await self._carrying.close()

    def wake(self) -> None:
        """The timeline has grown, or ingest has changed."""
        self._wake.set()

    def held(self) -> list[Window]:
        """The windows whose segments retention may not touch: those of recordings that have not ended."""
        return [window for row in self._kept.open.values() for window in spans_of(row)]

    def manifests_in_use(self) -> set[str]:
        """The keys of the manifests of recordings that have not ended."""
        return {row.spec.manifest_key for row in self._kept.open.values() if row.spec.manifest_key is not None}

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
            if self._kept.find(recording_id) is not None:
                raise AlreadyExists(
                    f"recording '{recording_id}' exists already", field="recordingId", hint="use another id"
                )
            channels = [one.channel for one in self._catalog.read(channel_rows.list_channels)]
            await asyncio.to_thread(check_place, spec.output_uri, channels)
            await asyncio.to_thread(check_free, row)

            async with self._nothing_goes():
                await self._kept.add(row, also)
            self._carrying.listen(row)
            if waits:
                row = await self._carrying.call(row)
        self._wake.set()
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
            return await self._carrying.end(row, self._carrying.end_of(row, (self._clock.now(), EndReason.REQUESTED)))

    async def pause(self, recording_id: str) -> Recording:
        """What comes from now on is not in it. FAILED_PRECONDITION: it does not record."""
        async with self._busy:
            row = self._running(recording_id, Event.PAUSE)
            return await self._carrying.put(row, Event.PAUSE, spans=close(spans_of(row), self._clock.now()))

    async def resume(self, recording_id: str) -> Recording:
        """What comes from now on is in it again. FAILED_PRECONDITION: it is not paused."""
        async with self._busy:
            row = self._running(recording_id, Event.RESUME)
            return await self._carrying.put(row, Event.RESUME, spans=resume(spans_of(row), self._clock.now()))

    async def cancel(self, recording_id: str) -> Recording:
        """It ends, and nothing of it is kept but its record. FAILED_PRECONDITION: it has ended."""
        async with self._busy:
            row = self._running(recording_id, Event.CANCEL)
            row = await self._carrying.put(row, Event.CANCEL)
        await self._carrying.give_up(row)
        return row

    async def tell(self, recording_id: str, notice: Notice) -> None:
        """Tell those who are told of it, while it runs."""
        async with self._busy:
            row = self._kept.open.get(recording_id)
            if row is not None and row.state in RUNNING:
                await self._kept.notice(row, notice)

    def get(self, recording_id: str) -> Recording:
        """As it stands, or NOT_FOUND."""
        return self._kept.get(recording_id)

    def list(self) -> list[Recording]:
        """The channel's by creation."""
        return self._kept.list()

    async def delete(self, recording_id: str) -> Recording:
        """Delete the files of one that has them, and the record; one that has not ended is given up.

        StorageError: its files cannot go now, and it stays with them.
        """
        async with self._busy:
            row = self.get(recording_id)
            await self._carrying.give_up(row)
            await self._kept.remove(recording_id)
        return row

    def watch(self, recording_id: str) -> AsyncGenerator[Recording, None]:
        """It now and after each change, until it has ended or gone."""
        return self._kept.watch(recording_id)

    async def channel_stopped(self) -> None:
        """The channel has been stopped, and all that it brought is on the timeline: what runs ends here."""
        async with self._busy:
            for row in [one for one in self._kept.open.values() if one.state in RUNNING | WAITING]:
                found = self._carrying.end_of(row, (self._clock.now(), EndReason.CHANNEL_STOPPED))
                await self._carrying.end(row, found)

    def downlink(self, queue: str) -> Downlink:
        """What is heard on a call."""
        return self._preroll.downlink(queue)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._kept.close()

    def _running(self, recording_id: str, event: Event) -> Recording:
        """One to which that may happen now, else FAILED_PRECONDITION."""
        row = self.get(recording_id)
        advance(State(row.state), event)
        return row
