"""A segment's way, steps 2 to 5, with real media, a real catalog, and a crash after each step."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.ingest.channel_ingest import ChannelIngest
from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.feed import Feed
from livedvr.ingest.intake import Intake
from livedvr.ingest.open_run import open_run
from livedvr.ingest.run import Run
from livedvr.ingest.surroundings import RunSettings, Surroundings
from livedvr.media.reader import MediaSpan, read_media
from livedvr.resources.errors import StorageError
from livedvr.resources.models import Channel, Input, Output
from livedvr.resources.times import SECOND
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.clock import RunClock
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline
from livedvr.wallclock import SystemClock

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fmp4"
RUN = "20261121T020000Z-k3f9"
BEGAN = 1_795_226_400 * SECOND
ROWS = (FIXTURES / "journals" / f"{RUN}.csv").read_text().splitlines(keepends=True)
LATE = [0.0, 0.08, 0.01, 0.2, 0.0, 0.05, 0.1, 0.0]  # by how many seconds each segment's last byte came late


class Refusing(MemoryStore):
    """A store that refuses one name, once."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = ""

    def put_new(self, name: str, source: Path) -> None:
        if self.refuses and name.endswith(self.refuses):
            self.refuses = ""
            raise StorageError("refused", field=name)
        super().put_new(name, source)


class Controller:
    """What one controller holds of a run: a new one over the same disk is a restart."""

    def __init__(self, folder: Path, store: MemoryStore, catalog: Catalog, channel: Channel) -> None:
        self.catalog, self.store = catalog, store
        row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        assert row is not None
        self.known = ChannelTimeline(Timeline(["av"]), row.target)
        for segment in catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")):
            self.known.timeline.append("av", segment)
        self.appended = 0
        self.intake = Intake(channel, self.known, store, catalog, Owner("live", 1), self._appended)
        run = Run(folder, ["av"])
        stored = catalog.read(lambda db: segment_rows.list_runs(db, "live"))[0]
        self.open = open_run(run, channel, self.known.timeline)
        self.open.media, self.open.clock = dict(stored.media), stored.clock or RunClock()

    def _appended(self) -> None:
        self.appended += 1

    async def read(self, *, final: bool = False, on_air: bool = True) -> None:
        await self.intake.read(self.open)
        while await self.intake.take(self.open, final=final, on_air=on_air):
            pass

    def listed(self) -> list[tuple[int, int, int]]:
        return [
            (s.number, s.index, s.start)
            for s in self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av"))
        ]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A run's folder as ffmpeg leaves it, with an empty journal and every segment on the disk."""
    folder = tmp_path / "spool" / RUN
    shutil.copytree(FIXTURES / "av" / RUN, folder / "av")
    (folder / "av/journal.csv").touch()
    for index, row in enumerate(ROWS):
        end = float(row.split(",")[2])
        arrival = BEGAN / SECOND + end + LATE[index]
        os.utime(folder / f"av/segment-{index:06d}.m4s", (arrival, arrival))
    return folder


@pytest.fixture
async def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    await catalog.write(lambda db: channel_rows.put_channel(db, _channel()))
    await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", BEGAN))
    yield catalog
    catalog.close()


def _channel(target: int | None = 2) -> Channel:
    return Channel(channel_id="live", input=Input(uri="x.mp4"), output=Output(uri="out"), target_duration=target)


def _journal(spool: Path, count: int) -> None:
    (spool / "av/journal.csv").write_text("".join(ROWS[:count]))


