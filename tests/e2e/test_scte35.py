"""SCTE-35 in a source becomes EXT-X-DATERANGE (P9)."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from live import Recording, ffmpeg_pids, free_udp_port, lines, listed_text, media_playlist, receiving, until
from livedvr import LiveDvr, TimeInterval
from livedvr.check.run import run_check
from livedvr.hls.attributes import parse_attributes
from splices import section, segmentation, splice_insert, splice_null, ticks, time_signal
from ts_clip import UdpSender, write_clip

pytestmark = [pytest.mark.e2e, pytest.mark.semantics("P9")]


def ranges(text: str) -> list[dict[str, str]]:
    """The attributes of each EXT-X-DATERANGE, without quotes."""
    found = re.findall("#EXT-X-DATERANGE:(.*)", text)
    return [{name: value.strip('"') for name, value in parse_attributes(line).items()} for line in found]


def seconds(date: str) -> float:
    return datetime.fromisoformat(date).timestamp()


@pytest.mark.semantics("C5", "O5")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_the_breaks_of_a_file_whose_clock_wraps(
    container: str, wheel_ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEDVR_FFMPEG", wheel_ffmpeg if container == "fmp4" else "/usr/bin/ffmpeg")
    cues = [
        (0.0, lambda at: splice_null()),
        (0.5, lambda at: splice_insert(7, at(2.2), out=True, duration=ticks(1.6), returns=False)),
        (0.6, lambda at: splice_insert(7, at(2.2), out=True, duration=ticks(1.6), returns=False)),
        (0.7, lambda at: section(5, b"", encrypted=True)),
        (1.4, lambda at: time_signal(at(3.0), segmentation(1, 0x10, ticks(60)))),
        (2.9, lambda at: splice_insert(7, at(3.84), out=False)),
    ]
    write_clip(wheel_ffmpeg, tmp_path / "clip.ts", 5.0, cues, offset=95_443.7 - 3)
    out = tmp_path / "out"
    options = ("--session", "demo", "--segment-duration", "1s", "--target-duration", "1", "--container", container)
    began = time.monotonic()
    code, result, err = Recording(str(tmp_path / "clip.ts"), out, *options).finish()
    assert time.monotonic() - began > 4, "it is played in real time, though messages are rare"
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err

    text = media_playlist(out).read_text()
    begins = lines(media_playlist(out))[0].date
    first, program, last = ranges(text)
    assert first["SCTE35-OUT"].startswith("0xFC30") and last["SCTE35-IN"].startswith("0xFC30")
    assert first["ID"] == last["ID"] and first["START-DATE"] == last["START-DATE"]
    assert seconds(first["START-DATE"]) - begins == pytest.approx(2.2, abs=0.003)
    assert seconds(last["END-DATE"]) - begins == pytest.approx(3.84, abs=0.003)
    assert (first["PLANNED-DURATION"], last["DURATION"]) == ("1.600", "1.640")
    assert seconds(program["START-DATE"]) - begins == pytest.approx(3.0, abs=0.003)
    assert (program["PLANNED-DURATION"], program["SCTE35-CMD"][:4]) == ("60.000", "0xFC")
    # Told before it begins: beside the segment in which the message came.
    uris = [line for line in text.splitlines() if "DATERANGE" in line or not line.startswith("#")]
    assert ["DATERANGE" in line for line in uris] == [True, True, False, False, True, False, False, False]
    live = (out / "av/index-1.m3u8").read_text()
    assert [line for line in live.splitlines() if "DATERANGE" in line] == [line for line in uris if "DATERANGE" in line]
    for main in (out / "dvr/demo/main.m3u8", out / "main.m3u8"):
        assert run_check(str(main), deep=True).findings == ()
    assert "SCTE35_REFUSED" in err and "it is encrypted" in err


@pytest.mark.semantics("S16", "P1", "W1", "O6")
async def test_a_break_over_udp_goes_on_over_a_kill_and_a_reconnect(wheel_ffmpeg: str, tmp_path: Path) -> None:
    cues = [
        (1.5, lambda at: splice_insert(7, at(5.0), out=True, duration=ticks(60), returns=False)),
        (13.0, lambda at: splice_insert(7, at(15.0), out=False)),
    ]
    sent = write_clip(wheel_ffmpeg, tmp_path / "clip.ts", 19.0, cues)
    port, out = free_udp_port(), tmp_path / "out"
    options = ("--session", "demo", "--segment-duration", "1s", "--target-duration", "2")
    with Recording(f"udp://:{port}", out, *options) as first:
        receiving(port)
        with UdpSender(sent, port):
            published = await asyncio.to_thread(listed_text, out, 2)
            first.send(signal.SIGKILL)
            first.process.communicate()
            os.kill(ffmpeg_pids(out)[0], signal.SIGKILL)
            with Recording(f"udp://:{port}", out, *options, "--resume") as second:
                await asyncio.to_thread(
                    until, lambda: "SCTE35-IN" in media_playlist(out).read_text(), "the way back in"
                )
                second.send(signal.SIGINT)
                code, result, err = second.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    text = media_playlist(out).read_text()
    assert text.startswith(published) and published.count("#EXT-X-DATERANGE") == 1
    began, ended = ranges(text)
    assert began["ID"] == ended["ID"] and began["START-DATE"] == ended["START-DATE"]
    assert seconds(began["START-DATE"]) - lines(media_playlist(out))[0].date == pytest.approx(5.0, abs=0.01)
    assert "#EXT-X-DISCONTINUITY\n" in text and float(ended["DURATION"]) == pytest.approx(10.0, abs=0.25)

    async with LiveDvr(out / ".livedvr") as dvr:
        start = datetime.fromisoformat(began["START-DATE"]) + timedelta(seconds=1)
        window = TimeInterval(start_time=start, end_time=datetime.fromisoformat(result["actual_end"]))
        (channel,) = await dvr.channels.list()
        await dvr.sessions.create(channel.channel_id, "past", [window])
        await asyncio.to_thread(until, media_playlist(out, "past").exists, "the playlist of what is past")
    assert ranges(media_playlist(out, "past").read_text()) == [began, ended]
    for session in ("demo", "past"):
        assert run_check(str(out / "dvr" / session / "main.m3u8"), deep=True).ok
