"""What the facades' tests share: `House`, a `LiveDvr` behind a facade whose time is the test's and whose channel brings
real media when the test says so; `Receiver`, which is told of recordings; `fed_server`, the server with a live sender.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from builders import MEDIA, RUN, FakeClock, at, commit
from live import FLV, PATIENCE, Encoder, free_tcp_port, listening, until_state
from livedvr import Channel, Input, LiveDvr, Output, Recording, WebhookPolicy
from livedvr.catalog import channel_rows, notification_rows, segment_rows
from livedvr.facades.facade import Facade, FacadeDesk
from livedvr.ingest.journal import parse_rows
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.streams import MuxStream, video_and_audio
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Segment
from livedvr.wallclock import SystemClock, WallClock
from offline import clip_with_sound, cut_clip
from receiver import Message
from serving import Served, serving

VOICE = "0.3*sin(2*PI*220*t)"
SILENCE = "0"
STREAM_KEY = "correct-horse-battery"


def cut_media(ffmpeg: str, folder: Path, sound: str = VOICE, seconds: int = 12) -> Path:
    """A folder of finished fMP4 segments of 2 s with their journal, as the product's own ffmpeg cuts them.

    ``sound``: an expression of ``t`` for ffmpeg's aevalsrc.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clip = folder.parent / f"{folder.name}.mp4"
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50")
    clip_with_sound(ffmpeg, clip, sound, *coded, seconds=seconds)
    cut_clip(ffmpeg, clip, a_channel(folder, str(clip)), folder)
    return folder / "av"


def a_channel(output: Path, source: str = "udp://127.0.0.1:5000", *, name: str = "live", segment: float = 2) -> Channel:
    """Pictures and sound as they come; ``segment`` in seconds. Its target duration is given, not waited for."""
    muxes = (MuxStream(key="av", elementary_streams=("video", "audio"), segment_duration=timedelta(seconds=segment)),)
    return Channel(
        channel_id=name,
        input=Input(uri=source),
        output=Output(uri=str(output)),
        elementary_streams=video_and_audio(),
        mux_streams=muxes,
        target_duration=2,
    )


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """What a facade answers."""

    status: int