async def test_a_look_is_one_trip_to_a_thread_and_opens_what_has_grown(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes once a second for each channel: what it costs is what a channel costs at rest (I2)."""
    controller = Controller(spool, MemoryStore(), catalog, _channel())
    for name in ("data-0.txt", "data-1.txt", "ffmpeg.log"):
        (spool / name).touch()
    _journal(spool, 3)
    await controller.read()
    assert len(controller.listed()) == 3
    trips, opened, at_once, open_file = [], [], asyncio.to_thread, Path.open

    async def counting(call: Any, *args: Any) -> Any:
        trips.append(call)
        return await at_once(call, *args)

    def noting(path: Path, *args: Any, **kw: Any) -> Any:
        opened.append(path.name)
        return open_file(path, *args, **kw)

    monkeypatch.setattr(asyncio, "to_thread", counting)
    monkeypatch.setattr(Path, "open", noting)
    await controller.intake.read(controller.open)
    assert len(trips) == 1 and opened == ["segment-000003.m4s"]
    _journal(spool, 4)
    opened.clear()
    await controller.intake.read(controller.open)
    assert len(trips) == 2 and opened.count("journal.csv") == 1


@pytest.mark.semantics("C2", "O4")
async def test_nothing_is_dated_before_the_clock_has_settled(spool: Path, catalog: Catalog) -> None:
    store = MemoryStore()
    controller = Controller(spool, store, catalog, _channel())
    _journal(spool, 1)
    following = spool / "av/segment-000001.m4s"
    following.rename(spool / "not-yet")
    await controller.read()
    assert controller.listed() == [] and list(store.list("")) == [] and controller.appended == 0
    (spool / "not-yet").rename(following)
    _journal(spool, 3)
    await controller.read()
    assert [index for _, index, _ in controller.listed()] == [0, 1, 2]
    assert controller.appended == 1
    assert list(store.list("")) == [f"av/{RUN}/init.mp4"] + [f"av/{RUN}/segment-{i:06d}.m4s" for i in range(3)]
    # The lower envelope: the segment that came with no delay dates them all.
    first = BEGAN + 42_667  # its audio begins with the run, its first picture two frames of audio later
    assert controller.listed()[0][2] == pytest.approx(first, abs=1000)


async def test_what_is_committed_leaves_the_spool_and_what_is_not_stays(spool: Path, catalog: Catalog) -> None:
    controller = Controller(spool, MemoryStore(), catalog, _channel())
    _journal(spool, 4)
    await controller.read()
    left = sorted(path.name for path in (spool / "av").glob("segment-*"))
    assert left == [f"segment-{i:06d}.m4s" for i in range(4, 8)]


async def test_a_run_that_ends_before_it_settles_is_not_lost(spool: Path, catalog: Catalog) -> None:
    controller = Controller(spool, MemoryStore(), catalog, _channel())
    _journal(spool, 1)
    await controller.read(final=True)
    assert [index for _, index, _ in controller.listed()] == [0]


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("refused", ["init.mp4", "segment-000000.m4s", "segment-000002.m4s", "segment-000005.m4s"])
async def test_a_crash_while_storing_loses_and_doubles_nothing(spool: Path, catalog: Catalog, refused: str) -> None:
    store = Refusing()
    store.refuses = refused
    controller = Controller(spool, store, catalog, _channel())
    committed = []
    with pytest.raises(StorageError):
        for count in (3, 6):
            _journal(spool, count)
            await controller.read()
            committed = controller.listed()
    assert controller.listed() == committed, "a batch is committed as one, or not at all"
    again = Controller(spool, store, catalog, _channel())
    _journal(spool, 8)
    await again.read(final=True)
    listed = again.listed()
    assert [(number, index) for number, index, _ in listed] == [(i, i) for i in range(8)]
    assert listed[: len(committed)] == committed, "what was given a date keeps it"
    assert all(store.size(f"av/{RUN}/segment-{index:06d}.m4s") for _, index, _ in listed)


@pytest.mark.semantics("S16", "S17")
async def test_a_crash_before_the_commit_loses_nothing_and_an_old_owner_commits_nothing(
    spool: Path, catalog: Catalog
) -> None:
    store = MemoryStore()
    old = Controller(spool, store, catalog, _channel())
    _journal(spool, 3)
    await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    with pytest.raises(Exception, match="taken over by another controller"):
        await old.read()
    assert old.listed() == [] and len(old.known.timeline._renditions["av"]) == 0
    new = Controller(spool, store, catalog, _channel())
    new.intake._owner = Owner("live", 2)
    await new.read()
    assert [index for _, index, _ in new.listed()] == [0, 1, 2]


@pytest.mark.semantics("P3")
async def test_a_segment_longer_than_the_target_is_listed_and_said_aloud(spool: Path, catalog: Catalog) -> None:
    controller = Controller(spool, MemoryStore(), catalog, _channel(target=1))
    _journal(spool, 3)
    await controller.read(final=True)
    assert len(controller.listed()) == 3
    (_, kind, text), *_ = catalog.read(lambda db: channel_rows.list_events(db, "live"))
    assert kind == "TARGET_DURATION_EXCEEDED"
    assert "lasts 2.0" in text and "the target duration is 1 s" in text
    row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
    assert row is not None and row.target == controller.known.target == 2


@pytest.mark.semantics("C2")
async def test_the_first_segment_is_read_once_however_long_the_clock_takes(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counting(path: Path, init: Path | None) -> MediaSpan:
        read.append(path.name)
        return read_media(path, init)

    monkeypatch.setattr("livedvr.ingest.intake.read_media", counting)
    controller = Controller(spool, MemoryStore(), catalog, _channel(target=60))
    _journal(spool, 2)
    for _ in range(5):
        await controller.read()
    assert controller.listed() == []
    assert read.count("segment-000000.m4s") == 1
    assert read.count("segment-000002.m4s") == 5, "the one that grows"


@pytest.mark.semantics("C1", "C3")
async def test_what_a_new_run_brings_again_is_neither_stored_nor_listed_again(spool: Path, catalog: Catalog) -> None:
    store, again = MemoryStore(), "20261121T020900Z-p7x2"
    await catalog.write(lambda db: segment_rows.add_run(db, again, "live", BEGAN))
    second = shutil.copytree(spool, spool.parent / again)
    controller = Controller(spool, store, catalog, _channel())
    _journal(spool, 4)
    await controller.read(final=True)
    ends = [float(row.split(",")[2]) for row in ROWS]
    for index in range(4):  # a relay sends its buffer a second after the outage
        burst = BEGAN / SECOND + ends[3] + 1
        os.utime(second / f"av/segment-{index:06d}.m4s", (burst, burst))

    controller.open = open_run(Run(second, ["av"]), _channel(), controller.known.timeline)
    _journal(second, 7)
    await controller.read(final=True)
    _journal(second, 8)
    await controller.read(final=True)

    stored = catalog.read(lambda db: list(segment_rows.list_segments(db, "live", "av")))
    assert [(s.run, s.index) for s in stored] == [(RUN, i) for i in range(4)] + [(again, i) for i in range(4, 8)]
    assert stored[4].start == pytest.approx(stored[3].end, abs=1000), "the recording goes on without a hole"
    assert sorted(store.list(f"av/{again}/segment")) == [f"av/{again}/segment-{i:06d}.m4s" for i in range(4, 8)]
    assert list((second / "av").glob("segment-*")) == []
    events = [(kind, text) for _, kind, text in catalog.read(lambda db: channel_rows.list_events(db, "live"))]
    assert [kind for kind, _ in events] == ["MEDIA_RESENT"] and again in events[0][1]


def _log(spool: Path, *lines: str) -> None:
    with (spool / "ffmpeg.log").open("a") as log:
        log.writelines(f"{line}\n" for line in lines)


JUMP = "[mpegts @ 0x1] [warning] timestamp discontinuity (stream id=256): 20000000, new offset= -20000000"


def _opening(name: str) -> str:
    return f"[segment @ 0x1] [info] Opening 'av/{name}' for writing"


@pytest.mark.semantics("C4", "P4")
async def test_a_jump_that_ffmpeg_smoothed_over_begins_an_epoch_at_the_next_cut(spool: Path, catalog: Catalog) -> None:
    controller = Controller(spool, MemoryStore(), catalog, _channel())
    _log(spool, *map(_opening, ["journal.csv", "init.mp4", *(f"segment-{i:06d}.m4s" for i in range(1, 4))]))
    _journal(spool, 3)
    await controller.read()
    # The keyframe after the jump cuts: ffmpeg reads it, says so, closes segment 3 and opens 4. One look sees it all.
    _log(spool, JUMP, _opening("segment-000004.m4s"))
    _journal(spool, 5)
    await controller.read()
    assert _epochs(catalog) == [0, 0, 0, 0, 1]


@pytest.mark.semantics("C4", "S16")
@pytest.mark.parametrize("listed", [2, 4])
async def test_a_jump_while_no_controller_was_there_is_found_and_no_jump_is_found_twice(
    spool: Path, catalog: Catalog, listed: int
) -> None:
    store = MemoryStore()
    _log(spool, _opening("journal.csv"), _opening("segment-000001.m4s"), _opening("segment-000002.m4s"), JUMP)
    _journal(spool, listed)
    await Controller(spool, store, catalog, _channel()).read(final=True)
    _journal(spool, 6)
    await Controller(spool, store, catalog, _channel()).read(final=True)
    assert _epochs(catalog) == [0, 0, 0, 1, 1, 1]


def _epochs(catalog: Catalog) -> list[int]:
    return [s.epoch for s in catalog.read(lambda db: segment_rows.list_segments(db, "live", "av"))]


def _as_media(monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], seconds: int) -> None:
    """Each segment is read as one of so many seconds, with one keyframe, and streams of these kinds."""

    def read(path: Path, init: Path | None) -> MediaSpan:
        real = read_media(path, init)
        index = int(path.stem.rpartition("-")[2])
        start, end = ((index + more) * seconds * SECOND + CONTAINER_OFFSET for more in (0, 1))
        streams = [stream for stream in real.streams if stream.info.kind in kinds]
        return MediaSpan(tuple(replace(s, first_pts=start, end_pts=end, keyframes=(start,)) for s in streams))

    monkeypatch.setattr("livedvr.ingest.intake.read_media", read)


def _rows_of(spool: Path, seconds: int, count: int) -> None:
    rows = [f"segment-{i:06d}.m4s,{i * seconds}.000000,{(i + 1) * seconds}.000000\n" for i in range(count)]
    (spool / "av/journal.csv").write_text("".join(rows))
    for path in (spool / "av").glob("segment-*"):
        arrival = BEGAN / SECOND + min(int(path.stem[-6:]) + 1, count + 0.5) * seconds
        os.utime(path, (arrival, arrival))


@pytest.mark.semantics("P3", "C2")
async def test_gops_of_forty_seconds_are_waited_for_and_make_the_target_duration(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_media(monkeypatch, ("video", "audio"), 40)
    controller = Controller(spool, MemoryStore(), catalog, _channel(target=None))
    for index in range(3, 8):
        (spool / f"av/segment-{index:06d}.m4s").unlink()
    _rows_of(spool, 40, 1)
    await controller.read()
    assert controller.listed() == [], "60 s of media have to show that it comes in real time"
    _rows_of(spool, 40, 3)
    await controller.read()
    assert [(index, start - BEGAN) for _, index, start in controller.listed()] == [
        (index, index * 40 * SECOND) for index in range(3)
    ]
    assert controller.known.target == 60
    assert catalog.read(lambda db: channel_rows.list_events(db, "live")) == []


@pytest.mark.semantics("P3")
async def test_gops_of_forty_seconds_in_a_channel_that_wants_six_are_listed_and_said_aloud(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_media(monkeypatch, ("video", "audio"), 40)
    controller = Controller(spool, MemoryStore(), catalog, _channel(target=6))
    _rows_of(spool, 40, 2)
    await controller.read()
    assert [index for _, index, _ in controller.listed()] == [0, 1]
    ((_, kind, text),) = catalog.read(lambda db: channel_rows.list_events(db, "live"))
    assert kind == "TARGET_DURATION_EXCEEDED" and "lasts 40.0" in text and "is 6 s" in text


@pytest.mark.semantics("P4")
async def test_what_a_run_with_video_brought_before_its_first_keyframe_is_not_listed(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_media(monkeypatch, ("audio",), 2)
    store = MemoryStore()
    controller = Controller(spool, store, catalog, _channel())
    _log(
        spool,
        "[info]   Stream #0:0: Video: h264 (High), yuv420p(progressive), 320x180, 30 fps",
        "[info]   Stream #0:1: Audio: aac (LC), 48000 Hz, mono",
        "[info]   Stream #0:0 -> #0:0 (copy)",
        "[info]   Stream #0:1 -> #0:1 (copy)",
    )
    _journal(spool, 1)
    await controller.read(final=True)
    assert controller.listed() == [] and list(store.list("")) == []
    assert not (spool / "av/segment-000000.m4s").exists()


def pinned(start: int, end: int) -> SessionRow:
    windows, labels = (Window(start, end),), {"livedvr-pin": "true"}
    return SessionRow("live", "match", "main", windows, windows, labels, "LIVE", None, 1, None, None, BEGAN, BEGAN)


class Away(MemoryStore):
    """A store that can be away, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.away: Callable[[str], bool] = lambda name: False
        self.asked: list[str] = []
        self.at_once = self.most = 0
        self.counting = threading.Lock()

    def put_new(self, name: str, source: Path) -> None:
        with self.counting:
            self.asked.append(name)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.02)
        try:
            if self.away(name):
                raise StorageError("503", field=name, passing=True)
            super().put_new(name, source)
        finally:
            with self.counting:
                self.at_once -= 1


