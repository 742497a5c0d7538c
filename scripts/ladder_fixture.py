"""Makes fixtures/ladder: several renditions from one decode, as livedvr's own command cuts them."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixture_media import FFMPEG, LOG_NAME, Stretch, day, encode, exact, same_each_time, version

from fixtures.derive import instant
from livedvr.ingest.command import JOURNAL_NAME, Cut, build_argv
from livedvr.ingest.journal import parse_rows
from livedvr.ingest.source import Source
from livedvr.resources.layout import run_folder
from livedvr.resources.models import Channel, Input, Manifest, MuxStream, Output
from livedvr.resources.streams import AudioStream, ElementaryStream, VideoStream
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST

LADDER_CHANNEL = Channel(
    channel_id="ladder",
    input=Input(uri="srt://127.0.0.1:9000"),
    output=Output(uri="ladder"),
    elementary_streams=(
        *(
            ElementaryStream(
                key=f"{height}p",
                video_stream=VideoStream(codec="h264", height_pixels=height, width_pixels=width, bitrate_bps=rate),
            )
            for width, height, rate in ((128, 72, 60_000), (64, 36, 30_000))
        ),
        ElementaryStream(
            key="sound",
            audio_stream=AudioStream(
                codec="aac", bitrate_bps=16_000, channel_count=1, language_code="en", display_name="English"
            ),
        ),
    ),
    mux_streams=(
        MuxStream(key="v72p", elementary_streams=("72p",)),
        MuxStream(key="v36p", elementary_streams=("36p",)),
        MuxStream(key="audio", elementary_streams=("sound",)),
    ),
    manifests=(Manifest(mux_streams=("v72p", "v36p", "audio")),),
)


@dataclass(frozen=True)
class LadderRun:
    """A run of the ladder: ``has_sound``: the source has audio; ``late``: ms after its end that a segment has come."""

    id: str
    origin: str
    seconds: float
    end_reason: str
    has_sound: bool = True
    late: int = 90


LADDER_RUNS = (
    LadderRun("20261121T040000Z-b2h7", day("04:00:00.250"), 7, SOURCE_LOST),
    LadderRun("20261121T040014Z-c9n4", day("04:00:14.600"), 5, SOURCE_LOST, has_sound=False),
    LadderRun("20261121T040026Z-d5r1", day("04:00:26.900"), 6, CHANNEL_STOPPED),
)
LADDER_SESSIONS = (
    ("single", [(day("04:00:01"), day("04:00:05"))]),
    ("outage", [(day("04:00:03"), day("04:00:40"))]),
)


def make_ladder(folder: Path) -> None:
    """Media, journals, logs and channel.json of the ladder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "journals").mkdir(parents=True)
    told = {
        "ffmpeg": version(),
        "channel": LADDER_CHANNEL.model_dump(mode="json", by_alias=True),
        "runs": [make_ladder_run(run, folder) for run in LADDER_RUNS],
        "sessions": [{"id": name, "windows": windows} for name, windows in LADDER_SESSIONS],
    }
    (folder / "channel.json").write_text(json.dumps(told, indent=2) + "\n")


def make_ladder_run(run: LadderRun, folder: Path) -> dict[str, Any]:
    """One decode, three renditions (two where the source has no sound); what channel.json says of it."""
    muxes = LADDER_CHANNEL.mux_streams[: 3 if run.has_sound else 2]
    arrivals: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as work:
        spool = Path(work)
        encoded = encode(Stretch("128x72", run.seconds), spool, "source.ts", has_sound=run.has_sound)
        argv = build_argv("ffmpeg", Source("file", "source.ts"), Cut(LADDER_CHANNEL, muxes))
        argv.remove("-re")
        for at in reversed([at for at, part in enumerate(argv) if part == "libx264"]):
            argv[at + 1 : at + 1] = ["-threads", "1"]  # the same bytes on every machine
        for mux in muxes:
            (spool / mux.key).mkdir()
        with (spool / LOG_NAME).open("wb") as log:
            subprocess.run([FFMPEG, *argv[1:]], cwd=spool, check=True, stderr=log)
        (folder / "journals" / f"{run.id}.log").write_text(same_each_time((spool / LOG_NAME).read_text()))
        for mux in muxes:
            made = folder / run_folder(mux.key, run.id)
            made.mkdir(parents=True)
            for path in spool.glob(f"{mux.key}/*.m[4p][s4]"):
                shutil.copyfile(path, made / path.name)
            journal = spool / mux.key / JOURNAL_NAME
            shutil.copyfile(journal, folder / "journals" / f"{run.id}.{mux.key}.csv")
            ends = [row.end for row in parse_rows(journal.read_bytes())[0]]
            arrivals[mux.key] = [exact(instant(run.origin) + end + run.late * 1000) for end in ends]
    return {
        "id": run.id,
        "encoded": [encoded],
        "cut": shlex.join(argv),
        "endReason": run.end_reason,
        "segments": arrivals,
    }
