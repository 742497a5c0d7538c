"""Makes fixtures/ again: sources by an encoder, cut by livedvr's own command, golden playlists by livedvr's pure code.

The network and the clock are replaced by a plan: when each segment has arrived is chosen here, not measured. So the
same ffmpeg makes the same bytes. fixtures/README.md explains the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from fixture_media import FFMPEG, LOG_NAME, Stretch, day, encode, exact, same_each_time, version
from ladder_fixture import make_ladder

from fixtures.derive import CHANNELS, FIXTURES, draw_channel, instant
from fixtures.ladder import LADDER, draw_ladder
from livedvr.ingest.command import CONTAINER_OFFSET, HEAD_NAME, JOURNAL_NAME, Cut, build_argv
from livedvr.ingest.cues import packets_name, sections_name
from livedvr.ingest.describe import describe
from livedvr.ingest.journal import JournalRow, parse_rows
from livedvr.ingest.source import Source
from livedvr.media.audio_config import complete_init
from livedvr.media.reader import MediaSpan, read_media
from livedvr.resources.layout import INIT_NAME, SEGMENT_PATTERN, init_name, segment_name
from livedvr.resources.models import Channel, Input, MuxStream, Output
from livedvr.timeline.clock import JUMP
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST
from splices import first_video_time, segmentation, splice_insert, ticks, time_signal, with_cues


@dataclass(frozen=True)
class RunPlan:
    """A run. ``origin``: the instant of its media time 0. ``delays``: ms after its end that each segment has come.

    ``cues``: SCTE-35 messages, the seconds at which each comes, and the message given how ticks are made of the seconds
    after the first picture.
    """

    id: str
    origin: str
    stretches: tuple[Stretch, ...]
    delays: tuple[int, ...]
    end_reason: str
    cues: tuple[tuple[float, Callable[[Callable[[float], int]], bytes]], ...] = ()


@dataclass(frozen=True)
class ChannelPlan:
    """A channel's folder. A session: (id, windows, the instant at which it is seen while it runs, or None)."""

    channel: Channel
    runs: tuple[RunPlan, ...]
    sessions: tuple[tuple[str, list[tuple[str, str | None]], str | None], ...]


PLANS = (
    ChannelPlan(
        Channel(
            channel_id="fmp4", input=Input(uri="srt://127.0.0.1:9000"), output=Output(uri="fmp4"), target_duration=2
        ),
        (
            RunPlan(
                "20261121T020000Z-k3f9",
                day("02:00:00.750"),
                (Stretch("64x36", 15),),
                # The source falls silent; the watchdog ends the run 5 s later, and that closes the last segment.
                (92, 80, 87, 101, 83, 95, 84, 5210),
                SOURCE_LOST,
                (
                    (1.0, lambda at: splice_insert(6, at(3.0), out=True, duration=ticks(2.5))),
                    (6.5, lambda at: splice_insert(7, at(10.2), out=True, duration=ticks(20), returns=False)),
                    (7.0, lambda at: splice_insert(7, at(10.2), out=True, duration=ticks(20), returns=False)),
                ),
            ),
            RunPlan(
                "20261121T020021Z-p7x2",
                day("02:00:23.400"),
                (Stretch("96x54", 8),),
                (85, 96, 80, 88),
                CHANNEL_STOPPED,
                ((2.5, lambda at: splice_insert(7, at(5.2), out=False)),),
            ),
        ),
        (
            ("single", [(day("02:00:04"), day("02:00:09"))], None),
            ("growing", [(day("02:00:04"), None)], day("02:00:13")),
            ("joined", [(day("02:00:01"), day("02:00:04")), (day("02:00:10"), day("02:00:13"))], None),
            ("outage", [(day("02:00:04"), day("02:00:29"))], None),
        ),
    ),
    ChannelPlan(
        Channel(
            channel_id="ts",
            input=Input(uri="udp://127.0.0.1:9000"),
            output=Output(uri="ts"),
            mux_streams=(MuxStream(container="ts", segment_duration=timedelta(seconds=2)),),
        ),
        (
            RunPlan(
                "20261121T030000Z-m4q8",
                day("03:00:00.400"),
                (Stretch("64x36", 16),),
                # After four segments the network becomes faster: the clock was 55 ms late and slews.
                (140, 152, 149, 144, 85, 88, 86, 85),
                SOURCE_LOST,
            ),
            RunPlan(
                "20261121T030100Z-w6d2",
                day("03:01:02.100"),
                (Stretch("64x36", 10), Stretch("64x36", 6, at=17.5)),
                (85, 96, 80, 88, 91, 83, 99, 90),
                CHANNEL_STOPPED,
                (
                    (3.0, lambda at: time_signal(at(5.0), segmentation(1, 0x10, ticks(3600)))),
                    (4.5, lambda at: time_signal(at(7.0), segmentation(2, 0x34, ticks(6), upid=b"spot"))),
                    # Behind the jump: 7.46 s are missing in the timestamps.
                    (18.5, lambda at: time_signal(at(20.5), segmentation(2, 0x35))),
                ),
            ),
        ),
        (
            ("single", [(day("03:00:01"), day("03:00:06"))], None),
            ("slewed", [(day("03:00:03"), day("03:00:16"))], None),
            ("jump", [(day("03:01:06"), day("03:01:16"))], None),
        ),
    ),
)