async def test_uploads_go_side_by_side_and_what_is_stored_is_not_sent_again(spool: Path, catalog: Catalog) -> None:
    store = Away()
    controller = Controller(spool, store, catalog, _channel())
    store.away = lambda name: name.endswith("000002.m4s")
    _journal(spool, 8)
    with pytest.raises(StorageError, match="503"):
        await controller.read()
    assert controller.listed() == [], "what comes before it is not listed without it"
    assert 1 < store.most <= 4
    assert len(list(store.list(""))) == 8, "init.mp4 and all segments but one"
    store.away = lambda name: False
    store.asked.clear()
    await controller.read()
    assert store.asked == [f"av/{RUN}/segment-000002.m4s"]
    assert [index for _, index, _ in controller.listed()] == list(range(8))


@pytest.mark.semantics("P8", "S16")
async def test_a_full_spool_gives_up_the_oldest_and_says_so(spool: Path, catalog: Catalog) -> None:
    store = Away()
    controller = Controller(spool, store, catalog, _channel())
    _journal(spool, 2)
    await controller.read()
    store.away = lambda name: True
    _journal(spool, 8)
    with pytest.raises(StorageError, match="503"):
        await controller.read()
    sizes = [row.size for row in controller.open.reference.pending]
    controller.intake._spool_bytes = sum(sizes)
    await controller.intake.give_up(controller.open)
    assert (spool / "av/segment-000002.m4s").exists(), "it is as much as there may be"
    controller.intake._spool_bytes = sum(sizes) - 1
    await controller.intake.give_up(controller.open)
    assert not (spool / "av/segment-000002.m4s").exists() and (spool / "av/segment-000003.m4s").exists()
    (event,) = [event for event in catalog.read(lambda db: channel_rows.list_events(db, "live")) if "GIVEN" in event[1]]
    assert event[1] == "UPLOAD_GIVEN_UP" and "s from 2026-" in event[2] and "wait for out" in event[2]
    store.away = lambda name: False
    await controller.read()
    assert [index for _, index, _ in controller.listed()] == [0, 1, 3, 4, 5, 6, 7]
    row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
    assert row is not None
    for known in (controller.known, catalog.read(lambda db: segment_rows.load_timeline(db, row))):
        first, before, after = known.timeline.segments("av")[:3]
        assert after.epoch == before.epoch + 1 and after.start - before.end == pytest.approx(2 * SECOND, abs=50_000)
        assert known.reason_before(after, before) == "upload given up"
        assert known.reason_before(before, first) == "timestamps jumped"


