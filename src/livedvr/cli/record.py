"""`livedvr record`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import click

from livedvr.cli.progress import Display
from livedvr.cli.state_command import StateCommand
from livedvr.record_options import RecordOptions
from livedvr.recording import RecordControl, RecordResult, record_session
from livedvr.resources.errors import (
    Aborted,
    AlreadyExists,
    LiveDvrError,
    SourceError,
    StorageError,
    Superseded,
)
from livedvr.resources.models import DvrSession, to_micros
from livedvr.resources.times import format_time
from livedvr.sessions.plan import NO_MEDIA

USAGE, NO_MEDIA_IN_WINDOW, STORAGE, SOURCE_NEVER_CAME, TAKEN, INTERRUPTED = 2, 3, 4, 5, 6, 130

_EPILOG = """Exit codes: 0 finished; 2 bad usage; 3 no media in the window; 4 storage; 5 source never came;
6 taken (another controller, an existing session, a port) or deleted by somebody meanwhile; 130 stopped at once by a
second signal."""


@click.command(epilog=_EPILOG)
@click.argument("source")
@click.option(
    "--output",
    required=True,
    metavar="DIR",
    help="Where segments and manifests go: DIR, file:///DIR or gs://BUCKET/PREFIX.",
)
@click.option(
    "--session",
    metavar="ID",
    help="The session's id; the manifest is DIR/dvr/ID/main.m3u8. [default: made from the time]",
)
@click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id.")
@click.option(
    "--start", metavar="T", help="Window start: RFC 3339, now, -10m, +1h. [default: the first media that comes]"
)
@click.option("--end", metavar="T", help="Window end, as --start. [default: until stopped]")
@click.option("--duration", metavar="D", help="Window length from its start: 30s, 1h30m.")
@click.option("--segment-duration", metavar="D", default="2s", show_default=True, help="1s to 20s.")
@click.option(
    "--container", type=click.Choice(["fmp4", "ts"]), default="fmp4", show_default=True, help="CMAF or MPEG-TS."
)
@click.option(
    "--video",
    type=click.Choice(["copy", "h264", "h265"]),
    help="copy: video and audio as they come; h264, h265: encode, and AAC. [default: copy; h264 for testsrc, a ladder]",
)
@click.option(
    "--ladder",
    metavar="HEIGHTS",
    help="Several qualities from one decode, e.g. 1080p,720p,480p; the audio is a rendition of its own.",
)
@click.option(
    "--subtitles",
    metavar="WHAT",
    is_flag=False,
    flag_value="auto",
    help="WebVTT of a subtitle track (0 is the first) or of CEA-608 captions (cc1 to cc4); auto, or nothing behind it:"
    " the first track, else cc1. A language may follow: cc1:en. [default: none]",
)
@click.option(
    "--retention",
    metavar="D",
    default="24h",
    show_default=True,
    help="How long segments are kept that no session holds. What is recorded is pinned: it stays until it is deleted.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    help="Where the catalog lives. [default: OUTPUT/.livedvr, of gs:// $XDG_STATE_HOME/livedvr]",
)
@click.option("--gzip", is_flag=True, help="Playlists in a gs:// output are stored compressed.")
@click.option(
    "--target-duration", type=click.IntRange(1, 120), metavar="S", help="EXT-X-TARGETDURATION. [default: measured]"
)
@click.option(
    "--start-offset",
    metavar="D",
    help="Where players begin (EXT-X-START): 0, 10s from the start, -30s from the end. [default: their own way]",
)
@click.option(
    "--on-state",
    metavar="COMMAND",
    help="Run at each change of a session's state, with the session as JSON on its stdin.",
)
@click.option(
    "--backup",
    metavar="SOURCE",
    help="A second source that stands by, is on air while the first is lost, and leaves when that has returned.",
)
@click.option(
    "--allow-ip",
    multiple=True,
    metavar="CIDR",
    help="Who may publish: an address or a network, repeatable. RTMP; over UDP addresses only. [default: everybody]",
)
@click.option("--source-dates", is_flag=True, help="The dates of an HLS source win over when it arrives.")
@click.option("--loop", is_flag=True, help="A file starts again at its end.")
@click.option("--resume", is_flag=True, help="Go on with the session if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def record(as_json: bool, on_state: str | None, **given: Any) -> None:
    """Record a DVR session from SOURCE.

    SOURCE is testsrc, a media file (played in real time), or a URL.

    \b
    Waits for a publisher, on loopback unless a host is named:
      rtmp://:1935/live/KEY     without KEY one is made and shown once
      srt://:9000?passphrase=...
      udp://:5000               MPEG-TS; udp://239.1.2.3:5000 for multicast
    Connects to a server:
      rtmp://host/app/stream    rtsp://user:password@host/path
      srt://host:9000           https://host/live.m3u8
    With a host and ?mode=listener, RTMP and SRT wait at that address.

    SIGINT, SIGTERM and SIGHUP seal the manifest and exit; a second one also ends ffmpeg at once.
    """
    display = Display()
    try:
        with display:
            result, interrupted = asyncio.run(_run(RecordOptions(**given), on_state, display))
    except LiveDvrError as error:
        result, interrupted = RecordResult(given["session"] or "", None, error), False
    shown = result.to_json()
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    elif result.session is not None and result.session.segments:
        _print(result.session, shown)
    if shown["error"]:
        click.echo(f"livedvr: {shown['error']}", err=True)
    sys.exit(INTERRUPTED if interrupted else exit_code(result))


async def _run(options: RecordOptions, on_state: str | None, display: Display) -> tuple[RecordResult, bool]:
    control = RecordControl(on_progress=display.update, on_note=display.note)

    def interrupt() -> None:
        if control.kill.is_set():
            os._exit(INTERRUPTED)  # the third: whatever still hangs must not hold the user
        if control.stop.is_set():
            control.kill.set()
        control.stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt)
    if on_state is None:
        return await record_session(options, control), control.kill.is_set()
    async with StateCommand(on_state, display.note) as command:
        control.on_state = command.tell
        return await record_session(options, control), control.kill.is_set()


def exit_code(result: RecordResult) -> int:
    """The process's exit code for a result."""
    match result.error:
        case Superseded():
            return TAKEN
        case StorageError():
            return STORAGE
        case SourceError():
            return SOURCE_NEVER_CAME
        case AlreadyExists() | Aborted():
            return TAKEN
        case LiveDvrError():
            return USAGE
    session = result.session
    if session is None or session.state in ("FINISHED", "COOLDOWN"):
        return 0
    if session.state == "FAILED" and session.error != NO_MEDIA:
        return STORAGE
    return NO_MEDIA_IN_WINDOW


def _print(session: DvrSession, shown: Mapping[str, Any]) -> None:
    click.echo(f"{session.state} {session.output_uri}")
    click.echo(
        f"  {shown['actual_start']} .. {shown['actual_end']}  {shown['segments']} segments, "
        f"{shown['duration']:.3f} s, {shown['bytes']} bytes"
    )
    for gap in session.gaps:
        length = (gap.end_time - gap.start_time).total_seconds()
        click.echo(f"  gap {format_time(to_micros(gap.start_time))} {length:.3f} s: {gap.reason}")
