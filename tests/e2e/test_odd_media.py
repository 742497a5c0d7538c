"""Media that is odd but right, and media of which no segment can be made (P3, P4, I3)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from live import (
    FLV,
    Encoder,
    Recording,
    clock_errors,
    ffmpeg_pids,
    free_tcp_port,
    free_udp_port,
    lines,
    listed_text,
    listening,
    media_playlist,
    record,
    until,
)
from livedvr import Channel, Input, LiveDvr, Output
from livedvr.check.run import run_check
from livedvr.ingest.surroundings import RunSettings

pytestmark = pytest.mark.e2e


@pytest.mark.semantics("P3", "P8", "I3")
async def test_a_source_without_keyframes_is_told_and_bounded_and_goes_on_when_they_come(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    port, out = free_tcp_port(), tmp_path / "out"
    to = f"rtmp://127.0.0.1:{port}/live/key"
    channel = Channel(
        channel_id="live",
        input=Input(uri=f"rtmp://:{port}/live/key"),
        output=Output(uri=str(out)),
        target_duration=5,
    )
    async with LiveDvr(tmp_path / "data", settings=RunSettings(longest_segment_seconds=3)) as dvr:
        await dvr.channels.create(channel)
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "demo")
        await asyncio.to_thread(listening, port)
        with Encoder(to, gop=100_000, mux=FLV) as encoder:  # its first picture is a keyframe, and no other
            await asyncio.to_thread(until, lambda: encoder.process.poll() is not None, "it is cut off")
        await asyncio.to_thread(listed_text, out, 1)
        assert not list(out.glob(".livedvr/spool/**/segment-*")), "what is open never grows on"
        await asyncio.to_thread(listening, port)
        with Encoder(to, mux=FLV):
            await asyncio.to_thread(until, lambda: "#EXT-X-DISCONTINUITY\n" in media_playlist(out).read_text(), "media")
            await dvr.channels.stop("live")
        session = await dvr.sessions.get("live", "demo")
        events = [(kind, text) for _, kind, text in dvr.events("live")]
    ((kind, text),) = events
    assert kind == "NO_KEYFRAME" and "no keyframe for 3 s" in text and "key" not in text.partition(": no key")[0]
    assert (session.state, [gap.reason for gap in session.gaps][-1]) == ("FINISHED", "no keyframe")
    assert run_check(session.output_uri, deep=True).ok


@pytest.mark.semantics("I1", "P6")
def test_audio_alone_over_the_network(wheel_ffmpeg: str, tmp_path: Path) -> None:
    rtmp, udp = free_tcp_port(), free_udp_port()
    options = ("--session", "demo", "--duration", "3s", "--target-duration", "2")
    with (
        Recording(f"rtmp://:{rtmp}/live/key", tmp_path / "rtmp", *options) as published,
        Recording(f"udp://127.0.0.1:{udp}", tmp_path / "udp", *options) as sent,
    ):
        listening(rtmp)
        until(lambda: ffmpeg_pids(tmp_path / "udp"), "ffmpeg listens")
        with (
            Encoder(f"rtmp://127.0.0.1:{rtmp}/live/key", video=False, mux=FLV),
            Encoder(f"udp://127.0.0.1:{udp}?pkt_size=1316", video=False),
        ):
            ended = [recording.finish() for recording in (published, sent)]
    for (code, result, err), way in zip(ended, ("rtmp", "udp"), strict=True):
        assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
        assert "takes #0:0 Audio" in err and err.count("takes #") == 1, err
        assert result["segments"] >= 2, "cut at audio frames"
        assert 'CODECS="mp4a.40.2"' in (tmp_path / way / "dvr/demo/main.m3u8").read_text()
        assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.semantics("P7")
def test_audio_alone_where_the_channel_is_made_of_video(wheel_ffmpeg: str, tmp_path: Path) -> None:
    source = f"udp://127.0.0.1:{free_udp_port()}"
    with Encoder(f"{source}?pkt_size=1316", video=False):
        code, result, err = record(source, tmp_path, "--session", "demo", "--ladder", "240p")
    assert (code, "Traceback" in err) == (5, False), err
    assert f"{source}: the source has no stream 'v:0'" in result["error"]
    assert not list(tmp_path.rglob("*.m3u8")) and ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("C1", "P4")
def test_b_frames_that_begin_before_zero(wheel_ffmpeg: str, tmp_path: Path) -> None:
    made = f"{wheel_ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=320x180:r=25:d=5"
    coded = "-f lavfi -i sine=r=48000:d=5 -c:v libx264 -bf 3 -g 25 -sc_threshold 0 -c:a aac"
    recordings = []
    for suffix, container in (("mkv", "fmp4"), ("mp4", "ts")):  # one has negative times, the other an edit list
        clip = tmp_path / f"clip.{suffix}"
        subprocess.run([*made.split(), *coded.split(), str(clip)], check=True)
        options = ("--session", "demo", "--container", container, "--segment-duration", "1s")
        recordings.append(Recording(str(clip), tmp_path / suffix, *options))
    for recording in recordings:
        code, result, err = recording.finish()
        assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
        listed = lines(media_playlist(recording.output))
        assert [line.duration for line in listed] == pytest.approx([1.0] * 5, abs=0.05)
        assert not any(line.discontinuity for line in listed)
        assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.semantics("C1", "P4")
def test_b_frames_over_rtmp(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_tcp_port()
    options = ("--session", "demo", "--duration", "4s", "--segment-duration", "1s", "--target-duration", "2")
    with Recording(f"rtmp://:{port}/live/key", tmp_path, *options) as recording:
        listening(port)
        with Encoder(f"rtmp://127.0.0.1:{port}/live/key", mux=FLV, extra=("-bf", "2")):
            code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    listed = lines(media_playlist(tmp_path))
    assert [line.duration for line in listed[1:-1]] == pytest.approx([1.0] * (len(listed) - 2), abs=0.05)
    errors = clock_errors(listed)
    assert all(abs(error) < 0.25 for error in errors), errors
    assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.semantics("I2", "I3", "P3")
def test_a_gop_that_is_longer_than_the_target_duration_is_said_and_is_no_loss(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    source = f"udp://127.0.0.1:{free_udp_port()}"
    options = ("--session", "demo", "--target-duration", "6", "--container", "ts")
    with Recording(source, tmp_path, *options) as recording:
        until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
        with Encoder(f"{source}?pkt_size=1316", gop=360):
            text = listed_text(tmp_path, 1)
            recording.send(signal.SIGINT)
            code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    first, second = lines(media_playlist(tmp_path))
    assert first.duration == pytest.approx(12, abs=0.1) and not second.discontinuity
    assert "TARGET_DURATION_EXCEEDED" in err and "lasts 12.0" in err and "the target duration is 6 s" in err
    assert "#EXT-X-TARGETDURATION:12\n" in text, "the session was made when it was known"
    assert run_check(result["output_uri"], deep=True).ok