@pytest.mark.semantics("P8")
async def test_what_a_pinned_session_asks_for_is_not_given_up(spool: Path, catalog: Catalog) -> None:
    store = Away()
    controller = Controller(spool, store, catalog, _channel())
    _journal(spool, 2)
    await controller.read()
    end = controller.known.timeline.segments("av")[-1].end
    await catalog.write(lambda db: session_rows.add_session(db, pinned(end - SECOND, end + 3 * SECOND)))
    store.away = lambda name: True
    _journal(spool, 8)
    with pytest.raises(StorageError, match="503"):
        await controller.read()
    controller.intake._spool_bytes = 1
    await controller.intake.give_up(controller.open)
    left = sorted(int(path.stem[-6:]) for path in (spool / "av").glob("segment-*"))
    assert left == [2, 3]


@pytest.mark.semantics("S14", "I3")
async def test_what_comes_next_on_air_keeps_everything_until_the_store_has_what_comes_before_it(
    spool: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livedvr.ingest.admission.STANDBY_KEEPS", SECOND)
    channel = _channel().model_copy(update={"backup_input": Input(uri="y.mp4")})
    controller = Controller(spool, MemoryStore(), catalog, channel)
    around = Surroundings(catalog, None, SystemClock(), RunSettings(), None, None)  # type: ignore[arg-type]
    shared = ChannelIngest(
        channel,
        controller.known,
        controller.intake,
        spool,
        None,
        Owner("live", 1),
        around,
        lambda: None,  # type: ignore[arg-type]
    )
    backup = Feed(shared, "backup", [], on_air=False)
    backup.comes_next = True  # the one on air is lost, and the store has not come to its end
    _journal(spool, 4)
    await controller.intake.read(controller.open)
    assert await backup._take(controller.open, False)
    _journal(spool, 8)
    await controller.intake.read(controller.open)
    assert not await backup._take(controller.open, True), "it has ended, and waits"
    assert controller.listed() == []
    backup.go_on_air()
    assert await backup._take(controller.open, True)
    assert [index for _, index, _ in controller.listed()] == list(range(8))
