"""A presentation with subtitles from a recorded journal to whole files, by the real intake, over restarts."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from builders import FakeClock, window
from builders import channel as channel_of
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.check.run import run_check
from livedvr.ingest.intake import Intake
from livedvr.ingest.open_run import open_run
from livedvr.ingest.run import Run
from livedvr.resources.layout import media_playlist_name
from livedvr.resources.models import Channel, Manifest
from livedvr.resources.streams import ElementaryStream, MuxStream, TextStream, video_and_audio
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.sessions.sweeper import Sweeper
from livedvr.storage.local import LocalStore
from livedvr.timeline.clock import RunClock
from livedvr.timeline.gaps import SOURCE_LOST

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fmp4"
RUN = "20261121T020000Z-k3f9"
BEGAN = 1_795_226_400 * SECOND  # 02:00:00
ROWS = (FIXTURES / "journals" / f"{RUN}.csv").read_text().splitlines(keepends=True)[:3]
CUES = (
    "WEBVTT\n\n00:01.000 --> 00:03.000 line:10%\nHello & welcome\n",
    "\n00:04.500 --> 00:07.000\nand <i>go on</i>\n",
)

HEAD = (
    "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
    "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
)
DATE = "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.043Z\n"
MAP = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n"
HELLO = "\n00:00:02.000 --> 00:00:04.000 line:10%\nHello &amp; welcome\n"
GOLDEN = {
    "dvr/match/main.m3u8": (
        "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="en",'
        'URI="text/index-1.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=32764,AVERAGE-BANDWIDTH=30071,CODECS="avc1.64000a,mp4a.40.2",RESOLUTION=64x36,'
        'FRAME-RATE=10.000,SUBTITLES="subtitles"\nav/index-1.m3u8\n'
    ),
    "dvr/match/av/index-1.m3u8": HEAD.format(6)
    + f'#EXT-X-MAP:URI="../../../av/{RUN}/init.mp4"\n{DATE}'
    + "".join(f"#EXTINF:2.000000,\n../../../av/{RUN}/segment-{i:06d}.m4s\n" for i in range(3))
    + "#EXT-X-ENDLIST\n",
    "dvr/match/text/index-1.m3u8": HEAD.format(3)
    + DATE
    + "".join(f"#EXTINF:2.000000,\n../../../text/{RUN}/segment-{i:06d}.vtt\n" for i in range(3))
    + "#EXT-X-ENDLIST\n",
    f"text/{RUN}/segment-000000.vtt": MAP + HELLO,
    f"text/{RUN}/segment-000001.vtt": MAP + HELLO,
    f"text/{RUN}/segment-000002.vtt": MAP + "\n00:00:05.500 --> 00:00:08.000\nand <i>go on</i>\n",
}


class NoSessions:
    """A channel without a session."""

    async def expire(self, *_: object) -> bool:
        return False

    def nothing_changes(self) -> asyncio.Lock:
        return asyncio.Lock()


def channel(output: Path) -> Channel:
    text = TextStream(input_track=0, language_code="en", display_name="English")
    return channel_of(
        str(output),
        elementary_streams=(*video_and_audio("h264"), ElementaryStream(key="text", text_stream=text)),
        mux_streams=(MuxStream(), MuxStream(key="text", container="vtt", elementary_streams=("text",))),
        manifests=(Manifest(mux_streams=("av", "text")),),
        target_duration=2,
    )


async def take(store: LocalStore, catalog: Catalog, of: Channel, spool: Path, *, final: bool) -> None:
    """A controller looks at the run, as it finds it in the catalog."""
    row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
    assert row is not None
    known = catalog.read(lambda db: segment_rows.load_timeline(db, row))
    intake = Intake(of, known, store, catalog, Owner("live", 1), lambda: None)
    stored = catalog.read(lambda db: segment_rows.list_runs(db, "live"))[0]
    opened = open_run(Run(spool, ["av", "text"]), of, known.timeline)
    opened.media, opened.clock = dict(stored.media), stored.clock or RunClock()
    await intake.read(opened)
    await intake.take(opened, final=final)


@pytest.mark.semantics("W5", "P4", "P5", "P6", "S16", "R1")
async def test_a_golden_presentation_whatever_restarts_there_are(tmp_path: Path) -> None:
    out, spool = tmp_path / "out", tmp_path / "spool" / RUN
    out.mkdir()
    shutil.copytree(FIXTURES / "av" / RUN, spool / "av")
    (spool / "text").mkdir()
    (spool / "text/journal.csv").touch()
    of, store, catalog = channel(out), LocalStore(out), Catalog(tmp_path / "catalog.sqlite3")
    await catalog.write(lambda db: channel_rows.put_channel(db, of))
    await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", BEGAN))
    for index, row in enumerate(ROWS):
        arrival = BEGAN / SECOND + float(row.split(",")[2])
        os.utime(spool / f"av/segment-{index:06d}.m4s", (arrival, arrival))
    for index in range(len(ROWS)):
        (spool / f"av/segment-{index + 1:06d}.m4s").rename(spool / "next")
        (spool / "av/journal.csv").write_text("".join(ROWS[: index + 1]))
        (spool / "text/cues.vtt").write_text("".join(CUES[: index + 1]))
        await take(store, catalog, of, spool, final=index == 2)
        (spool / "next").rename(spool / f"av/segment-{index + 1:06d}.m4s")

    row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
    assert row is not None
    known = catalog.read(lambda db: segment_rows.load_timeline(db, row))
    windows = (window(0, None),)
    session = OpenSession(
        SessionRow("live", "match", "main", windows, windows, {}, "LIVE", None, 1, None, None, BEGAN, BEGAN), of
    )
    session.grow(known)
    session.seal(SOURCE_LOST)
    for mux, rendition in session.renditions.items():
        store.replace(media_playlist_name("match", mux, 1), rendition.playlist.render())
    store.replace("dvr/match/main.m3u8", multivariant(of, session.renditions.values(), 1, known))

    assert {name: (out / name).read_text() for name in GOLDEN} == GOLDEN
    report = run_check(str(out / "dvr/match/main.m3u8"), deep=True)
    assert report.ok and not report.findings, report.findings

    # Retention lets a text's objects go as the others' (R1, R4).
    sweeper = Sweeper(HeldChannel(of, known, store, catalog, Owner("live", 1), FakeClock()), NoSessions())
    await sweeper.sweep(BEGAN + 48 * HOUR)
    left = {name for name in store.list("") if not name.startswith("dvr/")}
    assert left == {f"av/{RUN}/init.mp4", f"av/{RUN}/segment-000002.m4s", f"text/{RUN}/segment-000002.vtt"}
    catalog.close()