async def ask(
    app: Any, verb: str, target: str, body: bytes | object = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """One request of an ASGI app, in process. ``body``: bytes, or what is to be written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"host": "facade.example", "content-length": str(len(data)), **(headers or {})}
    parts = urlsplit(target)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": verb,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("facade.example", 80),
    }
    sent: list[Any] = []

    asked = iter([{"type": "http.request", "body": data, "more_body": False}])

    async def receive() -> Any:
        return next(asked, None) or await asyncio.Event().wait()  # whoever asks stays

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    head = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(head, b"".join(one.get("body", b"") for one in sent[1:]), sent[0]["status"])


@dataclass
class House:
    """``async with House(folder, facade)``: its channel ``live`` is at rest, nothing has come yet, it is T0.

    Attributes:
        media: what it brings, see `cut_media`; None: nothing can be brought.
        webhooks: ``host:port`` on loopback that may be told.
        more: further channels, which bring nothing.
    """

    folder: Path
    facade: Facade
    media: Path | None = None
    webhooks: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    clock: FakeClock = field(default_factory=FakeClock)
    brought: int = 0

    async def __aenter__(self) -> Self:
        self._opened = AsyncExitStack()
        self.dvr = LiveDvr(
            self.folder / "data",
            clock=self.clock,
            detach=True,
            webhooks=WebhookPolicy.of(self.webhooks),
            dialects={self.facade.name: self.facade.dialect},
        )
        await self._opened.enter_async_context(self.dvr)
        for name in ("live", *self.more):
            if self.dvr.catalog.read(lambda db, name=name: channel_rows.get_channel(db, name)) is None:
                await self.dvr.channels.create(a_channel(self.folder / name, name=name))
        tasks = _Tasks()
        await tasks.__aenter__()
        self._opened.push_async_callback(tasks.end)
        self.desk = FacadeDesk(self.facade.name, self.dvr, self.clock, tasks)
        self.app = self.facade.open(self.desk)
        await self.dvr.runtime("live")
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._opened.__aexit__(*error)

    async def restart(self) -> None:
        """This controller goes, the next one comes; time stands still."""
        await self.__aexit__(None, None, None)
        await self.__aenter__()

    async def ask(
        self, verb: str, target: str, body: bytes | object = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A request of the facade's door."""
        return await ask(self.app, verb, target, body, headers)

    async def bring(self, count: int = 1) -> None:
        """The next segments of 2 s come, each when it ends: real files, and the clock with them."""
        assert self.media is not None, "nothing has been cut for it"
        runtime, target = await self.dvr.runtime("live"), self.folder / "live"
        clock = RunClock((Sample(0, at(0)),)).anchored()
        if not self.brought:
            (target / "av" / RUN).mkdir(parents=True)
            shutil.copy(self.media / "init.mp4", target / init_name("av", RUN))
            await self.dvr.write(_begin_run)
            runtime.known.target, runtime.known.media[RUN] = 2, {"av": MEDIA}
        rows = parse_rows((self.media / "journal.csv").read_bytes())[0]
        for row in rows[self.brought : self.brought + count]:
            name = segment_name("av", RUN, row.index, "fmp4")
            copied = shutil.copy(self.media / Path(name).name, target / name)
            size, start = copied.stat().st_size, at(0) + row.start
            one = Segment(row.index, RUN, row.index, 0, start, row.start, row.end - row.start, size)
            self.clock.advance(max(0, one.end - self.clock.now()))
            await self.dvr.write(lambda db, one=one: commit(db, [one], clock))
            runtime.known.timeline.append("av", one)
            runtime.recordings.wake()
            self.brought += 1

    async def until(self, recording_id: str, *states: str, channel_id: str = "live") -> Recording:
        """The recording as soon as it is in one of these states."""
        found: Recording = await until_state(self.dvr.recordings.watch(channel_id, recording_id), *states)
        return found

    def waiting(self, channel_id: str = "live") -> list[float]:
        """In how many seconds each message that has not been taken is sent again."""
        rows = self.dvr.catalog.read(lambda db: notification_rows.first_notifications(db, channel_id))
        return [(row.next - self.clock.now()) / SECOND for row in rows]


def _begin_run(db: sqlite3.Connection) -> None:
    """It has ended, too: a controller that comes next has nothing to adopt."""
    channel_rows.set_target(db, "live", 2)
    segment_rows.add_run(db, RUN, "live", at(0))
    segment_rows.end_run(db, RUN, at(0), "source lost")


class _Tasks(asyncio.TaskGroup):
    """Its tasks end with the house, as they do with the server."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[asyncio.Task[Any]] = []

    def create_task(self, work: Any, **given: Any) -> asyncio.Task[Any]:
        self._made.append(super().create_task(work, **given))
        return self._made[-1]

    async def end(self) -> None:
        for task in self._made:
            task.cancel()
        await self.__aexit__(None, None, None)


async def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` returns as soon as it is something: of what is done in the background and tells nobody."""
    for _ in range(round(PATIENCE / 0.01)):
        if found := look():
            return found
        await asyncio.sleep(0.01)  # the interval of a look, not the length of a wait
    raise AssertionError(f"it did not happen within {PATIENCE} s")


class AheadClock(SystemClock):
    """The machine's clock, put forward by so many seconds: where nothing moves any more, nobody need wait."""

    ahead: float = 0

    def now(self) -> int:
        return super().now() + round(self.ahead * SECOND)


@contextmanager
def fed_server(
    folder: Path,
    toml: str,
    *,
    allow_webhook: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    clock: WallClock | None = None,
) -> Iterator[tuple[Served, Encoder]]:
    """`Server` in process with these facades, and its channel ``live`` on air: segments of 1 s from a real sender.

    ``extra``: of the sender's ffmpeg.
    """
    facades = folder / "facades.toml"
    facades.write_text(toml)
    port = free_tcp_port()
    given = a_channel(folder / "media" / "live", f"rtmp://:{port}/live/{STREAM_KEY}", segment=1)
    with serving(folder / "data", clock, facades=facades, allow_webhook=allow_webhook) as served:
        served.within(lambda server: server.dvr.channels.create(given))
        served.within(lambda server: server.dvr.channels.start("live"))
        listening(port)
        with Encoder(f"rtmp://127.0.0.1:{port}/live/{STREAM_KEY}", extra=extra, mux=FLV) as encoder:
            yield served, encoder