def main() -> None:
    """Make everything, or the playlists only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--playlists-only", action="store_true", help="media, journals and channel.json stay")
    parser.add_argument("--output", type=Path, default=FIXTURES, help="another folder than fixtures/")
    options = parser.parse_args()
    if not options.playlists_only:
        for plan in PLANS:
            make_recording(plan, options.output / plan.channel.channel_id)
    for folder in CHANNELS:
        draw_playlists(folder if options.playlists_only else options.output / folder.name, options.output / folder.name)
    if not options.playlists_only:
        make_ladder(options.output / LADDER.name)
    recorded = LADDER if options.playlists_only else options.output / LADDER.name
    write_playlists(asyncio.run(draw_ladder(recorded)), options.output / LADDER.name)


def draw_playlists(recorded: Path, output: Path) -> None:
    """Write the golden playlists of a recorded channel below ``output``."""
    write_playlists(draw_channel(recorded), output)


def write_playlists(files: Mapping[str, bytes], output: Path) -> None:
    """Nothing but these playlists lies below ``dvr/`` from here on."""
    shutil.rmtree(output / "dvr", ignore_errors=True)
    for name, text in files.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def make_recording(plan: ChannelPlan, folder: Path) -> None:
    """Media, journals, logs and channel.json of one channel."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "journals").mkdir(parents=True)
    told = {
        "ffmpeg": version(),
        "channel": plan.channel.model_dump(mode="json", by_alias=True),
        "runs": [make_run(plan.channel, run, folder) for run in plan.runs],
        "sessions": [
            {"id": name, "windows": windows} | ({"seenAt": seen_at} if seen_at else {})
            for name, windows, seen_at in plan.sessions
        ],
    }
    (folder / "channel.json").write_text(json.dumps(told, indent=2) + "\n")


def make_run(channel: Channel, run: RunPlan, folder: Path) -> dict[str, Any]:
    """Encode and cut one run into the channel's folder; what channel.json says of it."""
    mux = channel.reference
    with tempfile.TemporaryDirectory() as work:
        spool = Path(work)
        encoded = [encode(stretch, spool, f"{n}.ts") for n, stretch in enumerate(run.stretches)]
        # The encoder's clock jumps where one file ends and the next begins.
        source = b"".join((spool / f"{n}.ts").read_bytes() for n in range(len(encoded)))
        first = first_video_time(source)
        sent = [(at, message(lambda seconds: first + ticks(seconds))) for at, message in run.cues]
        (spool / "source.ts").write_bytes(with_cues(source, sent) if sent else source)
        argv = cut(channel, spool)
        rows, _ = parse_rows((spool / mux.key / JOURNAL_NAME).read_bytes())
        head = read_media(
            spool / mux.key / (SEGMENT_PATTERN[mux.container] % 0),
            spool / mux.key / INIT_NAME if mux.container == "fmp4" else None,
        )
        sizes = [_take(spool, channel, run.id, row.index, folder) for row in rows]
        shutil.copyfile(spool / mux.key / JOURNAL_NAME, folder / "journals" / f"{run.id}.csv")
        (folder / "journals" / f"{run.id}.log").write_text(same_each_time((spool / LOG_NAME).read_text()))
        if sent:
            (folder / "journals" / run.id).mkdir()
            for name in (packets_name(0), sections_name(0)):
                shutil.copyfile(spool / name, folder / "journals" / run.id / name)
    arrivals = _arrivals(run, rows)
    return {
        "id": run.id,
        "encoded": encoded,
        "cut": argv,
        **_facts(head, rows, mux.container),
        "endReason": run.end_reason,
        "segments": [{"arrival": exact(at), "size": size} for at, size in zip(arrivals, sizes, strict=True)],
    }


def cut(channel: Channel, spool: Path) -> str:
    """Cut source.ts with livedvr's own command, but as fast as it goes instead of in real time; the command."""
    mux = channel.reference
    (spool / mux.key).mkdir()
    source = Source("file", "source.ts")
    argv = build_argv("ffmpeg", source, Cut(channel, channel.mux_streams))
    argv.remove("-re")
    if mux.container == "ts":  # as from a live source, whose jumps stay
        at = argv.index("-dts_delta_threshold")
        del argv[at : at + 2]
    with (spool / LOG_NAME).open("wb") as log:
        subprocess.run([FFMPEG, *argv[1:]], cwd=spool, check=True, stderr=log)
    if mux.container == "fmp4":
        complete_init(spool / mux.key / INIT_NAME, spool / mux.key / HEAD_NAME)
    return shlex.join(argv)


def _take(spool: Path, channel: Channel, run: str, index: int, folder: Path) -> int:
    """Put a segment, and the init segment with it, where livedvr's store has them; the segment's size in bytes."""
    mux = channel.reference
    made = folder / segment_name(mux.key, run, index, mux.container)
    made.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(spool / mux.key / made.name, made)
    if mux.container == "fmp4":
        shutil.copyfile(spool / mux.key / INIT_NAME, folder / init_name(mux.key, run))
    return made.stat().st_size


def _facts(head: MediaSpan, rows: Sequence[JournalRow], container: str) -> dict[str, Any]:
    """What the product reads in a run's first segment."""
    media = describe(head, container)
    edges = [*(time - CONTAINER_OFFSET for time in head.reference.keyframes), rows[0].end]
    return {
        "codecs": media.codecs,
        "resolution": media.resolution,
        "frameRate": str(media.frame_rate),
        "text": media.text,
        "channels": media.channels,
        "firstPicture": head.reference.first_pts - CONTAINER_OFFSET,
        "keyframeDistance": max(later - earlier for earlier, later in pairwise(edges)),
    }


def _arrivals(run: RunPlan, rows: Sequence[JournalRow]) -> list[int]:
    """UTC microseconds of each segment's last byte; a jump of the timestamps takes no time."""
    arrivals, jumped, expected = [], 0, rows[0].start
    for row, delay in zip(rows, run.delays, strict=True):
        jumped += row.start - expected if abs(row.start - expected) > JUMP else 0
        arrivals.append(instant(run.origin) + row.end - jumped + delay * 1000)
        expected = row.end
    return arrivals


if __name__ == "__main__":
    main()
