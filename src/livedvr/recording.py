"""One recording from a script: a channel, one DVR session over it, and the end of both.

`livedvr record` and `livedvr.record(...)` are the same thing with and without a terminal.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from livedvr.app import LiveDvr
from livedvr.channel_runtime import ChannelRuntime
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.ingest.source import check_file, parse_source
from livedvr.ingest.stream_key import publish_url, with_stream_key
from livedvr.ingest.watchdog import CONNECT
from livedvr.record_control import Progress, RecordControl, RecordResult
from livedvr.record_options import Interval, RecordOptions, channel_of, interval_of
from livedvr.resources.addresses import public_uri
from livedvr.resources.errors import Aborted, AlreadyExists, FailedPrecondition, LiveDvrError, SourceError, StorageError
from livedvr.resources.layout import Container, check_id
from livedvr.resources.models import Channel, DvrSession, TimeInterval, to_micros
from livedvr.resources.times import SECOND, format_time
from livedvr.sessions.holding import PIN_LABEL
from livedvr.storage.open_store import place_of
from livedvr.wallclock import SystemClock, WallClock

__all__ = ["Progress", "RecordControl", "RecordResult", "record", "record_session"]

LATE = 15 * SECOND  # media of the window may still come for so long after its end (a probe, a burst)
LOOK_AGAIN = 2 * SECOND  # after storage could not be reached
TICK = SECOND  # how often progress is told when nothing else happens


def record(
    source: str,
    output: str,
    *,
    session: str | None = None,
    channel: str = "live",
    start: str | None = None,
    end: str | None = None,
    duration: str | None = None,
    segment_duration: str = "2s",
    container: Container = "fmp4",
    video: Literal["copy", "h264", "h265"] | None = None,
    ladder: str | None = None,
    backup: str | None = None,
    retention: str = "24h",
    data_dir: str | None = None,
    gzip: bool = False,
    target_duration: int | None = None,
    start_offset: str | None = None,
    loop: bool = False,
    allow_ip: tuple[str, ...] = (),
    source_dates: bool = False,
    resume: bool = False,
    on_state: Callable[[DvrSession], None] | None = None,
) -> RecordResult:
    """Record one DVR session and return when it is over; for scripts. The options are those of `RecordOptions`.

    ``on_state`` is called with a session each time its state has changed. Raises LiveDvrError when nothing could be
    recorded. Ctrl-C seals the manifest and raises KeyboardInterrupt.
    """
    given = locals()
    control = RecordControl(on_state=given.pop("on_state"))
    result = asyncio.run(record_session(RecordOptions(**given), control))
    if result.error is not None and (result.session is None or not result.session.segments):
        raise result.error
    return result


async def record_session(options: RecordOptions, control: RecordControl | None = None) -> RecordResult:
    """Record one DVR session. Bad options raise; what happens later is in the result."""
    control = control or RecordControl()
    clock = SystemClock()
    now = clock.now()
    session_id = options.session or f"rec-{format_time(now)[:19].replace('-', '').replace(':', '').lower()}z"
    check_id(session_id, field="--session")
    data_dir = options.data_dir or place_of(options.output).default_data_dir
    channel, interval = channel_of(options), interval_of(options, now)
    source = parse_source(channel.input)
    if not options.resume:
        check_file(source)
    async with LiveDvr(data_dir, clock=clock, on_state=control.on_state) as dvr:
        recording = _Recording(dvr, clock, options, control, channel, session_id, interval)
        return await recording.run()


class _Recording:
    """One recording under way."""

    def __init__(
        self,
        dvr: LiveDvr,
        clock: WallClock,
        options: RecordOptions,
        control: RecordControl,
        channel: Channel,
        session_id: str,
        interval: Interval,
    ) -> None:
        self._dvr = dvr
        self._clock = clock
        self._options = options
        self._control = control
        self._channel = channel
        self._session_id = session_id
        self._interval = interval
        self._noted_media = False
        self._windows: tuple[TimeInterval, ...] | None = None  # the session's, from when it is there on
        self._told = 0  # of the channel's events

    async def run(self) -> RecordResult:
        """From the channel to the sealed session."""
        self._told = len(self._dvr.events(self._channel.channel_id))
        await self._ensure_channel()
        runtime = await self._dvr.runtime(self._channel.channel_id)
        session = runtime.sessions.find(self._session_id)
        self._note_others(runtime)
        if session is not None:
            self._check_resumable(session)
            self._windows = session.dvr_windows
        elif self._options.resume:
            self._control.on_note(f"there is no session '{self._session_id}' to resume; starting it")
        error: LiveDvrError | None = None
        try:
            await self._record(runtime, session)
        except LiveDvrError as failure:
            error = failure
        try:
            await self._stop(runtime)
        except LiveDvrError as failure:
            error = error or failure
        self._tell(runtime)
        session = runtime.sessions.find(self._session_id)
        if session is not None and session.state == "COOLDOWN":
            self._control.on_note(
                "COOLDOWN: the manifest is sealed as it stands; the next controller (--resume) makes the edition that"
                " honours the new end"
            )
        return RecordResult(self._session_id, session, error or runtime.error)

    async def _record(self, runtime: ChannelRuntime, session: DvrSession | None) -> None:
        if self._needs_media(session):
            await runtime.start()
        if session is None and self._interval.start is not None:
            session = await self._create(self._interval.start)
        if self._needs_media(session):
            first = await self._first_media(runtime)
            if session is None:
                await self._create(first)
        await self._until_over(runtime)

    async def _stop(self, runtime: ChannelRuntime) -> None:
        """Stop the channel; a second signal, also now, ends ffmpeg at once."""
        stopping = asyncio.create_task(runtime.stop())
        killed = asyncio.create_task(self._control.kill.wait())
        await asyncio.wait([stopping, killed], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            runtime.kill()
        killed.cancel()
        await stopping

    async def _ensure_channel(self) -> None:
        known = {channel.channel_id for channel in await self._dvr.channels.list()}
        if self._channel.channel_id not in known:
            self._note_keys(await self._dvr.channels.create(self._channel), None)
            return
        current = await self._dvr.channels.get(self._channel.channel_id)
        if current == with_stream_key(self._channel, current):
            return
        runtime = await self._dvr.runtime(self._channel.channel_id)
        if self._options.resume and runtime.state not in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR):
            raise FailedPrecondition(
                f"ffmpeg goes on recording {public_uri(current.input.uri)} with other options",
                field="--resume",
                hint="give the same SOURCE and options as before",
            )
        await runtime.stop()  # what an earlier controller left running with other settings
        self._note_keys(await self._dvr.channels.update(self._channel), current)

    def _note_keys(self, stored: Channel, before: Channel | None) -> None:
        """A key that was made for the user is shown once, here; what is given is known."""
        for key, made in stored.inputs.items():
            had = before.inputs.get(key) if before else None
            is_new = had is None or had.stream_key != made.stream_key
            if self._channel.inputs[key].stream_key is None and is_new and (url := publish_url(made)):
                self._control.on_note(f"publish to {url} (the stream key is not shown again)")

    def _note_others(self, runtime: ChannelRuntime) -> None:
        """Sessions that an earlier controller left open on this channel end with this recording (S11)."""
        for other in runtime.sessions.list():
            if other.session_id != self._session_id and other.state in ("PENDING", "LIVE"):
                self._control.on_note(f"session '{other.session_id}' goes on too, and is sealed when this one ends")

    def _check_resumable(self, session: DvrSession) -> None:
        if not self._options.resume:
            raise AlreadyExists(
                f"session '{self._session_id}' exists already and is {session.state}",
                field="--session",
                hint="go on with it by --resume, or use another id",
            )
        if session.state == "FINISHED":
            self._control.on_note(f"session '{self._session_id}' was FINISHED already; there is nothing to resume")
        else:
            self._control.on_note(f"session '{self._session_id}' goes on with the window it has")
        if session.state == "FAILED":
            raise FailedPrecondition(
                f"session '{self._session_id}' has failed: {session.error}", field="--resume", hint="use another id"
            )

    async def _create(self, first: int) -> DvrSession:
        window = self._interval.window(first)
        # Whoever records from a script wants to keep it: without the pin it would go when retention is over (R3).
        labels = {PIN_LABEL: "true"}
        while True:
            try:
                session = await self._dvr.sessions.create(
                    self._channel.channel_id, self._session_id, [window], labels=labels
                )
                break
            except StorageError as error:  # what it is to list waits in the spool
                if not error.passing or self._control.stop.is_set():
                    raise
                self._control.on_note(f"{error}; it is tried again")
                await self._clock.wait(self._control.stop, LOOK_AGAIN)
        self._windows = session.dvr_windows
        return session

    def _session(self, runtime: ChannelRuntime) -> DvrSession | None:
        """The session as it stands, None while there is none yet; ABORTED when somebody has deleted it."""
        session = runtime.sessions.find(self._session_id)
        if session is None and self._windows is not None:
            raise Aborted(
                f"session '{self._session_id}' was deleted while it was being recorded",
                hint="its segments stay as long as the channel keeps them",
            )
        if session is not None and self._windows != session.dvr_windows:
            self._windows = session.dvr_windows
            self._control.on_note(f"session '{self._session_id}' was patched: {_until(session)}")
        return session

    def _needs_media(self, session: DvrSession | None) -> bool:
        """Whether anything is still to come: not when the session is done, nor when its window is wholly past."""
        if session is not None and session.state == "FINISHED":
            return False
        end = self._window_end(session)
        return end is None or end > self._clock.now()

    def _window_end(self, session: DvrSession | None) -> int | None:
        """The end of what is to be recorded, as far as it is known; a patch may have moved it."""
        if session is None:
            return self._interval.window_end
        last = session.dvr_windows[-1].end_time
        return None if last is None else to_micros(last)

    async def _first_media(self, runtime: ChannelRuntime) -> int:
        """Wait for the first segment from now on; its UTC start. SourceError when the source never comes."""
        mux, began = self._channel.reference.key, self._clock.now()
        before = runtime.known.timeline.last(mux)
        while True:
            changed = runtime.changed
            first = runtime.known.timeline.following(mux, before)
            if first is not None:
                return first.start
            session = self._session(runtime)
            if session is not None and session.state in ("FINISHED", "FAILED"):
                return began  # its window is over; nobody asks for the start any more
            if session is not None and session.segments and self._control.stop.is_set():
                return began  # it was resumed, and is ended with what it holds
            self._check_source(runtime, began, session)
            self._tell(runtime)
            await self._wait(changed, session)

    def _check_source(self, runtime: ChannelRuntime, began: int, session: DvrSession | None) -> None:
        """Raise when there is no more hope that the source comes."""
        if runtime.error is not None:
            raise runtime.error
        ingest, now, uri = runtime.supervisor, self._clock.now(), public_uri(self._channel.input.uri)
        waited = f"after {(now - began) // SECOND} s"
        trouble = f": {ingest.last_failure}" if ingest is not None and ingest.last_failure else ""
        if self._control.stop.is_set():
            raise SourceError(f"stopped before any media came ({waited}){trouble}", field=uri)
        end = None if self._interval.end is None else self._window_end(session)
        if end is not None and now >= end + LATE:
            raise SourceError(f"no media came before the end of the window ({waited})", field=uri)
        if ingest is None or ingest.is_over:
            raise SourceError(f"the source ended without media ({waited})", field=uri)
        if not parse_source(self._channel.input).listens and ingest.last_failure and now - began >= CONNECT:
            raise SourceError(f"no media came ({waited}){trouble}", field=uri, hint=_advice(trouble))

    async def _until_over(self, runtime: ChannelRuntime) -> None:
        """Until the session is FINISHED or FAILED, the channel has ended, or somebody says stop.

        A COOLDOWN is waited for also when the channel has ended: what it cuts off is stored.
        """
        while not self._control.stop.is_set():
            changed = runtime.changed
            session = self._session(runtime)
            assert session is not None
            self._tell(runtime)
            if session.state in ("FINISHED", "FAILED"):
                return
            ended = runtime.error is not None or (runtime.supervisor is not None and runtime.supervisor.is_over)
            if ended and session.state not in ("COOLDOWN", "UPDATING"):
                return
            await self._wait(changed, session)

    async def _wait(self, changed: asyncio.Event, session: DvrSession | None) -> None:
        """Until something changes, a second has passed, or somebody says stop."""
        either = [asyncio.ensure_future(event.wait()) for event in (changed, self._control.stop)]
        tick = asyncio.ensure_future(self._clock.wait(asyncio.Event(), TICK))
        try:
            await asyncio.wait([*either, tick], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*either, tick):
                task.cancel()
            await asyncio.gather(*either, tick, return_exceptions=True)

    def _tell(self, runtime: ChannelRuntime) -> None:
        for _, kind, text in self._dvr.events(self._channel.channel_id, skip=self._told):
            self._told += 1
            self._control.on_note(f"{kind}: {text}")
        session = runtime.sessions.find(self._session_id)
        last = runtime.known.timeline.last(self._channel.reference.key)
        lag = self._clock.now() - last.end if last and session and session.segments else None
        if session is not None and session.segments and not self._noted_media:
            self._noted_media = True
            self._note_media(runtime, session)
        self._control.on_progress(Progress(str(runtime.state), session, lag))

    def _note_media(self, runtime: ChannelRuntime, session: DvrSession) -> None:
        """Once, at the first media: which streams are taken, and what the disk will have to hold."""
        for stream in runtime.supervisor.streams if runtime.supervisor else []:
            self._control.on_note(f"takes {stream}")
        rate = session.size_bytes / max(session.duration.total_seconds(), 0.001)
        root = place_of(self._channel.output.uri).root
        if root is None:
            return
        try:
            free = shutil.disk_usage(root).free
        except OSError:  # the output has gone; storage says so itself
            return
        window = session.dvr_windows[-1]
        wanted, text = timedelta(days=1), "each day"  # an open window holds all that it has listed (R2)
        if window.end_time is not None and window.start_time is not None:
            wanted = window.end_time - window.start_time
            text = f"{wanted.total_seconds():g} s"
        need = rate * wanted.total_seconds()
        warning = "; THAT IS NOT ENOUGH" if need > free else ""
        self._control.on_note(
            f"disk: about {_human(need)} for {text} at {_human(rate)}/s, {_human(free)} are free{warning}"
        )


def _advice(trouble: str) -> str:
    """What to do about a source that does not come, by ffmpeg's words."""
    if "Could not write header" in trouble:
        return "its codecs do not go into the segments as they are: --video h264 encodes them"
    if any(word in trouble for word in ("401", "403")):
        return "check user, password and path"
    return "is it up, and reachable?"


def _until(session: DvrSession) -> str:
    last = session.dvr_windows[-1].end_time
    return "it ends when it is stopped" if last is None else f"it ends at {format_time(to_micros(last))}"


def _human(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
