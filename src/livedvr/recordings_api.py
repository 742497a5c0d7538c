"""`dvr.recordings`: the recordings of a `LiveDvr`; `dvr.record`: one, for as long as a block runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from livedvr.catalog.catalog import Also
from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.recording import Notify, Recording, RecordingSpec

if TYPE_CHECKING:
    from livedvr.channel_runtime import ChannelRuntime


class Recordings:
    """The recordings of a `LiveDvr`. ``runtime`` gives a channel at work."""

    def __init__(self, runtime: Callable[[str], Awaitable[ChannelRuntime]]) -> None:
        self._runtime = runtime

    async def start(
        self,
        channel_id: str,
        recording_id: str,
        spec: RecordingSpec | None = None,
        *,
        also: Also[Recording] | None = None,
    ) -> Recording:
        """Record from now on, until it is stopped or one of its limits ends it, see `watch`.

        ``also``: called with the catalog's connection and the recording, in the transaction that stores it.

        Raises:
            NotFound: no such channel.
            AlreadyExists: the id, or what would be written.
            PermissionDenied: somebody is to be told who may not be.
            InvalidArgument, Unimplemented, StorageError: what else is wrong with it.
        """
        recordings = (await self._runtime(channel_id)).recordings
        return await recordings.start(recording_id, spec or RecordingSpec(), also)

    async def stop(self, channel_id: str, recording_id: str) -> Recording:
        """It ends now; its files are made in the background. FAILED_PRECONDITION: it has ended."""
        return await (await self._runtime(channel_id)).recordings.stop(recording_id)

    async def pause(self, channel_id: str, recording_id: str) -> Recording:
        """What comes from now on is not in it. FAILED_PRECONDITION: it does not record."""
        return await (await self._runtime(channel_id)).recordings.pause(recording_id)

    async def resume(self, channel_id: str, recording_id: str) -> Recording:
        """What comes from now on is in it again. FAILED_PRECONDITION: it is not paused."""
        return await (await self._runtime(channel_id)).recordings.resume(recording_id)

    async def cancel(self, channel_id: str, recording_id: str) -> Recording:
        """It ends, and nothing but its record is kept. FAILED_PRECONDITION: it has ended."""
        return await (await self._runtime(channel_id)).recordings.cancel(recording_id)

    async def get(self, channel_id: str, recording_id: str) -> Recording:
        """As it stands, or NOT_FOUND."""
        return (await self._runtime(channel_id)).recordings.get(recording_id)

    async def list(self, channel_id: str) -> list[Recording]:
        """The channel's by creation, the latest 10,000."""
        return (await self._runtime(channel_id)).recordings.list()

    async def delete(self, channel_id: str, recording_id: str) -> Recording:
        """Delete it with its files; one that has not ended is given up. As it was."""
        return await (await self._runtime(channel_id)).recordings.delete(recording_id)

    async def watch(self, channel_id: str, recording_id: str) -> AsyncIterator[Recording]:
        """It now and after each change, until it has ended or gone."""
        async for recording in (await self._runtime(channel_id)).recordings.watch(recording_id):
            yield recording

    async def downlink(self, channel_id: str, queue: str) -> AsyncGenerator[bytes, None]:
        """What is heard on a call: a wav without an end (16 kHz, 16 bits, mono), from now on, in real time.

        In it are the prompts and the beeps of recordings in that queue, and silence otherwise.
        """
        heard = (await self._runtime(channel_id)).recordings.downlink(queue)
        async for block in heard.listen():
            yield block

    async def tell(
        self,
        channel_id: str,
        about: str,
        notify: Notify,
        messages: Iterable[tuple[str, bytes]],
        also: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Tell somebody of something beside recordings, as of them. ``messages``: events and bodies.

        ``also`` is stored with them, or neither is. Refused as `start`.
        """
        await (await self._runtime(channel_id)).outbox.tell_of(about, notify, messages, also)


class Take:
    """What `LiveDvr.record` records. ``recording``: as it was last seen; behind the block, as it has ended."""

    def __init__(self, recordings: Recordings, recording: Recording) -> None:
        self._recordings = recordings
        self.recording = recording

    async def ended(self) -> Recording:
        """Wait until a limit, or somebody else, has ended it and its files are there; or why they are not."""
        async for seen in self._recordings.watch(self.recording.channel_id, self.recording.recording_id):
            self.recording = seen
        return self.recording


@asynccontextmanager
async def taken(
    recordings: Recordings, channel_id: str, recording_id: str, spec: RecordingSpec | None
) -> AsyncIterator[Take]:
    """See `LiveDvr.record`."""
    take = Take(recordings, await recordings.start(channel_id, recording_id, spec))
    try:
        yield take
    finally:
        with suppress(FailedPrecondition):  # something else has ended it
            await recordings.stop(channel_id, recording_id)
        await take.ended()
